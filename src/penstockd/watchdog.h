/* systemd's watchdog (WatchdogSec= of the unit): told that penstockd works as long as it does. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Does anybody watch?  Without, what follows does nothing. */
bool watchdog_is_on(void);
/* Any thread: the writer has committed something. */
void watchdog_writer_works(void);
/* Tells systemd, if the writer did since the last time and the HTTP thread answers on this address and port;
 * takes some seconds if it does not. */
void watchdog_tell(const char *address, uint16_t port);
