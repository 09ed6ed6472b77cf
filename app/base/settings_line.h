/* The lines of a settings file, counted and checked before any parser sees them. */
#ifndef DOORWARD_BASE_SETTINGS_LINE_H
#define DOORWARD_BASE_SETTINGS_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum {
	/* libinih silently cuts what is longer: 200 with \r, \n and NUL, as Debian builds it. */
	SETTINGS_LINE_MAX = 197,
	SETTINGS_LINE_STORAGE = SETTINGS_LINE_MAX + 8, /* a mark, \r and NUL besides */
	SETTINGS_LINE_FILE_MAX = 1024 * 1024,
};

struct settings_line {
	FILE *file;
	int number; /* of the line read last, from 1 */
	size_t file_bytes; /* read so far */
	char text[SETTINGS_LINE_STORAGE]; /* without its end, indentation and a byte order mark */
};

/* False at the end of the file (or when it cannot be read: see ferror). *wrong is NULL, or what is
 * wrong with the line (static text); then text is "". */
bool settings_line_next(struct settings_line *line, const char **wrong);

#endif
