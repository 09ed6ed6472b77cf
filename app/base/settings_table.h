/* The list of all settings: where each stands, what it may be, what it is when nobody says.
 *
 * The one place where a setting is declared; the parser, the printer, the man page and the sample
 * follow it (tests/lint/settings). Constant data, for settings.c and settings_value.c. */
#ifndef DOORWARD_BASE_SETTINGS_TABLE_H
#define DOORWARD_BASE_SETTINGS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum settings_type {
	SETTINGS_TYPE_TEXT,
	SETTINGS_TYPE_LIST, /* text; white space around its commas is dropped */
	SETTINGS_TYPE_INT,
	SETTINGS_TYPE_DURATION, /* seconds; 15m, 7d */
	SETTINGS_TYPE_BOOL,
	SETTINGS_TYPE_CHOICE, /* the index of one of `choices` */
};

struct settings_entry {
	const char *section, *name;
	enum settings_type type;
	size_t offset; /* in struct settings */
	const char *initial; /* the default, as a file would say it */
	int64_t min, max; /* INT and DURATION */
	const char *const *choices; /* CHOICE; NULL at the end */
	const char *(*check)(
		const char *text); /* TEXT and LIST; may be NULL; see settings_check.h */
	const char *help; /* one sentence */
};

/* NULL past the last one. Settings of one section follow each other. */
const struct settings_entry *settings_table_at(size_t index);
/* NULL when there is none. section NULL: the first of that name in any section. */
const struct settings_entry *settings_table_find(const char *section, const char *name);
bool settings_table_has_section(const char *section);
size_t settings_table_count(void);
/* Its place in the table, below settings_table_count. */
size_t settings_table_index(const struct settings_entry *entry);

/* Seconds as short as a file may say them: "0", "60", "15m", "7d". */
enum { SETTINGS_DURATION_MAX = 24 };
void settings_table_format_duration(int64_t seconds, char out[SETTINGS_DURATION_MAX]);
/* A line for each: section, name, type, default, limits, help; separated by tabs. */
void settings_table_print(FILE *out);

#endif
