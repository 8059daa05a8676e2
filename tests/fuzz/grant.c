/* The grant journal: any file is read or refused; what was written is read again; a part of it never is. */
#include "fuzz.h"

#include "agent/grant.h"

#include <sys/stat.h>

static char folder[64], path[96];

static void folder_remove(void)
{
	unlink(path);
	rmdir(folder);
}

static void folder_make(void)
{
	if (*folder)
		return;
	snprintf(folder, sizeof folder, "%s/penstock-fuzz.XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	FUZZ_CHECK(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/grant.json", folder);
	atexit(folder_remove);
}

static void file_put(const void *bytes, size_t size)
{
	_cleanup_fclose_ FILE *file = fopen(path, "we");

	FUZZ_CHECK(file && fwrite(bytes, 1, size, file) == size);
}

static char *file_get(size_t *size)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	struct stat facts;
	char *bytes;

	FUZZ_CHECK(file && fstat(fileno(file), &facts) == 0);
	*size = (size_t)facts.st_size;
	bytes = memory_alloc(*size + 1);
	FUZZ_CHECK(fread(bytes, 1, *size, file) == *size);
	return bytes;
}

/* What a power cut leaves of a file that was not yet on the disk: its beginning, or nothing but zeros. */
static void check_cut(size_t size, const char *bytes, size_t at)
{
	_cleanup_free_ char *zeros = memory_alloc(size + 1);
	struct grant grant;
	struct error err = {0};

	file_put(bytes, at);
	FUZZ_CHECK(!grant_read(folder, &grant, &err));
	FUZZ_CHECK_ERROR(false, &err);
	grant_done(&grant);
	file_put(zeros, size);
	FUZZ_CHECK(!grant_read(folder, &grant, &err));
	grant_done(&grant);
}

static void check_written(const struct grant *grant, size_t place)
{
	_cleanup_free_ char *once = NULL, *twice = NULL;
	size_t size, again;
	struct grant read;
	struct error err = {0};

	FUZZ_CHECK(grant_write(folder, grant, &err));
	once = file_get(&size);
	FUZZ_CHECK(grant_read(folder, &read, &err));
	FUZZ_CHECK(read.device_count == grant->device_count && read.lease_count == grant->lease_count);
	for (size_t i = 0; i < grant->device_count; i++)
		FUZZ_CHECK(grant_find_device(&read, grant->devices[i].memory.address));
	for (size_t i = 0; i < grant->lease_count; i++)
		FUZZ_CHECK(grant_has_lease(&read, &grant->leases[i]));
	FUZZ_CHECK(grant_write(folder, &read, &err));
	twice = file_get(&again);
	FUZZ_CHECK(strcmp(once, twice) == 0);
	check_cut(size, once, place % size);
	grant_done(&read);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct grant grant;
	struct error err = {0};

	folder_make();
	file_put(size ? data : (const uint8_t *)"", size);
	bool ok = grant_read(folder, &grant, &err);
	FUZZ_CHECK_ERROR(ok, &err);
	if (ok)
		check_written(&grant, size ? size * 7 + data[size / 2] : 0);
	grant_done(&grant);
	return 0;
}
