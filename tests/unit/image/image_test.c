/* Tests of image through its API: upload, checksums, ranges, who sees what, patches, lists, recovery. */
#include "../identity/site.h"

#include "image/image.h"

#include <fcntl.h>
#include <sys/stat.h>

static int setup(void **state)
{
	struct site *site =
		site_open("[DEFAULT]\nimage_size_cap = 100000\n[identity]\npassword_hash_rounds = 4\n");
	struct error err = {0};

	*state = site;
	if (!store_migrate(site->db, "image", image_migrations, image_migration_count, &err) ||
	    !(site->services[1] = image_service(site->config, site->folder, &err)))
		fail_msg("%s", err.message);
	site->http.service_count = 2;
	return 0;
}

static int teardown(void **state)
{
	site_close(*state);
	return 0;
}

#define RAW "\"disk_format\": \"raw\", \"container_format\": \"bare\""

static char *create(struct site *site, const char *token, const char *members)
{
	_cleanup_free_ char *body = memory_printf("{%s}", members);
	struct http_answer answer = site_call(site, token, "POST", "/image/v2/images", body);

	if (answer.status != 201)
		fail_msg("%s: %d %s", members, answer.status, answer.body);
	return site_text(answer, "/id");
}

static char *path(const char *id, const char *more)
{
	return memory_printf("/image/v2/images/%s%s", id, more);
}

static int upload(struct site *site, const char *token, const char *id, const char *type, const char *bytes,
		  size_t size)
{
	_cleanup_free_ char *target = path(id, "/file");
	const char *headers[] = {"Content-Type", type, NULL};
	struct http_answer answer = site_send(site, token, headers, "PUT", target, bytes, size);
	int status = answer.status;

	http_answer_done(&answer);
	return status;
}

#define OCTETS "application/octet-stream"

/* An active image with these bytes. */
static char *make(struct site *site, const char *members, const char *bytes)
{
	char *id = create(site, site->admin, members);

	assert_int_equal(upload(site, site->admin, id, OCTETS, bytes, 0), 204);
	return id;
}

static bool on_disk(struct site *site, const char *id, const char *suffix)
{
	_cleanup_free_ char *file = memory_printf("%s/images/%s%s", site->folder, id, suffix);

	return access(file, F_OK) == 0;
}

static char *show(struct site *site, const char *id, const char *pointer)
{
	_cleanup_free_ char *target = path(id, "");

	return site_text(site_call(site, site->admin, "GET", target, NULL), pointer);
}

static void assert_shown(struct site *site, const char *id, const char *pointer, const char *wanted)
{
	_cleanup_free_ char *text = show(site, id, pointer);

	assert_non_null(text);
	assert_string_equal(text, wanted);
}

static void upload_and_download(void **state)
{
	struct site *site = *state;
	_cleanup_free_ char *id = create(site, site->admin, "\"name\": \"a\", " RAW);
	_cleanup_free_ char *target = path(id, ""), *file = path(id, "/file");

	assert_shown(site, id, "/status", "queued");
	assert_int_equal(site_status(site, site->admin, "GET", file, NULL), 204);
	assert_int_equal(upload(site, site->admin, id, OCTETS, "0123456789", 0), 204);
	assert_shown(site, id, "/status", "active");
	assert_shown(site, id, "/checksum", "781e5e245d69b566979b86e28d23f2c7");
	assert_shown(site, id, "/os_hash_algo", "sha512");
	assert_shown(site, id, "/os_hash_value",
		     "bb96c2fc40d2d54617d6f276febe571f623a8dadf0b734855299b0e107fda32c"
		     "f6b69f2da32b36445d73690b93cbd0f7bfc20e0f7f28553d2a4428f23b716e90");
	assert_int_equal(site_number(site_call(site, site->admin, "GET", target, NULL), "/size"), 10);
	assert_int_equal(site_number(site_call(site, site->admin, "GET", target, NULL), "/virtual_size"), 10);
	struct http_answer answer = site_call(site, site->admin, "GET", file, NULL);
	_cleanup_free_ char *md5 = http_answer_header(&answer, "Content-MD5");
	assert_int_equal(answer.status, 200);
	assert_int_equal(answer.body_size, 10);
	assert_string_equal(answer.body, "0123456789");
	assert_string_equal(md5, "781e5e245d69b566979b86e28d23f2c7");
	http_answer_done(&answer);
	assert_true(on_disk(site, id, ""));
	assert_false(on_disk(site, id, ".part"));
}

