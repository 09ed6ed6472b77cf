/* The faults of a settings file: one line for each, as many as the caller's storage holds. */
#ifndef DOORWARD_BASE_SETTINGS_REPORT_H
#define DOORWARD_BASE_SETTINGS_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum { SETTINGS_REPORT_SENTENCE = 512 };

struct settings_report {
	const char *path; /* borrowed */
	struct buf text; /* whole lines, in the caller's storage */
	size_t size; /* of that storage */
	unsigned found, shown;
};

/* size > 0. */
void settings_report_init(
	struct settings_report *report, const char *path, char *storage, size_t size);
/* Adds "PATH:LINE: sentence", without the line when it is 0. */
void settings_report_add(struct settings_report *report, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
bool settings_report_is_empty(const struct settings_report *report);
/* Says how many did not fit. The last call. */
void settings_report_close(struct settings_report *report);

#endif
