/* penstock host check: collecting the facts and printing them, in the manner of virt-host-validate. */
#include "host/check.h"

#include "base/memory.h"
#include "host/host.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <yyjson.h>

static const char *const level_names[] = {"PASS", "WARN", "FAIL"};
static const char *const colours[] = {"\033[32m", "\033[33m", "\033[31m"};

static void row_add(struct check *check, enum check_level level, const char *fact, const char *mend,
		    const char *format, va_list arguments)
{
	struct check_row *row = ARRAY_ADD(check->rows, check->count);
	char detail[1000];

	vsnprintf(detail, sizeof detail, format, arguments);
	row->level = level;
	row->fact = memory_copy_text(fact);
	row->detail = memory_copy_text(detail);
	row->mend = memory_copy_text(mend);
}

void check_pass(struct check *check, const char *fact, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	row_add(check, CHECK_PASS, fact, NULL, format, arguments);
	va_end(arguments);
}

void check_not(struct check *check, enum check_level level, const char *fact, const char *mend,
	       const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	row_add(check, level, fact, mend, format, arguments);
	va_end(arguments);
}

static void print_rows(const struct check *check)
{
	bool colour = isatty(1);

	for (size_t i = 0; i < check->count; i++) {
		const struct check_row *row = &check->rows[i];

		printf("%-44s : %s%s%s  %s\n", row->fact, colour ? colours[row->level] : "",
		       level_names[row->level], colour ? "\033[0m" : "", row->detail);
		if (row->mend)
			printf("    mend: %s\n", row->mend);
	}
}

static void print_json(const struct check *check, bool ok)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc), *list = yyjson_mut_arr(doc);

	yyjson_mut_doc_set_root(doc, root);
	yyjson_mut_obj_add_bool(doc, root, "ok", ok);
	yyjson_mut_obj_add_str(doc, root, "system", check->machine->system);
	yyjson_mut_obj_add_val(doc, root, "checks", list);
	for (size_t i = 0; i < check->count; i++) {
		const struct check_row *row = &check->rows[i];
		yyjson_mut_val *item = yyjson_mut_arr_add_obj(doc, list);

		yyjson_mut_obj_add_str(doc, item, "status", level_names[row->level]);
		yyjson_mut_obj_add_str(doc, item, "fact", row->fact);
		yyjson_mut_obj_add_str(doc, item, "detail", row->detail);
		if (row->mend)
			yyjson_mut_obj_add_str(doc, item, "mend", row->mend);
		else
			yyjson_mut_obj_add_null(doc, item, "mend");
	}
	char *text = yyjson_mut_write(doc, YYJSON_WRITE_PRETTY, NULL);
	puts(text);
	free(text);
	yyjson_mut_doc_free(doc);
}

static bool is_fine(const struct check *check)
{
	for (size_t i = 0; i < check->count; i++) {
		if (check->rows[i].level == CHECK_FAIL)
			return false;
	}
	return true;
}

static void check_done(struct check *check)
{
	for (size_t i = 0; i < check->count; i++) {
		free(check->rows[i].fact);
		free(check->rows[i].detail);
		free(check->rows[i].mend);
	}
	free(check->rows);
}

int host_check(const struct host_request *request)
{
	struct machine m = {0};
	struct check check = {.machine = &m, .config = request->config};
	struct error err;
	bool ok = machine_read(request, &m, &err);

	if (!ok) {
		fprintf(stderr, "penstock: %s\n", err.message);
		machine_done(&m);
		return err.kind == ERROR_BAD_REQUEST ? 2 : 1;
	}
	check_platform(&check);
	check_memory(&check);
	check_nics(&check);
	check_groups(&check);
	ok = is_fine(&check);
	if (request->json)
		print_json(&check, ok);
	else
		print_rows(&check);
	check_done(&check);
	machine_done(&m);
	return ok ? 0 : 1;
}