static void nothing_at_all(void **state)
{
	struct site *site = *state;
	_cleanup_free_ char *id = make(site, RAW, "");

	assert_shown(site, id, "/status", "active");
	assert_shown(site, id, "/checksum", "d41d8cd98f00b204e9800998ecf8427e");
}

static void ranges(void **state)
{
	static const struct {
		const char *range;
		int status;
		const char *body, *content_range;
	} cases[] = {
		{"bytes=2-5", 206, "2345", "bytes 2-5/10"},
		{"bytes=7-", 206, "789", "bytes 7-9/10"},
		{"bytes=0-0", 206, "0", "bytes 0-0/10"},
		{"bytes=5-500", 206, "56789", "bytes 5-9/10"},
		{"bytes=-3", 206, "789", "bytes 7-9/10"},
		{"bytes=-30", 206, "0123456789", "bytes 0-9/10"},
		{"bytes=10-", 416, NULL, "bytes */10"},
		{"bytes=-0", 416, NULL, "bytes */10"},
		{"bytes=0-1,3-4", 400, NULL, NULL},
		{"bytes=5-2", 200, "0123456789", NULL},
		{"bytes=a-b", 200, "0123456789", NULL},
		{"bytes=", 200, "0123456789", NULL},
		{"lines=1-2", 200, "0123456789", NULL},
		{"bytes=99999999999999999999999-", 200, "0123456789", NULL},
	};
	struct site *site = *state;
	_cleanup_free_ char *id = make(site, RAW, "0123456789"), *file = path(id, "/file");

	for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
		const char *headers[] = {"Range", cases[i].range, NULL};
		struct http_answer answer = site_send(site, site->admin, headers, "GET", file, NULL, 0);
		_cleanup_free_ char *range = http_answer_header(&answer, "Content-Range");

		if (answer.status != cases[i].status || !text_equal(range, cases[i].content_range))
			fail_msg("%s: %d %s", cases[i].range, answer.status, range ? range : "");
		if (cases[i].body)
			assert_string_equal(answer.body, cases[i].body);
		http_answer_done(&answer);
	}
}

/* A refused upload leaves the image as it was and nothing on disk. */
static void refused_uploads(void **state)
{
	struct site *site = *state;
	_cleanup_free_ char *bare = create(site, site->admin, "\"name\": \"formats are missing\"");
	_cleanup_free_ char *id = create(site, site->admin, RAW);
	_cleanup_free_ char *big = memory_alloc(100001);

	memset(big, 'x', 100000);
	assert_int_equal(upload(site, site->admin, bare, OCTETS, "x", 0), 400);
	assert_int_equal(upload(site, site->admin, id, "text/plain", "x", 0), 415);
	assert_int_equal(upload(site, NULL, id, OCTETS, "x", 0), 401);
	assert_int_equal(upload(site, site->admin, "none", OCTETS, "x", 0), 404);
	big[100000] = 'x';
	assert_int_equal(upload(site, site->admin, id, OCTETS, big, 100001), 413);
	assert_shown(site, id, "/status", "queued");
	assert_false(on_disk(site, id, "") || on_disk(site, id, ".part"));
	assert_int_equal(upload(site, site->admin, id, OCTETS, big, 100000), 204);
	assert_int_equal(upload(site, site->admin, id, OCTETS, "again", 0), 409);
	assert_true(on_disk(site, id, ""));
}

static void qcow2_virtual_size(void **state)
{
	struct site *site = *state;
	char head[64] = "QFI\xfb\0\0\0\3";
	_cleanup_free_ char *id =
		create(site, site->admin, "\"disk_format\": \"qcow2\", \"container_format\": \"bare\"");
	_cleanup_free_ char *target = path(id, "");

	head[24 + 4] = 0x40; /* 1 GiB, big-endian */
	assert_int_equal(upload(site, site->admin, id, OCTETS, head, sizeof head), 204);
	assert_int_equal(site_number(site_call(site, site->admin, "GET", target, NULL), "/virtual_size"),
			 1 << 30);
}

