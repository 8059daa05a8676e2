/* Tests of joining a site: the credential is there before it is asked for, and is asked for again until an
 * answer was heard. */
#include "../test.h"

#include "agent/controller.h"
#include "base/memory.h"

#define HOST_ID "11111111-2222-3333-4444-555555555555"

static char *folder, file[100];
static char asked[1000]; /* what was last sent */
static bool heard;

/* In the place of HTTP. */
bool controller_send(const struct controller *controller, const char *method, const char *path,
		     const char *content_type, const char *body, size_t size, int seconds,
		     struct text *answer, struct error *err)
{
	(void)content_type, (void)seconds;
	assert_string_equal(method, "POST");
	assert_string_equal(path, "join");
	assert_int_equal(access(file, F_OK), 0);
	snprintf(asked, sizeof asked, "%.*s", (int)size, body);
	if (!heard)
		return error_set(err, ERROR_UNAVAILABLE, "nobody answers");
	text_addf(answer, "{\"host_id\": \"" HOST_ID "\", \"credential\": \"%s\"}", controller->credential);
	return true;
}

static bool join(struct controller *controller, const char *token, struct error *err)
{
	*controller = (struct controller){.url = "http://c"};
	return controller_join(controller, file, token, "edge-1", err);
}

static int set_up(void **state)
{
	(void)state;
	folder = test_folder_make();
	snprintf(file, sizeof file, "%s/credential", folder);
	*asked = '\0';
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	test_folder_remove(folder);
	return 0;
}

static void test_asked_again_for_the_same(void **state)
{
	struct controller controller;
	char credential[128], before[1000];
	struct error err;

	(void)state;
	heard = false;
	assert_false(join(&controller, NULL, &err));
	assert_int_equal(err.kind, ERROR_BAD_REQUEST);
	assert_string_equal(asked, "");
	assert_false(join(&controller, "t", &err));
	assert_int_equal(err.kind, ERROR_UNAVAILABLE);
	snprintf(credential, sizeof credential, "%s", controller.credential);
	assert_int_equal(strlen(credential), 64);
	assert_non_null(strstr(asked, credential));
	strcpy(before, asked);
	heard = true;
	assert_true(join(&controller, "t", &err));
	assert_string_equal(asked, before);
	assert_string_equal(controller.host_id, HOST_ID);

	heard = false; /* it has joined, and asks nobody */
	assert_true(join(&controller, NULL, &err));
	assert_string_equal(controller.credential, credential);
	assert_string_equal(controller.host_id, HOST_ID);
}

static void test_what_is_no_credential_is_drawn_anew(void **state)
{
	struct controller controller;
	struct error err;

	(void)state;
	heard = true;
	for (int i = 0; i < 3; i++) {
		FILE *out = fopen(file, "we");
		fputs((const char *const[]){"", "- short\n", "rubbish\n"}[i], out);
		fclose(out);
		assert_true(join(&controller, "t", &err));
		assert_int_equal(strlen(controller.credential), 64);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_asked_again_for_the_same, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_is_no_credential_is_drawn_anew, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
