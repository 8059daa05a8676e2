/* Files of a distribution that `penstock host setup` reads and changes: first line a kernel command line, the
 * rest a file.  What was changed once is right, and is not changed again; what is wished for is read as it
 * was written. */
#include "fuzz.h"

#include "host/cmdline.h"
#include "host/subjects.h"
#include "host/wishes.h"

static const struct wish_pages pages = {"2M", 2048, 64};
static const struct cmdline_change change = {.add = {"intel_iommu=on", "iommu=pt"},
					     .add_count = 2,
					     .remove = {"intel_iommu=off"},
					     .remove_count = 1,
					     .pages = &pages,
					     .pages_count = 1};

static char *changed(const char *line)
{
	_cleanup_free_ char *without = cmdline_remove(line, &change);

	return cmdline_add(without, "", &change);
}

/* A quote that is never closed makes the rest of the line one word, for the kernel too. */
static void check_cmdline(const char *line)
{
	_cleanup_free_ char *once = changed(line), *twice = changed(once);
	size_t quotes = 0;
	char missing[200];

	for (const char *c = line; *c; c++)
		quotes += *c == '"';
	if (quotes % 2)
		return;
	FUZZ_CHECK(cmdline_is_right(once, &change, missing, sizeof missing));
	FUZZ_CHECK(strcmp(once, twice) == 0);
}

static void check_grub(const char *text)
{
	_cleanup_free_ char *once = grub_change(text, "GRUB_CMDLINE_LINUX", "", &change, true), *twice = NULL;

	if (!once || strchr(text, '"') || strchr(text, '\''))
		return;
	twice = grub_change(once, "GRUB_CMDLINE_LINUX", "", &change, true);
	FUZZ_CHECK(twice && strcmp(once, twice) == 0);
}

static void check_wishes(const char *text)
{
	struct wishes wishes = {0}, again = {0};
	struct error err;
	bool ok = wishes_add_vfs(&wishes, text, &err);

	FUZZ_CHECK_ERROR(ok, &err);
	if (ok) {
		_cleanup_free_ char *written =
			memory_printf("%s:%d%s", wishes.vfs[0].netdev, wishes.vfs[0].count,
				      wishes.vfs[0].drivers ? ":drivers" : "");

		FUZZ_CHECK(wishes_add_vfs(&again, written, &err));
		FUZZ_CHECK(strcmp(wishes.vfs[0].netdev, again.vfs[0].netdev) == 0 &&
			   wishes.vfs[0].count == again.vfs[0].count &&
			   wishes.vfs[0].drivers == again.vfs[0].drivers);
	}
	ok = wishes_add_pages(&wishes, text, &err);
	FUZZ_CHECK_ERROR(ok, &err);
	wishes_done(&wishes);
	wishes_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	struct pci_device device = {.address = "0000:21:00.0",
				    .driver = "ixgbe",
				    .mac_address = "a0:36:9f:8f:3f:b8"};
	struct machine_nic nic = {.name = "p5p1", .device = &device};
	_cleanup_free_ char *line = fuzz_line(&input), *text = fuzz_rest(&input), *value = NULL;
	char id[64];

	check_cmdline(line);
	check_wishes(line);
	check_grub(text);
	networkd_matches(text, &nic);
	FUZZ_CHECK(!netplan_definition(text, &nic, id) || *id);
	value = machine_value(text, "Link", "Name");
	FUZZ_CHECK(!value || strlen(value) <= strlen(text));
	return 0;
}
