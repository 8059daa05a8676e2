/* Running the release hook, within its time. */
#include "agent/hook.h"

#include "agent/deadline.h"
#include "agent/world.h"
#include "base/log.h"
#include "base/memory.h"

#include <string.h>

#define KILL_SECONDS 5 /* from the signal that it may handle to the one that it cannot */

static char hook_program[300];
static int hook_seconds = 600;

void hook_configure(const char *program, int seconds)
{
	snprintf(hook_program, sizeof hook_program, "%s", program);
	hook_seconds = seconds;
}

struct running {
	struct granted_device device;
	bool ok;
	struct error err;
};

/* "0x010802" as "010802". */
static void class_of(const char *address, char class[16])
{
	_cleanup_free_ char *path = memory_printf("/sys/bus/pci/devices/%s/class", address);
	char line[16];

	world_line(path, line, sizeof line);
	snprintf(class, 16, "%s", text_starts_with(line, "0x") ? line + 2 : line);
}

static void run(void *argument)
{
	struct running *running = argument;
	const struct device_memory *memory = &running->device.memory;
	char class[16], seconds[16], wait[16];

	class_of(memory->address, class);
	snprintf(seconds, sizeof seconds, "%d", hook_seconds);
	snprintf(wait, sizeof wait, "%d", KILL_SECONDS);
	_cleanup_free_ char *device = memory_printf("PENSTOCK_DEVICE=%s", memory->address);
	_cleanup_free_ char *of_class = memory_printf("PENSTOCK_CLASS=%s", class);
	_cleanup_free_ char *driver = memory_printf("PENSTOCK_DRIVER=%s", memory->driver);
	_cleanup_free_ char *server = memory_printf("PENSTOCK_SERVER=%s", running->device.owner);
	const char *const argv[] = {"timeout", "-v",	       "-k",
				    wait,      seconds,	       "env",
				    device,    of_class,       driver,
				    server,    hook_program,   memory->address,
				    class,     memory->driver, running->device.owner,
				    NULL};

	running->ok = world->run(argv, hook_seconds + KILL_SECONDS, NULL, &running->err);
}

static bool ended(const struct running *running, struct error *err)
{
	const char *why = running->err.message;

	if (running->ok)
		return true;
	if (text_starts_with(why, "timeout failed: "))
		why += strlen("timeout failed: ");
	return error_set_typed(err, ERROR_INTERNAL, HOOK_FAILS, "the release hook %s failed for %s: %s",
			       hook_program, running->device.memory.address, why);
}

bool hook_run(const struct granted_device *device, struct error *err)
{
	char what[400];

	if (!*hook_program)
		return true;
	struct running *running = memory_alloc(sizeof *running);
	running->device = *device;
	log_info("%s: release hook %s", device->memory.address, hook_program);
	snprintf(what, sizeof what, "the release hook %s for %s", hook_program, device->memory.address);
	/* One that cannot be killed hangs in the kernel. */
	if (!deadline_run(device->memory.address, what, hook_seconds + 3 * KILL_SECONDS, run, free, running,
		       err))
		return false;
	bool ok = ended(running, err);
	free(running);
	return ok;
}
