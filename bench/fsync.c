/* The limit that the disk sets: commits in a second of one row each with SQLite as penstockd uses it (WAL,
 * synchronous=FULL), by one thread that does nothing else.   fsync FOLDER SECONDS */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
	char path[512];
	sqlite3 *db;
	double began;
	long commits = 0;

	if (argc != 3)
		return 2;
	snprintf(path, sizeof path, "%s/fsync.db", argv[1]);
	if (sqlite3_open(path, &db) != SQLITE_OK ||
	    sqlite3_exec(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (a TEXT)",
			 NULL, NULL, NULL) != SQLITE_OK) {
		fprintf(stderr, "fsync: %s\n", sqlite3_errmsg(db));
		return 1;
	}
	for (began = now(); now() < began + atof(argv[2]); commits++) {
		if (sqlite3_exec(db, "INSERT INTO t VALUES (hex(randomblob(100)))", NULL, NULL, NULL) !=
		    SQLITE_OK)
			return 1;
	}
	printf("%.0f\n", (double)commits / (now() - began));
	sqlite3_close(db);
	return 0;
}