static void deletion(void **state)
{
	struct site *site = *state;
	_cleanup_free_ char *id = make(site, RAW ", \"protected\": true", "x"), *target = path(id, "");
	const char *headers[] = {"Content-Type", "application/openstack-images-v2.1-json-patch", NULL};
	struct http_answer answer = site_call(site, site->admin, "DELETE", target, NULL);

	assert_int_equal(answer.status, 403);
	assert_non_null(strstr(answer.body, "<title>403 Forbidden</title>"));
	assert_non_null(strstr(answer.body, "is protected and cannot be deleted.<br /><br />"));
	http_answer_done(&answer);
	assert_true(on_disk(site, id, ""));
	answer = site_send(site, site->admin, headers, "PATCH", target,
			   "[{\"op\": \"replace\", \"path\": \"/protected\", \"value\": false}]", 0);
	assert_int_equal(answer.status, 200);
	http_answer_done(&answer);
	assert_int_equal(site_status(site, site->admin, "DELETE", target, NULL), 204);
	assert_false(on_disk(site, id, ""));
	assert_int_equal(site_status(site, site->admin, "GET", target, NULL), 404);
	assert_int_equal(site_status(site, site->admin, "DELETE", target, NULL), 404);
}

static void touch(struct site *site, const char *name)
{
	_cleanup_free_ char *file = memory_printf("%s/images/%s", site->folder, name);
	_cleanup_close_ int fd = open(file, O_CREAT | O_WRONLY, 0600);

	assert_true(fd >= 0);
}

static void recovery(void **state)
{
	struct site *site = *state;
	_cleanup_free_ char *active = make(site, RAW, "x"), *queued = create(site, site->admin, RAW);
	_cleanup_free_ char *part = memory_printf("%s.part", queued);
	struct error err;

	touch(site, part);
	touch(site, queued); /* complete on disk, but the commit did not come */
	touch(site, "00000000-0000-4000-8000-000000000000");
	touch(site, "somebody's notes");
	assert_true(image_recover(site->db, &err));
	assert_true(on_disk(site, active, ""));
	assert_false(on_disk(site, queued, "") || on_disk(site, queued, ".part"));
	assert_false(on_disk(site, "00000000-0000-4000-8000-000000000000", ""));
	assert_true(on_disk(site, "somebody's notes", ""));
	assert_shown(site, queued, "/status", "queued");
	assert_int_equal(upload(site, site->admin, queued, OCTETS, "y", 0), 204);
}

static int64_t count(struct site *site, const char *token, const char *query)
{
	_cleanup_free_ char *target = memory_printf("/image/v2/images%s", query);

	return site_number(site_call(site, token, "GET", target, NULL), "/images");
}

