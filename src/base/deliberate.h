/* Deliberate bugs, one for each promise of docs/promises.md: what the simulator must find (tests/sim).  Only
 * in builds with `meson setup -Ddeliberate_bug=N`; in every other one there is none. */
#pragma once

#include "base/deliberate_number.h" /* made by meson */

#define deliberate_bug(number) (DELIBERATE_BUG == (number))
