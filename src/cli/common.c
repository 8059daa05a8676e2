/* What the sub-commands share: configuration files, the opened site, failing. */
#include "cli/cli.h"

#include "base/memory.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>

bool cli_source_add(struct config_sources *sources, int option, const char *path)
{
	if (option != 'c' && option != 'C')
		return false;
	if (config_sources_add(sources, path, option == 'C'))
		return true;
	fprintf(stderr, "penstock: more than %d files and folders\n", CONFIG_MAX_SOURCES);
	return false;
}

/* As whom penstockd runs: who has its database or, before there is one, its folder; a folder of root's is
 * shared with the group of that user. */
static void owner_find(const struct site_settings *settings, uid_t *user, gid_t *group)
{
	struct stat found;
	const struct group *shared;
	const struct passwd *member;

	*user = 0;
	*group = 0;
	if (stat(settings->database, &found) != 0 && stat(settings->state_dir, &found) != 0)
		return;
	shared = found.st_uid == 0 && found.st_gid != 0 ? getgrgid(found.st_gid) : NULL;
	member = shared ? getpwnam(shared->gr_name) : NULL;
	*user = member ? member->pw_uid : found.st_uid;
	*group = found.st_gid;
}

/* What root makes beside the database, penstockd could not write. */
static bool owner_become(const struct site_settings *settings, struct error *err)
{
	uid_t user;
	gid_t group;

	if (geteuid() != 0)
		return true;
	owner_find(settings, &user, &group);
	return user == 0 || (setegid(group) == 0 && seteuid(user) == 0) ||
	       error_set_errno(err, ERROR_INTERNAL, errno, "cannot become the user %d, who has %s", (int)user,
			       settings->database);
}

void cli_become_self(void)
{
	if (seteuid(getuid()) != 0 || setegid(getgid()) != 0)
		fputs("penstock: cannot become root again\n", stderr);
}

bool cli_site_open(struct cli_site *site, const struct config_sources *sources, struct error *err)
{
	*site = (struct cli_site){0};
	site->config = site_config(sources, err);
	if (!site->config || !site_settings_read(site->config, &site->settings, err) ||
	    !owner_become(&site->settings, err))
		return false;
	site->db = site_open(&site->settings, err);
	return site->db != NULL;
}

void cli_site_done(struct cli_site *site)
{
	store_close(site->db);
	cli_become_self();
	site_settings_done(&site->settings);
	config_free(site->config);
}

int cli_fail(const struct error *err)
{
	fprintf(stderr, "penstock: %s\n", err->message);
	return 1;
}