static void visibility(void **state)
{
	struct site *site = *state;
	_cleanup_free_ char *project = NULL;

	site_person(site, "alice", "member", NULL, NULL);
	site_person(site, "bob", "member", NULL, &project);
	_cleanup_free_ char *alice = site_login(site, "alice", "pw", "alice");
	_cleanup_free_ char *bob = site_login(site, "bob", "pw", "bob");
	_cleanup_free_ char *private = create(site, alice, "\"name\": \"vis\", \"visibility\": \"private\"");
	_cleanup_free_ char *shared = create(site, alice, "\"name\": \"vis\"");
	_cleanup_free_ char *community =
		create(site, alice, "\"name\": \"vis\", \"visibility\": \"community\"");
	_cleanup_free_ char *private_path = path(private, ""), *shared_path = path(shared, "");
	_cleanup_free_ char *community_path = path(community, ""), *members = path(shared, "/members");

	assert_int_equal(site_status(site, alice, "POST", "/image/v2/images", "{\"visibility\": \"public\"}"),
			 403);
	assert_int_equal(count(site, alice, "?name=vis"), 3);
	assert_int_equal(count(site, bob, "?name=vis"), 0);
	assert_int_equal(count(site, bob, "?name=vis&visibility=community"), 1);
	assert_int_equal(site_status(site, bob, "GET", private_path, NULL), 404);
	assert_int_equal(site_status(site, bob, "GET", shared_path, NULL), 404);
	assert_int_equal(site_status(site, bob, "GET", community_path, NULL), 200);
	assert_int_equal(site_status(site, bob, "DELETE", community_path, NULL), 403);
	assert_int_equal(site_status(site, bob, "DELETE", private_path, NULL), 404);
	/* shared with bob, who sees it by its id, and in lists once he has accepted it */
	_cleanup_free_ char *body = memory_printf("{\"member\": \"%s\"}", project);
	_cleanup_free_ char *member = memory_printf("%s/%s", members, project);
	assert_int_equal(site_status(site, alice, "POST", members, body), 200);
	assert_int_equal(site_status(site, alice, "POST", members, body), 409);
	assert_int_equal(site_status(site, bob, "GET", shared_path, NULL), 200);
	assert_int_equal(count(site, bob, "?name=vis"), 0);
	assert_int_equal(site_status(site, alice, "PUT", member, "{\"status\": \"accepted\"}"), 403);
	assert_int_equal(site_status(site, bob, "PUT", member, "{\"status\": \"accepted\"}"), 200);
	assert_int_equal(count(site, bob, "?name=vis"), 1);
	assert_int_equal(upload(site, bob, shared, OCTETS, "x", 0), 403);
	assert_int_equal(site_status(site, alice, "DELETE", member, NULL), 204);
	assert_int_equal(site_status(site, bob, "GET", shared_path, NULL), 404);
}

static void patches(void **state)
{
	static const struct {
		const char *body;
		int status;
	} cases[] = {
		{"[{\"op\": \"add\", \"path\": \"/hw_x\", \"value\": \"y\"}]", 200},
		{"[{\"op\": \"replace\", \"path\": \"/hw_x\", \"value\": \"z\"}]", 200},
		{"[{\"op\": \"remove\", \"path\": \"/hw_x\"}]", 200},
		{"[{\"op\": \"remove\", \"path\": \"/hw_x\"}]", 409},
		{"[{\"op\": \"replace\", \"path\": \"/hw_x\", \"value\": \"z\"}]", 409},
		{"[{\"op\": \"add\", \"path\": \"/a~1b~0c\", \"value\": \"y\"}]", 200},
		{"[{\"op\": \"replace\", \"path\": \"/tags\", \"value\": [\"t\", \"t\", \"u\"]}]", 200},
		{"[{\"op\": \"replace\", \"path\": \"/id\", \"value\": \"x\"}]", 403},
		{"[{\"op\": \"replace\", \"path\": \"/status\", \"value\": \"active\"}]", 403},
		{"[{\"op\": \"remove\", \"path\": \"/name\"}]", 403},
		{"[{\"op\": \"replace\", \"path\": \"/visibility\", \"value\": \"nope\"}]", 400},
		{"[{\"op\": \"replace\", \"path\": \"/min_disk\", \"value\": -1}]", 400},
		{"[{\"op\": \"replace\", \"path\": \"/min_disk\", \"value\": 99999999999}]", 400},
		{"[{\"op\": \"replace\", \"path\": \"/min_disk\", \"value\": \"x\"}]", 400},
		{"[{\"op\": \"replace\", \"path\": \"/name\", \"value\": 5}]", 400},
		{"[{\"op\": \"add\", \"path\": \"/hw_x\", \"value\": 5}]", 400},
		{"[{\"op\": \"nope\", \"path\": \"/name\", \"value\": \"x\"}]", 400},
		{"[{\"op\": \"replace\", \"path\": \"name\", \"value\": \"x\"}]", 400},
		{"[{\"op\": \"replace\", \"path\": \"/\", \"value\": \"x\"}]", 400},
		{"[{\"op\": \"replace\", \"path\": \"/a/b\", \"value\": \"x\"}]", 400},
		{"[{\"op\": \"replace\", \"path\": \"/a~2\", \"value\": \"x\"}]", 400},
		{"[{\"op\": \"replace\", \"path\": \"/name\"}]", 400},
		{"[{\"path\": \"/name\"}]", 400},
		{"[5]", 400},
		{"{\"name\": \"x\"}", 400},
		{"nope", 400},
		/* all or nothing */
		{"[{\"op\": \"replace\", \"path\": \"/name\", \"value\": \"lost\"}, {\"op\": \"add\", "
		 "\"path\": \"/p\", "
		 "\"value\": \"lost\"}, {\"op\": \"remove\", \"path\": \"/none\"}]",
		 409},
	};
	const char *headers[] = {"Content-Type", "application/openstack-images-v2.1-json-patch", NULL};
	struct site *site = *state;
	_cleanup_free_ char *id = create(site, site->admin, "\"name\": \"kept\""), *target = path(id, "");

	for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
		struct http_answer answer =
			site_send(site, site->admin, headers, "PATCH", target, cases[i].body, 0);

		if (answer.status != cases[i].status)
			fail_msg("%s: %d %s", cases[i].body, answer.status, answer.body);
		http_answer_done(&answer);
	}
	assert_int_equal(site_status(site, site->admin, "PATCH", target, "[]"), 415);
	assert_shown(site, id, "/name", "kept");
	assert_shown(site, id, "/a~1b~0c", "y");
	assert_shown(site, id, "/tags/1", "u");
	_cleanup_free_ char *lost = show(site, id, "/p");
	assert_null(lost);
}

