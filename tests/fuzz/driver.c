/* Runs a target over its corpus without libFuzzer: what was found once is looked at in every build. */
#include "fuzz.h"

#include <errno.h>
#include <sys/stat.h>

static bool run_file(const char *path)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	_cleanup_free_ uint8_t *data = NULL;
	struct stat facts;
	size_t size;

	if (!file || fstat(fileno(file), &facts) != 0)
		return false;
	size = (size_t)facts.st_size;
	data = malloc(size + 1);
	if (!data || fread(data, 1, size, file) != size)
		return false;
	LLVMFuzzerTestOneInput(size ? data : NULL, size);
	return true;
}

/* Every input in the folder; -1 if one cannot be read. */
static int run_folder(const char *folder)
{
	_cleanup_closedir_ DIR *inputs = opendir(folder);
	struct dirent *entry;
	int count = 0;

	while (inputs && (entry = readdir(inputs))) {
		_cleanup_free_ char *path = memory_printf("%s/%s", folder, entry->d_name);

		if (entry->d_name[0] == '.')
			continue;
		if (!run_file(path)) {
			fprintf(stderr, "%s: %s\n", path, strerror(errno));
			return -1;
		}
		count++;
	}
	return count;
}

/* With file names: those inputs, say one that was found just now. */
int main(int argc, char **argv)
{
	int count = 0;

	for (int i = 1; i < argc; i++)
		count += run_file(argv[i]) ? 1 : -argc;
	if (argc == 1)
		count = run_folder(CORPUS);
	if (count <= 0) {
		printf("[  FAILED  ] %s: nothing was run\n", CORPUS);
		return 1;
	}
	LLVMFuzzerTestOneInput(NULL, 0);
	printf("[       OK ] corpus_of_%d_inputs\n", count);
	return 0;
}
