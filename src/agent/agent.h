/* The agent at work: learns what the host should run, makes it so, reports what is. */
#pragma once

#include "agent/settings.h"

/* Runs until agent_stop() is called (by a signal's thread).  Guests stay as they are. */
bool agent_run(const struct agent_settings *settings, struct error *err);
void agent_stop(void);
