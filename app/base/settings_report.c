#include "base/settings_report.h"

#include <stdarg.h>
#include <stdio.h>

enum { TALLY_MAX = 32, SIZE_FOR_TALLY = 64 };

void settings_report_init(
	struct settings_report *report, const char *path, char *storage, size_t size)
{
	size_t tally = size >= SIZE_FOR_TALLY ? TALLY_MAX : 0;
	*report = (struct settings_report){ .path = path, .size = size };
	buf_init_fixed(&report->text, storage, size - tally);
}

void settings_report_add(struct settings_report *report, int line, const char *format, ...)
{
	char sentence[SETTINGS_REPORT_SENTENCE], place[16] = "";
	va_list args;

	va_start(args, format);
	(void)vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	if (line > 0)
		(void)snprintf(place, sizeof(place), ":%d", line);
	buf_printf(&report->text, "%s%s%s: %s", report->found > 0 ? "\n" : "", report->path, place,
		sentence);
	report->found++;
	if (buf_ok(&report->text))
		report->shown++;
}

bool settings_report_is_empty(const struct settings_report *report)
{
	return report->found == 0;
}

void settings_report_close(struct settings_report *report)
{
	/* Past the buf: this room was kept from it. */
	if (report->found > report->shown)
		(void)snprintf(report->text.data + report->text.len,
			report->size - report->text.len, "%s(and %u more)",
			report->text.len > 0 ? "\n" : "", report->found - report->shown);
}
