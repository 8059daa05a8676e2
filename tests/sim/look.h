/* Looking into the controller's database from outside, as nobody else does. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Called for each row: its columns as texts ("" for NULL). */
typedef void look_row(void *argument, const char *const *columns);
/* False if the database is not there, or not now. */
bool look(const char *sql, look_row *row, void *argument);
/* The first column of the first row; -1 if there is none. */
int64_t look_number(const char *sql);
