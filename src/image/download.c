/* GET /v2/images/{id}/file: the bytes, or a range of them (RFC 9110, 14). */
#include "base/text.h"
#include "image/internal.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct range {
	int64_t first, last;
	bool given;
};

/* The digits up to `end`; false if there are none or others. */
static bool number(const char *text, const char *end, int64_t *value)
{
	char digits[20];
	size_t length = (size_t)(end - text);

	if (length == 0 || length >= sizeof digits || text[0] < '0' || text[0] > '9')
		return false;
	memcpy(digits, text, length);
	digits[length] = '\0';
	return text_to_int64(digits, 0, INT64_MAX, value);
}

/* One range of bytes in a file of `size`.  What is not understood is as if it were not there, as the RFC
 * wants it. */
static bool range_read(const char *header, int64_t size, struct range *range, struct error *err)
{
	const char *dash;
	int64_t first = 0, last = 0;

	*range = (struct range){.last = size - 1};
	if (!header || !text_starts_with(header, "bytes=") || !(dash = strchr(header, '-')))
		return true;
	header += strlen("bytes=");
	if (strchr(header, ','))
		return error_set(err, ERROR_BAD_REQUEST, "Requests with multiple ranges are not supported.");
	bool has_first = number(header, dash, &first),
	     has_last = number(dash + 1, dash + strlen(dash), &last);
	if ((!has_first && header != dash) || (!has_last && dash[1]) || (!has_first && !has_last) ||
	    (has_first && has_last && last < first))
		return true;
	if (!has_first) {
		if (last == 0)
			first = size;
		else
			first = last < size ? size - last : 0;
	}
	if (first >= size)
		return error_set(err, ERROR_RANGE,
				 "Invalid start position in Range header. Start position MUST be in the "
				 "inclusive range "
				 "[0, %lld].",
				 (long long)size - 1);
	range->given = true;
	range->first = first;
	if (has_first && has_last && last < size)
		range->last = last;
	return true;
}

bool image_download(struct http_request *request, struct http_response *response, struct error *err)
{
	struct image_record record;
	struct range range;

	if (!image_record_load(request, request->params[0], &record, err))
		return false;
	if (strcmp(record.status, "deactivated") == 0 && !request->auth->admin)
		return error_set(
			err, ERROR_FORBIDDEN,
			"The requested image has been deactivated. Image data download is forbidden.");
	if (record.size < 0) {
		response->status = 204;
		return true;
	}
	if (!range_read(http_header(request, "Range"), record.size, &range, err)) {
		if (err->kind == ERROR_RANGE)
			http_header_add(response, "Content-Range",
					http_printf(request, "bytes */%lld", (long long)record.size));
		return false;
	}
	response->file = image_open(record.id, err);
	if (response->file < 0)
		return false;
	response->status = range.given ? 206 : 200;
	response->file_offset = range.first;
	response->file_size = range.last - range.first + 1;
	response->content_type = "application/octet-stream";
	http_header_add(response, "Content-MD5", record.checksum);
	http_header_add(response, "Accept-Ranges", "bytes");
	if (range.given)
		http_header_add(response, "Content-Range",
				http_printf(request, "bytes %lld-%lld/%lld", (long long)range.first,
					    (long long)range.last, (long long)record.size));
	return true;
}