static void bad_creations(void **state)
{
	static const struct {
		const char *body;
		int status;
	} cases[] = {
		{"not json", 400},
		{"[]", 400},
		{"{\"name\": 5}", 400},
		{"{\"disk_format\": \"nope\"}", 400},
		{"{\"container_format\": \"nope\"}", 400},
		{"{\"min_ram\": -5}", 400},
		{"{\"id\": \"nope\"}", 400},
		{"{\"id\": \"../../../../etc/passwd/aaaaaaaaaaaaa\"}", 400},
		{"{\"tags\": \"x\"}", 400},
		{"{\"tags\": [5]}", 400},
		{"{\"kernel_id\": \"x\"}", 400},
		{"{\"prop\": {\"a\": 1}}", 400},
		{"{\"\": \"x\"}", 400},
		{"{\"status\": \"active\"}", 403},
		{"{\"checksum\": \"x\"}", 403},
		{"{\"os_glance_x\": \"x\"}", 403},
		{"{\"locations\": []}", 403},
	};
	struct site *site = *state;
	int64_t before = count(site, site->admin, "?limit=1000");

	for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
		int status = site_status(site, site->admin, "POST", "/image/v2/images", cases[i].body);

		if (status != cases[i].status)
			fail_msg("%s: %d", cases[i].body, status);
	}
	assert_int_equal(count(site, site->admin, "?limit=1000"), before);
	_cleanup_free_ char *id =
		create(site, site->admin, "\"id\": \"11111111-2222-4333-8444-555555555555\", \"name\": null");
	assert_string_equal(id, "11111111-2222-4333-8444-555555555555");
	assert_int_equal(site_status(site, site->admin, "POST", "/image/v2/images",
				     "{\"id\": \"11111111-2222-4333-8444-555555555555\"}"),
			 409);
}

static void quotas(void **state)
{
	struct site *site = *state;
	_cleanup_(text_done) struct text properties = {0};

	for (int i = 0; i < 129; i++)
		text_addf(&properties, "%s\"p%d\": \"x\"", i ? ", " : "{", i);
	text_add(&properties, "}");
	assert_int_equal(site_status(site, site->admin, "POST", "/image/v2/images", properties.data), 413);
}

