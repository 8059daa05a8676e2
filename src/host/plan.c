/* Collecting changes of files, and showing them. */
#include "host/plan.h"

#include "agent/world.h"
#include "agent/world_files.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

static struct plan_file *file_find(const struct plan *plan, const char *path)
{
	for (size_t i = 0; i < plan->file_count; i++) {
		if (strcmp(plan->files[i].path, path) == 0)
			return &plan->files[i];
	}
	return NULL;
}

char *plan_read(const struct plan *plan, const char *path)
{
	const struct plan_file *file = file_find(plan, path);

	return file ? memory_copy_text(file->text) : world->read(path);
}

static struct plan_file *file_add(struct plan *plan, const char *path, char *old, const char *text)
{
	struct plan_file *file = ARRAY_ADD(plan->files, plan->file_count);

	file->path = memory_copy_text(path);
	file->old = old;
	file->text = memory_copy_text(text);
	return file;
}

void plan_write(struct plan *plan, const char *path, const char *text, mode_t mode)
{
	struct plan_file *file = file_find(plan, path);
	_cleanup_free_ char *old = NULL, *full = world_files_path(path);
	struct stat status;

	if (file) {
		free(file->text);
		file->text = memory_copy_text(text);
		return;
	}
	old = world->read(path);
	if (text_equal(old, text))
		return;
	file = file_add(plan, path, TAKE_PTR(old), text);
	file->mode = stat(full, &status) == 0 ? status.st_mode & 07777 : mode;
}

void plan_link(struct plan *plan, const char *path, const char *target)
{
	_cleanup_free_ char *full = world_files_path(path);
	struct stat status;

	if (lstat(full, &status) != 0 && !file_find(plan, path))
		file_add(plan, path, NULL, target)->is_link = true;
}

void plan_run(struct plan *plan, const char *command)
{
	for (size_t i = 0; i < plan->command_count; i++) {
		if (strcmp(plan->commands[i], command) == 0)
			return;
	}
	*ARRAY_ADD(plan->commands, plan->command_count) = memory_copy_text(command);
}

void plan_note(struct plan *plan, const char *format, ...)
{
	char sentence[1000];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(sentence, sizeof sentence, format, arguments);
	va_end(arguments);
	*ARRAY_ADD(plan->notes, plan->note_count) = memory_copy_text(sentence);
}

bool plan_changes(const struct plan *plan, const char *prefix)
{
	for (size_t i = 0; i < plan->file_count; i++) {
		if (text_starts_with(plan->files[i].path, prefix))
			return true;
	}
	return false;
}

void plan_show(const struct plan *plan)
{
	for (size_t i = 0; i < plan->file_count; i++) {
		const struct plan_file *file = &plan->files[i];

		if (file->is_link)
			printf("link %s -> %s\n", file->path, file->text);
		else
			diff_print(file->path, file->old, file->text);
	}
}

void plan_done(struct plan *plan)
{
	for (size_t i = 0; i < plan->file_count; i++) {
		free(plan->files[i].path);
		free(plan->files[i].old);
		free(plan->files[i].text);
	}
	for (size_t i = 0; i < plan->command_count; i++)
		free(plan->commands[i]);
	for (size_t i = 0; i < plan->note_count; i++)
		free(plan->notes[i]);
	free(plan->files);
	free(plan->commands);
	free(plan->notes);
	*plan = (struct plan){0};
}
