/* The tables of image. */
#include "image/image.h"

const struct store_migration image_migrations[] = {
	{"CREATE TABLE image (id TEXT PRIMARY KEY, name TEXT, status TEXT NOT NULL, visibility TEXT NOT NULL,"
	 " owner TEXT, disk_format TEXT, container_format TEXT, checksum TEXT, sha512 TEXT, size INTEGER,"
	 " virtual_size INTEGER, min_disk INTEGER NOT NULL, min_ram INTEGER NOT NULL, created_at INTEGER NOT "
	 "NULL,"
	 " updated_at INTEGER NOT NULL, protected INTEGER NOT NULL, hidden INTEGER NOT NULL) STRICT;"
	 "CREATE INDEX image_name ON image (name);"
	 /* a value is NULL where the API was given null (kernel_id, ramdisk_id) */
	 "CREATE TABLE image_property (image_id TEXT NOT NULL REFERENCES image (id) ON DELETE CASCADE,"
	 " name TEXT NOT NULL, value TEXT, PRIMARY KEY (image_id, name)) STRICT;"
	 "CREATE TABLE image_tag (image_id TEXT NOT NULL REFERENCES image (id) ON DELETE CASCADE,"
	 " tag TEXT NOT NULL, PRIMARY KEY (image_id, tag)) STRICT;"
	 "CREATE TABLE image_member (image_id TEXT NOT NULL REFERENCES image (id) ON DELETE CASCADE,"
	 " member_id TEXT NOT NULL, status TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER "
	 "NOT NULL,"
	 " PRIMARY KEY (image_id, member_id)) STRICT;"},
};
const size_t image_migration_count = sizeof image_migrations / sizeof *image_migrations;
