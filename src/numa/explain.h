/* Within the room: why a guest does not fit, in an operator's words. */
#pragma once

#include "base/text.h"
#include "numa/match.h"
#include "numa/need.h"

/* *match is as it was when no place was found; its host h is host->cells[order[h]]. */
void numa_explain(const struct numa_host *host, const struct numa_guest *guest,
		  const struct numa_match *match, const int *order, struct text *why);
/* The trait alone, or more cells than there are: what is looked at before any cell.  false: nothing is wrong
 * there. */
bool numa_explain_host(const struct numa_host *host, const struct numa_guest *guest, struct text *why);