static void filters(void **state)
{
	static const struct {
		const char *query;
		int64_t found;
	} cases[] = {
		{"name=f1", 1},
		{"name=in:f1,f2", 2},
		{"name=in:%22f1%22,f3", 2},
		{"status=active", 2},
		{"status=queued", 1},
		{"disk_format=in:qcow2,raw", 3},
		{"disk_format=qcow2", 1},
		{"size_min=2", 1},
		{"size_max=1", 1},
		{"size_min=1&size_max=5", 2},
		{"min_ram=64", 1},
		{"protected=true", 0},
		{"tag=x", 2},
		{"tag=x&tag=y", 1},
		{"os=linux", 1},
		{"os=windows", 0},
		{"nothing=linux", 0},
		{"created_at=gt:2020-01-01T00:00:00Z", 3},
		{"created_at=lt:2020-01-01T00:00:00Z", 0},
		{"os_hidden=true", 1},
		{"visibility=public", 0},
		{"visibility=all&name=in:f1,f2,f3,f4", 3},
		{"size_min=abc", -1},
		{"limit=abc", -1},
		{"limit=-1", -1},
		{"sort_key=nope", -1},
		{"sort_dir=sideways", -1},
		{"sort=name:asc&sort_key=name", -1},
		{"visibility=nope", -1},
		{"marker=nope", -1},
		{"protected=perhaps", -1},
		{"created_at=gt:yesterday", -1},
	};
	struct site *site = *state;

	site_person(site, "carol", "member", NULL, NULL);
	_cleanup_free_ char *carol = site_login(site, "carol", "pw", "carol");
	_cleanup_free_ char *f1 = create(site, carol, "\"name\": \"f1\", \"tags\": [\"x\", \"y\"], " RAW);
	_cleanup_free_ char *f2 =
		create(site, carol, "\"name\": \"f2\", \"tags\": [\"x\"], \"os\": \"linux\", " RAW);
	free(create(site, carol,
		    "\"name\": \"f3\", \"min_ram\": 64, \"disk_format\": "
		    "\"qcow2\", \"container_format\": \"bare\""));
	free(create(site, carol, "\"name\": \"f4\", \"os_hidden\": true, " RAW));
	assert_int_equal(upload(site, carol, f1, OCTETS, "1", 0), 204);
	assert_int_equal(upload(site, carol, f2, OCTETS, "22", 0), 204);
	for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
		_cleanup_free_ char *query = memory_printf("?%s", cases[i].query);
		int64_t found = count(site, carol, query);

		if (found != cases[i].found)
			fail_msg("%s: %lld", cases[i].query, (long long)found);
	}
}

static char *page(struct site *site, const char *token, const char *target, char names[64])
{
	struct http_answer answer = site_call(site, token, "GET", target, NULL);
	yyjson_doc *doc = yyjson_read(answer.body, answer.body_size, 0);
	yyjson_val *image;
	size_t i, max;

	assert_int_equal(answer.status, 200);
	yyjson_arr_foreach (yyjson_doc_ptr_get(doc, "/images"), i, max, image)
		strncat(names, yyjson_get_str(yyjson_obj_get(image, "name")), 8);
	const char *next = yyjson_get_str(yyjson_doc_ptr_get(doc, "/next"));
	char *link = next ? memory_printf("/image%s", next) : NULL;
	yyjson_doc_free(doc);
	http_answer_done(&answer);
	return link;
}

static void pages(void **state)
{
	struct site *site = *state;
	char names[64] = "";

	site_person(site, "dave", "member", NULL, NULL);
	_cleanup_free_ char *dave = site_login(site, "dave", "pw", "dave");
	for (int i = 0; i < 5; i++) {
		_cleanup_free_ char *members =
			memory_printf("\"name\": \"%c\", \"visibility\": \"private\"", "bdaec"[i]);
		free(create(site, dave, members));
	}
	_cleanup_free_ char *link =
		memory_copy_text("/image/v2/images?visibility=private&sort=name:asc&limit=2");
	while (link) {
		char *next = page(site, dave, link, names);

		free(link);
		link = next;
	}
	assert_string_equal(names, "abcde");
	names[0] = '\0';
	_cleanup_free_ char *none = page(site, dave, "/image/v2/images?visibility=private", names);
	assert_string_equal(names, "ceadb"); /* newest first */
	assert_null(none);
}

