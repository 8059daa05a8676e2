/* Network devices: up, down, name, MAC, MTU (rtnetlink). */
#pragma once

#include "base/error.h"

#include <stdbool.h>

bool netdev_set_up(const char *name, bool up, struct error *err);
bool netdev_is_up(const char *name, bool *up, struct error *err);
bool netdev_rename(const char *from, const char *to, struct error *err); /* it must be down */
bool netdev_set_mtu(const char *name, int mtu, struct error *err);
bool netdev_set_mac(const char *name, const char *mac, struct error *err);
/* Of one that is made of software: a bridge. */
bool netdev_remove(const char *name, struct error *err);
void netdev_mac(const char *name, char mac[18]); /* "" if it is not there */
int netdev_mtu(const char *name);		 /* -1 if it is not there */
