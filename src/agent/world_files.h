/* The real kernel's files, for world_real. */
#pragma once

#include "agent/world.h"

/* Where a file is, below world_files_set_root()'s folder; for the caller to free. */
char *world_files_path(const char *path);
char *world_files_read(const char *path);
bool world_files_link(const char *path, char *name, size_t size);
char **world_files_list(const char *path);
bool world_files_write(const char *path, const char *text, struct error *err);
int64_t world_files_disk_gb(const char *folder);
