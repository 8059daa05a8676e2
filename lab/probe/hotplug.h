/* Devices that come and go while the guest runs. */
#ifndef PROBE_HOTPLUG_H
#define PROBE_HOTPLUG_H

/* Tells of what was plugged in since the last call, and lets go of what is to be taken out. */
void hotplug_poll(void);

#endif
