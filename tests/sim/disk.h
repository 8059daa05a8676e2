/* The disks of the simulated machines: folders below disk_root(), on a file system in memory.  What programs
 * write goes through here, is a moment at which they may be killed, and takes time.  Of a machine whose power
 * is cut, what was not synced is there, or not, or in part. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Where everything is; made by disk_begin(), removed by disk_end(). */
const char *disk_root(void);
void disk_begin(void);
void disk_end(void);
/* In another process: a folder of its own, with what the one before had. */
void disk_fork(void);

/* Keeps what a power cut needs from now on. */
void disk_remember(bool on);
/* What the machine had not synced is lost in part. */
void disk_power_cut(const char *folder);
/* The machine's disk is full, or has room again. */
void disk_full(const char *folder, bool full);
/* When something was last written to the controller's database or its log (sim_now()'s time). */
int64_t disk_database_written_at(void);
