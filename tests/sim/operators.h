/* What the site's operators do: take hosts out and put them back, evacuate a host whose power is gone, change
 * how many VFs there are and which are offered. */
#pragma once

#include <stdbool.h>

void operators_begin(void);
/* No new work; true when they have ended. */
void operators_end(void);
bool operators_are_over(void);
/* Everything is offered again that was at the beginning; for when nobody has a VF any more. */
bool operators_restored(void);