static void deactivation(void **state)
{
	struct site *site = *state;

	site_person(site, "erin", "member", NULL, NULL);
	_cleanup_free_ char *erin = site_login(site, "erin", "pw", "erin");
	_cleanup_free_ char *id = create(site, erin, RAW), *file = path(id, "/file");
	_cleanup_free_ char *deactivate = path(id, "/actions/deactivate"),
			    *reactivate = path(id, "/actions/reactivate");

	assert_int_equal(site_status(site, site->admin, "POST", deactivate, NULL), 403); /* no bytes yet */
	assert_int_equal(upload(site, erin, id, OCTETS, "x", 0), 204);
	assert_int_equal(site_status(site, erin, "POST", deactivate, NULL), 403);
	assert_int_equal(site_status(site, site->admin, "POST", deactivate, NULL), 204);
	assert_int_equal(site_status(site, erin, "GET", file, NULL), 403);
	assert_int_equal(site_status(site, site->admin, "GET", file, NULL), 200);
	assert_int_equal(site_status(site, site->admin, "POST", reactivate, NULL), 204);
	assert_int_equal(site_status(site, erin, "GET", file, NULL), 200);
}

/* What the compute room calls. */
static void doors(void **state)
{
	struct site *site = *state;
	_cleanup_free_ char *id =
		make(site, "\"name\": \"door\", \"visibility\": \"private\", \"min_disk\": 3, " RAW,
		     "0123456789");
	const struct auth stranger = {.project_id = "other", .member = true}, *anybody = NULL;
	struct image image;
	struct error err;
	char bytes[11] = "";

	assert_true(image_load(site->db, id, anybody, &image, &err));
	assert_string_equal(image.name, "door");
	assert_string_equal(image.status, "active");
	assert_string_equal(image.checksum, "781e5e245d69b566979b86e28d23f2c7");
	assert_int_equal(image.size, 10);
	assert_int_equal(image.min_disk_gb, 3);
	assert_false(image_load(site->db, id, &stranger, &image, &err));
	assert_int_equal(err.kind, ERROR_NOT_FOUND);
	_cleanup_close_ int fd = image_open(id, &err);
	assert_int_equal(read(fd, bytes, 10), 10);
	assert_string_equal(bytes, "0123456789");
	assert_int_equal(image_open("../t.db", &err), -1);
}

static void routes(void **state)
{
	struct site *site = *state;
	static const struct {
		const char *method, *target;
		int status;
	} cases[] = {
		{"GET", "/image", 300},
		{"GET", "/image/", 300},
		{"GET", "/image/versions", 200},
		{"GET", "/image/v2/nonsense", 404},
		{"PUT", "/image/v2/images", 405},
		{"GET", "/image/v2/schemas/image", 200},
		{"GET", "/image/v2/schemas/images", 200},
		{"GET", "/image/v2/info/import", 200},
		{"GET", "/image/v2/images/nope", 404},
		{"GET", "/image/v2/images/nope/file", 404},
	};

	for (size_t i = 0; i < ELEMENTS_OF(cases); i++)
		assert_int_equal(site_status(site, site->admin, cases[i].method, cases[i].target, NULL),
				 cases[i].status);
	struct http_answer answer = site_call(site, NULL, "GET", "/image/v2/images", NULL);
	_cleanup_free_ char *authenticate = http_answer_header(&answer, "WWW-Authenticate");
	assert_int_equal(answer.status, 401);
	assert_string_equal(authenticate, "Keystone uri=\"http://cloud:5000/identity\"");
	http_answer_done(&answer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(upload_and_download),
		cmocka_unit_test(nothing_at_all),
		cmocka_unit_test(ranges),
		cmocka_unit_test(refused_uploads),
		cmocka_unit_test(qcow2_virtual_size),
		cmocka_unit_test(deletion),
		cmocka_unit_test(recovery),
		cmocka_unit_test(visibility),
		cmocka_unit_test(patches),
		cmocka_unit_test(bad_creations),
		cmocka_unit_test(quotas),
		cmocka_unit_test(filters),
		cmocka_unit_test(pages),
		cmocka_unit_test(deactivation),
		cmocka_unit_test(doors),
		cmocka_unit_test(routes),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
