#include "base/settings_file.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/settings.h"
#include "base/settings_line.h"
#include "base/settings_nearest.h"
#include "base/settings_report.h"
#include "base/settings_table.h"
#include "base/settings_value.h"

#include <errno.h>
#include <ini.h>
#include <string.h>

enum { RULES_MAX = 1000 };

struct reading {
	struct settings *settings;
	struct arena *arena;
	struct settings_report *report;
	struct settings_rule *rules;
	int *set_at;
	struct settings_line line;
	bool awaits_setting; /* the line must come back from libinih as NAME = VALUE */
	bool skips_section; /* its header was refused */
};

static void report_unknown(struct reading *reading, const char *section, const char *name)
{
	const struct settings_entry *near;
	char place[64] = "", hint[160] = "";

	near = settings_nearest_name(section[0] ? section : NULL, name);
	if (section[0])
		(void)snprintf(place, sizeof(place), "[%s] ", section);
	if (near && strcmp(near->section, section) == 0)
		(void)snprintf(hint, sizeof(hint), "; did you mean %s?", near->name);
	else if (near)
		(void)snprintf(
			hint, sizeof(hint), "; did you mean [%s] %s?", near->section, near->name);
	settings_report_add(reading->report, reading->line.number, "unknown setting %s%.64s%s%s",
		place, name, section[0] ? "" : " before any [section]", hint);
}

/* Returns false unless the line is [name], which it copies; a comment may follow. */
static bool read_header(const char *line, char *name, size_t name_size)
{
	size_t len = strcspn(line + 1, "]");
	if (!line[1 + len] || len >= name_size)
		return false;
	const char *rest = line + 1 + len + 1;
	rest += strspn(rest, " \t");
	if (*rest && *rest != ';' && *rest != '#')
		return false;
	memcpy(name, line + 1, len);
	name[len] = '\0';
	return true;
}

static void enter_section(struct reading *reading)
{
	char name[48];

	reading->skips_section = true;
	if (!read_header(reading->line.text, name, sizeof(name))) {
		settings_report_add(reading->report, reading->line.number,
			"a section must stand as [name], alone on its line");
		return;
	}
	if (strcmp(name, "rules") == 0 || settings_table_has_section(name)) {
		reading->skips_section = false;
		return;
	}
	const char *near = settings_nearest_section(name);
	settings_report_add(reading->report, reading->line.number, "unknown section [%s]%s%s%s",
		name, near ? "; did you mean [" : "", near ? near : "", near ? "]?" : "");
}

static void finish_line(struct reading *reading)
{
	if (reading->awaits_setting)
		settings_report_add(reading->report, reading->line.number,
			"neither [section] nor NAME = VALUE");
	reading->awaits_setting = false;
}

/* What libinih has for fgets. Its handler is told no line numbers, and lines without a value are
 * told to nobody but by the number of the first, so both are kept here. */
static char *read_line(char *into, int size, void *context)
{
	struct reading *reading = context;
	const char *wrong;

	if (size < SETTINGS_LINE_MAX + 3)
		fatal("libinih takes no line longer than %d bytes", size);
	finish_line(reading);
	if (!settings_line_next(&reading->line, &wrong))
		return NULL;
	const char *text = reading->line.text;
	if (wrong)
		settings_report_add(reading->report, reading->line.number, "%s", wrong);
	else if (text[0] == '[')
		enter_section(reading);
	else
		reading->awaits_setting = text[0] && text[0] != ';' && text[0] != '#';
	memcpy(into, text, strlen(text) + 1);
	return into;
}

static void take_rule(struct reading *reading, const char *pattern, const char *requirement)
{
	struct settings *settings = reading->settings;
	int line = reading->line.number;

	if (!pattern[0] || !requirement[0])
		settings_report_add(reading->report, line, "a rule must be PATTERN = REQUIREMENT");
	else if (strchr(requirement, '='))
		settings_report_add(reading->report, line,
			"a pattern can hold neither : nor = (write ? for it)");
	else if (settings->rules_count == RULES_MAX)
		settings_report_add(reading->report, line, "more than %d rules", RULES_MAX);
	else
		reading->rules[settings->rules_count++] = (struct settings_rule){
			.pattern = arena_strdup(reading->arena, pattern),
			.requirement = arena_strdup(reading->arena, requirement),
			.line = line,
		};
}

static void take_setting(
	struct reading *reading, const char *section, const char *name, const char *value)
{
	const struct settings_entry *entry = settings_table_find(section, name);
	char storage[SETTINGS_REPORT_SENTENCE - 128];
	struct buf why;

	if (!entry) {
		report_unknown(reading, section, name);
		return;
	}
	int *set_at = &reading->set_at[settings_table_index(entry)];
	if (*set_at > 0) {
		settings_report_add(reading->report, reading->line.number,
			"[%s] %s was already set in line %d", section, name, *set_at);
		return;
	}
	*set_at = reading->line.number;
	buf_init_fixed(&why, storage, sizeof(storage));
	if (!settings_value_parse(entry, value, reading->settings, reading->arena, &why))
		settings_report_add(reading->report, reading->line.number, "[%s] %s %s", section,
			name, why.data);
}

static int take(void *context, const char *section, const char *name, const char *value)
{
	struct reading *reading = context;

	reading->awaits_setting = false;
	if (reading->skips_section)
		return 1;
	if (strcmp(section, "rules") == 0)
		take_rule(reading, name, value);
	else
		take_setting(reading, section, name, value);
	return 1;
}

static void take_defaults(struct reading *reading)
{
	const struct settings_entry *entry;
	char storage[SETTINGS_REPORT_SENTENCE];
	struct buf why;

	buf_init_fixed(&why, storage, sizeof(storage));
	for (size_t i = 0; (entry = settings_table_at(i)); i++) {
		if (!settings_value_parse(
			    entry, entry->initial, reading->settings, reading->arena, &why))
			fatal("the default of [%s] %s %s", entry->section, entry->name, why.data);
	}
}

int *settings_file_read(
	FILE *file, struct settings *settings, struct arena *arena, struct settings_report *report)
{
	struct reading reading = { .settings = settings,
		.arena = arena,
		.report = report,
		.rules = arena_alloc(arena, RULES_MAX * sizeof(*reading.rules)),
		.set_at = arena_alloc(arena, settings_table_count() * sizeof(*reading.set_at)),
		.line = { .file = file } };

	settings->rules = reading.rules;
	take_defaults(&reading);
	errno = 0;
	int status = ini_parse_stream(read_line, &reading, take, &reading);
	if (ferror(file))
		settings_report_add(report, 0, "cannot be read: %s", strerror(errno));
	if (status != 0 && settings_report_is_empty(report))
		settings_report_add(report, status > 0 ? status : 0, "libinih cannot read it");
	return reading.set_at;
}
