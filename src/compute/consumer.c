/* Servers and aggregates for Placement. */
#include "compute/consumer.h"

#include "base/memory.h"

#define SET(field, value) snprintf(field, sizeof(field), "%s", value)

static const char *type_of(bool own)
{
	return own ? COMPUTE_INSTANCE : COMPUTE_MIGRATION;
}

bool compute_consumer_load(struct store *db, const char *id, struct compute_consumer *consumer,
			   struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	*consumer = (struct compute_consumer){0};
	if (!store_query(db, &rows, err,
			 "SELECT project_id, user_id, 1 FROM server WHERE id = ?1 UNION ALL "
			 "SELECT project_id, user_id, 0 FROM server_move WHERE uuid = ?1 UNION ALL "
			 "SELECT s.project_id, s.user_id, 0 FROM server_leftover l JOIN server s ON s.id = "
			 "l.server_id WHERE l.id = ?1",
			 V(id)))
		return false;
	if (store_next(&rows)) {
		SET(consumer->project_id, store_text(&rows, 0));
		SET(consumer->user_id, store_text(&rows, 1));
		consumer->type = type_of(store_int(&rows, 2));
	}
	return store_end(&rows, err);
}

/* Moves that are over have nothing in their name. */
bool compute_consumers_of(struct store *db, const char *project_id, const char *user_id, struct map *ids,
			  struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err,
			 "SELECT id, 1 FROM server WHERE project_id = ?1 AND (?2 IS NULL OR user_id = ?2) "
			 "UNION ALL SELECT m.uuid, 0 FROM server_move m JOIN server s ON s.id = m.server_id "
			 "WHERE m.open = 1 AND s.project_id = ?1 AND (?2 IS NULL OR s.user_id = ?2) "
			 "UNION ALL SELECT l.id, 0 FROM server_leftover l JOIN server s ON s.id = "
			 "l.server_id WHERE s.project_id = ?1 AND (?2 IS NULL OR s.user_id = ?2)",
			 V(project_id), V(user_id)))
		return false;
	while (store_next(&rows))
		map_put(ids, store_text(&rows, 0), (void *)type_of(store_int(&rows, 1)));
	return store_end(&rows, err);
}

bool compute_memberships(struct store *db, const char *host_id, struct compute_membership **members,
			 size_t *count, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	*members = NULL;
	*count = 0;
	if (!store_query(db, &rows, err,
			 "SELECT m.host_id, a.uuid FROM aggregate_host m JOIN aggregate a ON a.number = "
			 "m.aggregate WHERE ?1 IS NULL OR m.host_id = ?1 ORDER BY m.host_id, a.uuid",
			 V(host_id)))
		return false;
	while (store_next(&rows)) {
		struct compute_membership *one = ARRAY_ADD(*members, *count);

		SET(one->host_id, store_text(&rows, 0));
		SET(one->aggregate, store_text(&rows, 1));
	}
	return store_end(&rows, err);
}
