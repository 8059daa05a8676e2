/* Configuration files, several in one input with a line "%%" between them.  What config_check() lets pass,
 * every typed read takes. */
#include "fuzz.h"

#include "agent/settings.h"
#include "config/check.h"
#include "config/config.h"
#include "config/options.h"
#include "network/internal.h"

static void say(void *user, enum config_level level, const char *sentence)
{
	(void)level;
	FUZZ_CHECK(*sentence && text_is_utf8(sentence, strlen(sentence)));
	(*(int *)user)++;
}

static void say_sentence(void *user, const char *sentence)
{
	(void)user;
	FUZZ_CHECK(*sentence);
}

static bool typed_read(const struct config *config, const struct config_option *option, struct error *err)
{
	const char *text;
	int64_t whole;
	double number;
	bool flag;

	switch (option->type) {
	case CONFIG_INT:
		return option->min == option->max ||
		       config_int(config, option->group, option->name, option->min, option->min, option->max,
				  &whole, err);
	case CONFIG_NUMBER:
		return option->min == option->max ||
		       config_number(config, option->group, option->name, (double)option->min,
				     (double)option->min, (double)option->max, &number, err);
	case CONFIG_BOOL:
		return config_bool(config, option->group, option->name, false, &flag, err);
	case CONFIG_CHOICE:
		return !option->choices ||
		       config_choice(config, option->group, option->name, "", option->choices, &text, err);
	default:
		return true;
	}
}

static void check_typed_reads(const struct config *config)
{
	struct error err = {0};

	for (size_t i = 0; i < config_option_count; i++) {
		const struct config_option *option = &config_options[i];

		if (option->state == CONFIG_HONOURED && !strchr(option->group, '*'))
			FUZZ_CHECK(typed_read(config, option, &err));
	}
}

static void check_settings(const struct config *config)
{
	struct agent_settings agent = {0};
	struct error err = {0};
	bool ok = network_settings_read(config, &err);

	FUZZ_CHECK_ERROR(ok, &err);
	ok = agent_settings_read(config, &agent, say_sentence, NULL, &err);
	FUZZ_CHECK_ERROR(ok, &err);
	agent_settings_done(&agent);
}

static bool read_files(struct config *config, char *text)
{
	struct error err = {0};
	bool ok = true;

	for (char *next; ok && text; text = next) {
		next = strstr(text, "\n%%\n");
		if (next) {
			next[1] = '\0';
			next += 4;
		}
		ok = config_read_text(config, "a.conf", text, &err);
		FUZZ_CHECK_ERROR(ok, &err);
	}
	return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	_cleanup_free_ char *text = fuzz_rest(&input);
	struct config *config;
	int said = 0;

	if (!text_is_utf8(text, strlen(text)))
		return 0; /* config_read_file() refuses it */
	config = config_new();
	if (read_files(config, text)) {
		if (config_check(config, say, &said))
			check_typed_reads(config);
		else
			FUZZ_CHECK(said > 0);
		check_settings(config);
	}
	config_free(config);
	return 0;
}
