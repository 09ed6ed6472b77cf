/* From the lines of the file to the members of struct settings, by libinih (the only file that
 * includes it). What must agree between settings is checked by settings.c. */
#ifndef DOORWARD_BASE_SETTINGS_FILE_H
#define DOORWARD_BASE_SETTINGS_FILE_H

#include <stdio.h>

struct arena;
struct settings;
struct settings_report;

/* Sets the defaults, then what the file says; every fault goes to the report. Text and rules are
 * made in the arena. Returns, in the arena too, the line where each setting was set, in the order
 * of the table; 0 for a default. */
int *settings_file_read(
	FILE *file, struct settings *settings, struct arena *arena, struct settings_report *report);

#endif
