/* Times as text. */
#include "base/timestamp.h"

#include <stdio.h>
#include <time.h>

char *time_format(int64_t us, enum time_style style, char text[32])
{
	static const char *const formats[] = {
		[TIME_SECONDS_Z] = "%Y-%m-%dT%H:%M:%SZ",
		[TIME_MICROSECONDS_Z] = "%Y-%m-%dT%H:%M:%S",
		[TIME_MICROSECONDS] = "%Y-%m-%dT%H:%M:%S",
		[TIME_SPACED] = "%Y-%m-%d %H:%M:%S",
	};
	time_t seconds = (time_t)(us / TIME_SECOND);
	struct tm utc;

	gmtime_r(&seconds, &utc);
	size_t length = strftime(text, 32, formats[style], &utc);
	if (style == TIME_MICROSECONDS_Z || style == TIME_MICROSECONDS)
		snprintf(text + length, 32 - length, ".%06d%s", (int)(us % TIME_SECOND),
			 style == TIME_MICROSECONDS_Z ? "Z" : "");
	return text;
}
