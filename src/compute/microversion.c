/* Microversion negotiation, as the API working group's guideline and Nova have it. */
#include "compute/microversion.h"

#include "base/text.h"
#include "compute/service.h"

#include <string.h>
#include <strings.h>

/* Finds "compute X" in a list like "compute 2.61, identity 3"; copies X. */
static bool find_version(const char *header, char text[32])
{
	for (const char *item = header; item && *item;) {
		size_t length = strcspn(item, ",");
		const char *start = item + strspn(item, " \t");

		if (strncasecmp(start, "compute", 7) == 0 && (start[7] == ' ' || start[7] == '\t')) {
			start += 7 + strspn(start + 7, " \t");
			size_t size = start < item + length ? strcspn(start, ", \t") : 0;
			snprintf(text, 32, "%.*s", (int)(size < 31 ? size : 31), start);
			return true;
		}
		item += length;
		item += *item == ',';
	}
	return false;
}

/* ^([1-9]\d*)\.([1-9]\d*|0)$ */
static bool parse_version(const char *text, int64_t *major, int64_t *minor)
{
	const char *dot = strchr(text, '.');
	char left[32];

	if (!dot || text[0] == '0' || strspn(text, "0123456789") != (size_t)(dot - text) ||
	    strspn(dot + 1, "0123456789") != strlen(dot + 1) || (dot[1] == '0' && dot[2]))
		return false;
	snprintf(left, sizeof left, "%.*s", (int)(dot - text), text);
	return text_to_int64(left, 1, 1000000, major) && text_to_int64(dot + 1, 0, 1000000, minor);
}

bool microversion_negotiate(const char *header, const char *old_header, int *microversion, struct error *err)
{
	int64_t major, minor;
	char text[32] = "";

	*microversion = COMPUTE_MIN_MICROVERSION;
	if (!find_version(header, text)) {
		if (!old_header)
			return true;
		snprintf(text, sizeof text, "%s", old_header);
	}
	if (strcasecmp(text, "latest") == 0) {
		*microversion = COMPUTE_MAX_MICROVERSION;
		return true;
	}
	if (!parse_version(text, &major, &minor))
		return error_set(err, ERROR_BAD_REQUEST,
				 "API Version String %s is of invalid format. Must be of format "
				 "MajorNum.MinorNum.",
				 text);
	if (major != 2 || minor < 1 || minor > COMPUTE_MAX_MICROVERSION - 2000)
		return error_set(
			err, ERROR_NOT_ACCEPTABLE,
			"Version %s is not supported by the API. Minimum is 2.1 and maximum is 2.90.", text);
	*microversion = (int)(2000 + minor);
	return true;
}
