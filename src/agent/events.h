/* The real kernel's events, for world_real: rtnetlink's about network devices, uevents about devices. */
#pragma once

unsigned events_wait(int milliseconds);
