/* The tables of placement: names that clients made; those that hosts use are not among them. */
#include "placement/placement.h"

const struct store_migration placement_migrations[] = {
	{"CREATE TABLE placement_class (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;"
	 "CREATE TABLE placement_trait (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;"},
};
const size_t placement_migration_count = sizeof placement_migrations / sizeof *placement_migrations;
