/* Times: microseconds since 1970 in UTC everywhere; texts only at the edges. */
#pragma once

#include <stdint.h>

#define TIME_SECOND INT64_C(1000000)

enum time_style {
	TIME_SECONDS_Z,	     /* 2026-11-23T12:32:49Z              Nova, Neutron, Glance */
	TIME_MICROSECONDS_Z, /* 2026-11-23T12:32:49.000000Z       Keystone tokens */
	TIME_MICROSECONDS,   /* 2026-11-23T12:32:49.000000        Nova services, launched_at */
	TIME_SPACED,	     /* 2026-11-23 12:32:49               Neutron agents */
};

/* Writes into text[32]; returns it. */
char *time_format(int64_t us, enum time_style style, char text[32]);
