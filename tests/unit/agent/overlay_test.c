/* Tests of disks laid over images: what QEMU's own program says of them. */
#include "../test.h"

#include "agent/overlay.h"
#include "agent/process.h"
#include "base/memory.h"
#include "base/text.h"

#include <unistd.h>

static char *folder, *base, *disk;

static int make(void **state)
{
	(void)state;
	folder = test_folder_make();
	base = memory_printf("%s/base", folder);
	disk = memory_printf("%s/disk", folder);
	FILE *file = fopen(base, "w");
	assert_non_null(file);
	for (int i = 0; i < 3 * 1024; i++)
		fprintf(file, "%1023d\n", i);
	fclose(file);
	return 0;
}

static int drop(void **state)
{
	(void)state;
	free(base);
	free(disk);
	test_folder_remove(folder);
	return 0;
}

static void run(const char *const *argv, struct text *out)
{
	struct error err;

	if (!process_run(argv, 30, out, &err))
		fail_msg("%s", err.message);
}

#define assert_info(text) \
	do { \
		if (!strstr(out.data, text)) \
			fail_msg("no %s in: %s", text, out.data); \
	} while (0)

static void check(int64_t size, const char *format, const char *told_size)
{
	const char *check[] = {"qemu-img", "check", "-f", "qcow2", disk, NULL},
		   *info[] = {"qemu-img", "info", "-f", "qcow2", disk, NULL};
	_cleanup_(text_done) struct text out = {0};
	struct error err;

	if (!overlay_write(disk, base, format, size, &err))
		fail_msg("%s", err.message);
	run(check, &out);
	assert_info("No errors were found on the image.");
	run(info, &out);
	assert_info(told_size);
	assert_info(base);
}

static void test_qemu_finds_it_in_order(void **state)
{
	(void)state;
	check(INT64_C(1) << 30, "raw", "(1073741824 bytes)");
	check(3 * 1024 * 1024, "raw", "(3145728 bytes)");
	check(INT64_C(40) << 40, "raw", "(43980465111040 bytes)"); /* several clusters of L1 */
}

/* What is under it shows, and what is written stays on top. */
static void test_it_reads_as_its_base(void **state)
{
	const char *compare[] = {"qemu-img", "compare", "-f", "qcow2", "-F", "raw", disk, base, NULL},
		   *write[] = {"qemu-io", "-f", "qcow2", "-c", "write -P 7 1048576 65536", disk, NULL},
		   *read[] = {"qemu-io", "-f", "qcow2", "-c", "read -P 7 1048576 65536", disk, NULL},
		   *check[] = {"qemu-img", "check", "-f", "qcow2", disk, NULL};
	_cleanup_(text_done) struct text out = {0};
	struct error err;

	(void)state;
	assert_true(overlay_write(disk, base, "raw", 3 * 1024 * 1024, &err));
	run(compare, &out);
	assert_info("Images are identical.");
	run(write, &out);
	run(read, &out);
	assert_null(strstr(out.data, "Pattern verification failed"));
	run(check, &out);
	assert_info("No errors were found on the image.");
	assert_false(process_run(compare, 30, &out, &err));
}

/* Over a qcow2 as over a raw one. */
static void test_it_lies_over_a_qcow2(void **state)
{
	_cleanup_free_ char *top = memory_printf("%s/top", folder);
	const char *compare[] = {"qemu-img", "compare", "-f", "qcow2", "-F", "raw", top, base, NULL};
	_cleanup_(text_done) struct text out = {0};
	struct error err;

	(void)state;
	assert_true(overlay_write(disk, base, "raw", 3 * 1024 * 1024, &err));
	assert_true(overlay_write(top, disk, "qcow2", 3 * 1024 * 1024, &err));
	run(compare, &out);
	assert_info("Images are identical.");
}

static void test_what_cannot_be_is_refused(void **state)
{
	_cleanup_free_ char *long_name = memory_alloc(1100);
	struct error err;

	(void)state;
	memset(long_name, 'a', 1099);
	assert_false(overlay_write(disk, base, "raw", 0, &err));
	assert_false(overlay_write(disk, base, "raw", INT64_MAX / 2, &err));
	assert_false(overlay_write(disk, long_name, "raw", 512, &err));
	assert_false(overlay_write("/nowhere/disk", base, "raw", 512, &err));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_qemu_finds_it_in_order),
		TEST(test_it_reads_as_its_base),
		TEST(test_it_lies_over_a_qcow2),
		TEST(test_what_cannot_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
