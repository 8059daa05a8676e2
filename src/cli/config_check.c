/* penstock config check: everything that penstockd and penstock-agent would say of their configuration, with
 * the code by which they read it. */
#include "agent/settings.h"
#include "base/log.h"
#include "base/memory.h"
#include "cli/cli.h"
#include "compute/compute.h"
#include "config/check.h"
#include "identity/identity.h"
#include "network/network.h"
#include "scheduler/scheduler.h"

#include <stdio.h>
#include <string.h>

struct checker {
	struct config *config;
	char **said; /* each sentence once, though the table of options and a room may both say it */
	size_t said_count;
	bool ok;
};

static void say(void *user, enum config_level level, const char *sentence)
{
	struct checker *c = user;

	for (size_t i = 0; i < c->said_count; i++) {
		if (strcmp(c->said[i], sentence) == 0)
			return;
	}
	*ARRAY_ADD(c->said, c->said_count) = memory_copy_text(sentence);
	printf("%s: %s\n", level == CONFIG_ERROR ? "error" : "warning", sentence);
	c->ok &= level != CONFIG_ERROR;
}

static void warn(void *user, const char *sentence)
{
	say(user, CONFIG_WARNING, sentence);
}

static void expect(struct checker *c, bool ok, const struct error *err)
{
	if (!ok)
		say(c, CONFIG_ERROR, err->message);
}

/* A file that cannot be read does not hide what is wrong with the others. */
static void read_files(struct checker *c, const struct config_sources *sources)
{
	for (size_t i = 0; i < sources->count; i++) {
		const struct config_source *source = &sources->items[i];
		struct error err;

		expect(c,
		       source->folder ? config_read_folder(c->config, source->path, &err)
				      : config_read_file(c->config, source->path, &err),
		       &err);
	}
}

/* What a room logs, as it does in a daemon. */
static void logged(void *user, enum log_level level, const char *message)
{
	if (level <= LOG_LEVEL_WARNING)
		say(user, level == LOG_LEVEL_ERROR ? CONFIG_ERROR : CONFIG_WARNING, message);
}

/* What only the rooms know; each stops at the first thing that it refuses. */
static void check_rooms(struct checker *c)
{
	struct agent_settings host = {0};
	struct site_settings site = {0};
	struct error err;

	log_redirect(logged, c);
	expect(c, agent_settings_read(c->config, &host, warn, c, &err), &err);
	expect(c, site_settings_read(c->config, &site, &err), &err);
	expect(c, scheduler_configure(c->config, &err), &err);
	expect(c, network_service(c->config, &err), &err);
	expect(c, compute_service(c->config, &err), &err);
	log_redirect(NULL, NULL);
	agent_settings_done(&host);
	site_settings_done(&site);
}

int cli_config_check(const struct config_sources *sources)
{
	struct checker c = {.config = config_new(), .ok = true};

	read_files(&c, sources);
	config_check(c.config, say, &c);
	check_rooms(&c);
	for (size_t i = 0; i < c.said_count; i++)
		free(c.said[i]);
	free(c.said);
	config_free(c.config);
	return c.ok ? 0 : 1;
}
