/* penstock bootstrap: the first administrator, an openrc and a clouds.yaml. */
#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "identity/identity.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char bootstrap_usage[] =
	"Usage: penstock bootstrap [options]\n"
	"\n"
	"Makes the first administrator, and writes what clients need: an openrc to source and a "
	"clouds.yaml.\n"
	"Where the user is there already, its password is set anew.\n"
	"\n"
	"  --config-file FILE  as for penstockd; may be given several times\n"
	"  --username NAME     default admin\n"
	"  --project NAME      default admin\n"
	"  --password TEXT     default: that of the environment's PENSTOCK_BOOTSTRAP_PASSWORD, else a random "
	"one\n"
	"  --url URL           where clients reach penstockd, default http://127.0.0.1:PORT\n"
	"  --output DIR        where openrc and clouds.yaml go, default the current folder\n";

struct bootstrap {
	struct config_sources sources;
	const char *username, *project, *password, *url, *output;
	char generated[40];
	char default_url[64];
};

/* 24 characters out of 57 that are hard to mistake for each other: 139 bits. */
static void password_generate(char text[40])
{
	static const char alphabet[] = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
	unsigned char byte;

	for (int i = 0; i < 24;) {
		sys_random(&byte, 1);
		if (byte < 4 * (sizeof alphabet - 1))
			text[i++] = alphabet[byte % (sizeof alphabet - 1)];
	}
	text[24] = '\0';
}

/* Written beside and renamed, so that a reader sees the old or the new file, and only for its owner. */
static bool file_write(const char *dir, const char *name, const char *content, struct error *err)
{
	_cleanup_free_ char *path = memory_printf("%s/%s", dir, name);
	_cleanup_free_ char *temporary = memory_printf("%s.new", path);
	_cleanup_close_ int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, content, strlen(content)) != (ssize_t)strlen(content) || fsync(fd) != 0 ||
	    rename(temporary, path) != 0)
		return error_set_errno(err, ERROR_INTERNAL, errno, "cannot write %s", path);
	return true;
}

/* 'text' for a shell. */
static void add_quoted(struct text *out, const char *text)
{
	text_add(out, "'");
	for (; *text; text++) {
		if (*text == '\'')
			text_add(out, "'\\''");
		else
			text_add_bytes(out, text, 1);
	}
	text_add(out, "'");
}

static void add_export(struct text *out, const char *name, const char *value)
{
	text_addf(out, "export %s=", name);
	add_quoted(out, value);
	text_add(out, "\n");
}

static bool openrc_write(const struct bootstrap *b, struct error *err)
{
	_cleanup_(text_done) struct text out = {0};
	_cleanup_free_ char *auth_url = memory_printf("%s/identity/v3", b->url);

	text_add(&out, "# Source this to use the openstack command with this site.\n");
	add_export(&out, "OS_AUTH_URL", auth_url);
	add_export(&out, "OS_USERNAME", b->username);
	add_export(&out, "OS_PASSWORD", b->password);
	add_export(&out, "OS_PROJECT_NAME", b->project);
	add_export(&out, "OS_USER_DOMAIN_NAME", "Default");
	add_export(&out, "OS_PROJECT_DOMAIN_NAME", "Default");
	add_export(&out, "OS_REGION_NAME", "RegionOne");
	add_export(&out, "OS_IDENTITY_API_VERSION", "3");
	return file_write(b->output, "openrc", out.data, err);
}

/* A YAML double-quoted scalar is a JSON string for the characters that occur here. */
static void add_yaml(struct text *out, const char *name, const char *value)
{
	text_addf(out, "      %s: \"", name);
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			text_add(out, "\\");
		text_add_bytes(out, value, 1);
	}
	text_add(out, "\"\n");
}

static bool clouds_write(const struct bootstrap *b, struct error *err)
{
	_cleanup_(text_done) struct text out = {0};
	_cleanup_free_ char *auth_url = memory_printf("%s/identity/v3", b->url);

	text_add(&out, "clouds:\n  penstock:\n    auth:\n");
	add_yaml(&out, "auth_url", auth_url);
	add_yaml(&out, "username", b->username);
	add_yaml(&out, "password", b->password);
	add_yaml(&out, "project_name", b->project);
	add_yaml(&out, "user_domain_name", "Default");
	add_yaml(&out, "project_domain_name", "Default");
	text_add(&out, "    region_name: RegionOne\n    identity_api_version: 3\n");
	return file_write(b->output, "clouds.yaml", out.data, err);
}

static bool administrator_make(const struct cli_site *site, const struct bootstrap *b, struct error *err)
{
	struct store *db = site->db;

	if (!store_transaction_begin(db, err))
		return false;
	if (identity_bootstrap(db, site->config, b->username, b->password, b->project, err))
		return store_transaction_commit(db, err);
	store_transaction_undo(db);
	return false;
}

/* -1: go on; else the exit status. */
static int bootstrap_options(struct bootstrap *b, int argc, char **argv)
{
	static const struct option longs[] = {CLI_CONFIG_OPTIONS,
					      {"username", required_argument, NULL, 'u'},
					      {"project", required_argument, NULL, 'P'},
					      {"password", required_argument, NULL, 'p'},
					      {"url", required_argument, NULL, 'U'},
					      {"output", required_argument, NULL, 'o'},
					      {"help", no_argument, NULL, 'h'},
					      {NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (option) {
		case 'u':
			b->username = optarg;
			break;
		case 'P':
			b->project = optarg;
			break;
		case 'p':
			b->password = optarg;
			break;
		case 'U':
			b->url = optarg;
			break;
		case 'o':
			b->output = optarg;
			break;
		case 'h':
			return fputs(bootstrap_usage, stdout) == EOF;
		default:
			if (!cli_source_add(&b->sources, option, optarg))
				return 2;
		}
	}
	return -1;
}

int cli_bootstrap(int argc, char **argv)
{
	struct bootstrap b = {.username = "admin",
			      .project = "admin",
			      .password = getenv("PENSTOCK_BOOTSTRAP_PASSWORD"),
			      .output = "."};
	_cleanup_(cli_site_done) struct cli_site site = {0};
	struct error err;
	int status = bootstrap_options(&b, argc, argv);

	if (status >= 0)
		return status;
	if (!b.password) {
		password_generate(b.generated);
		b.password = b.generated;
	}
	if (!cli_site_open(&site, &b.sources, &err))
		return cli_fail(&err);
	if (!b.url) {
		snprintf(b.default_url, sizeof b.default_url, "http://127.0.0.1:%lld",
			 (long long)site.settings.port);
		b.url = site.settings.public_url ? site.settings.public_url : b.default_url;
	}
	if (!administrator_make(&site, &b, &err))
		return cli_fail(&err);
	cli_become_self();
	if (!openrc_write(&b, &err) || !clouds_write(&b, &err))
		return cli_fail(&err);
	printf("User %s is administrator of project %s.\nWritten: %s/openrc, %s/clouds.yaml\n", b.username,
	       b.project, b.output, b.output);
	return 0;
}
