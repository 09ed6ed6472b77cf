/* What a command says on standard output: a sentence or a table for people, or JSON.
 *
 * Names, addresses and browsers were typed by strangers: whatever could move the cursor, hide a
 * part of the line or turn its direction is shown as a code. */
#ifndef DOORWARD_CTL_CTL_OUTPUT_H
#define DOORWARD_CTL_CTL_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct ctl;
struct json;

/* Valid UTF-8 without control characters. */
const char *ctl_output_clean(struct arena *arena, const char *text);
/* The same of JSON as json_format_pretty makes it: line feeds stay. */
const char *ctl_output_clean_lines(struct arena *arena, const char *text);
/* 2026-09-01T03:00:00Z, as in the log; "-" for 0. */
const char *ctl_output_time(struct arena *arena, int64_t at_sec);
/* "3 d", "15 min", "20 s". */
const char *ctl_output_span(struct arena *arena, int64_t seconds);

/* The result of a command: the sentence, or with --json the object. Takes over the object. */
void ctl_output_result(const struct ctl *ctl, struct json *object, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* One line "title:  text"; text NULL: none. */
void ctl_output_field(const char *title, const char *text);
/* The comma list as an array of texts; yours. */
struct json *ctl_output_roles(const char *roles);
/* False, and said, when something could not be written to standard output. */
bool ctl_output_end(void);

#endif
