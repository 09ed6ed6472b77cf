#include "base/settings_value.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/encode.h"
#include "base/settings.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { ECHO_MAX = 40 };

static void *member(const struct settings_entry *entry, struct settings *settings)
{
	return (unsigned char *)settings + entry->offset;
}

static const void *const_member(const struct settings_entry *entry, const struct settings *settings)
{
	return (const unsigned char *)settings + entry->offset;
}

/* Never for text settings: somebody's password may stand at the wrong place. */
static void add_echo(struct buf *why, const char *text)
{
	buf_printf(why, ", not \"%.*s\"", ECHO_MAX, text);
}

static bool parse_text(
	const struct settings_entry *entry, const char *text, const char **out, struct buf *why)
{
	const char *wrong = entry->check ? entry->check(text) : NULL;
	if (wrong) {
		buf_add_text(why, wrong);
		return false;
	}
	*out = text;
	return true;
}

/* Without the white space beside commas, so that nobody who reads a list has to trim. */
static char *tighten(struct arena *arena, const char *text)
{
	char *out = arena_strdup(arena, text);
	size_t len = 0;
	for (; *text; text++) {
		bool is_space = *text == ' ' || *text == '\t';
		const char *next = text + strspn(text, " \t");
		if (is_space && (len == 0 || out[len - 1] == ',' || *next == ',' || !*next))
			continue;
		out[len++] = *text;
	}
	out[len] = '\0';
	return out;
}

static bool parse_int(
	const struct settings_entry *entry, const char *text, int64_t *out, struct buf *why)
{
	long long number;
	if (!encode_parse_uint(text, entry->min, entry->max, &number)) {
		buf_printf(why, "must be a whole number from %" PRId64 " to %" PRId64, entry->min,
			entry->max);
		add_echo(why, text);
		return false;
	}
	*out = number;
	return true;
}

static bool read_duration(const char *text, int64_t *out)
{
	static const char suffixes[] = "smhd";
	static const int64_t seconds[] = { 1, 60, 3600, 86400 };
	char digits[SETTINGS_DURATION_MAX];

	size_t len = strspn(text, "0123456789");
	if (len >= sizeof(digits))
		return false;
	memcpy(digits, text, len);
	digits[len] = '\0';
	int64_t unit = 1;
	if (text[len]) {
		const char *suffix = strchr(suffixes, text[len]);
		if (!suffix || text[len + 1])
			return false;
		unit = seconds[suffix - suffixes];
	}
	long long number;
	if (!encode_parse_uint(digits, 0, INT64_MAX / unit, &number))
		return false;
	*out = number * unit;
	return true;
}

static bool parse_duration(
	const struct settings_entry *entry, const char *text, int64_t *out, struct buf *why)
{
	int64_t seconds;
	if (read_duration(text, &seconds) && seconds >= entry->min && seconds <= entry->max) {
		*out = seconds;
		return true;
	}
	char low[SETTINGS_DURATION_MAX], high[SETTINGS_DURATION_MAX];
	settings_table_format_duration(entry->min, low);
	settings_table_format_duration(entry->max, high);
	buf_printf(why, "must be a time from %s to %s (seconds, or with s, m, h or d as in 15m)",
		low, high);
	add_echo(why, text);
	return false;
}

static bool parse_bool(const char *text, bool *out, struct buf *why)
{
	static const char *const words[] = { "no", "yes", "off", "on", "false", "true" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(text, words[i]) == 0) {
			*out = i % 2 == 1;
			return true;
		}
	}
	buf_add_text(why, "must be yes or no");
	add_echo(why, text);
	return false;
}

static bool parse_choice(
	const struct settings_entry *entry, const char *text, int64_t *out, struct buf *why)
{
	for (size_t i = 0; entry->choices[i]; i++) {
		if (strcmp(text, entry->choices[i]) == 0) {
			*out = (int64_t)i;
			return true;
		}
	}
	buf_add_text(why, "must be ");
	for (size_t i = 0; entry->choices[i]; i++) {
		const char *before = i == 0 ? "" : entry->choices[i + 1] ? ", " : " or ";
		buf_printf(why, "%s%s", before, entry->choices[i]);
	}
	add_echo(why, text);
	if (entry->offset == offsetof(struct settings, cookie.same_site) &&
		strcmp(text, "none") == 0)
		buf_add_text(why,
			": with SameSite=None every other site could send requests in the "
			"user's name (CSRF)");
	return false;
}

bool settings_value_parse(const struct settings_entry *entry, const char *text,
	struct settings *into, struct arena *arena, struct buf *why)
{
	switch (entry->type) {
	case SETTINGS_TYPE_TEXT:
		return parse_text(entry, arena_strdup(arena, text), member(entry, into), why);
	case SETTINGS_TYPE_LIST:
		return parse_text(entry, tighten(arena, text), member(entry, into), why);
	case SETTINGS_TYPE_INT:
		return parse_int(entry, text, member(entry, into), why);
	case SETTINGS_TYPE_DURATION:
		return parse_duration(entry, text, member(entry, into), why);
	case SETTINGS_TYPE_BOOL:
		return parse_bool(text, member(entry, into), why);
	case SETTINGS_TYPE_CHOICE:
		return parse_choice(entry, text, member(entry, into), why);
	}
	return false;
}

static int64_t number_of(const struct settings_entry *entry, const struct settings *settings)
{
	const int64_t *number = const_member(entry, settings);
	return *number;
}

const char *settings_value_format(const struct settings_entry *entry,
	const struct settings *settings, char storage[SETTINGS_DURATION_MAX])
{
	switch (entry->type) {
	case SETTINGS_TYPE_TEXT:
	case SETTINGS_TYPE_LIST: {
		const char *const *text = const_member(entry, settings);
		return *text;
	}
	case SETTINGS_TYPE_INT:
		(void)snprintf(
			storage, SETTINGS_DURATION_MAX, "%" PRId64, number_of(entry, settings));
		return storage;
	case SETTINGS_TYPE_DURATION:
		settings_table_format_duration(number_of(entry, settings), storage);
		return storage;
	case SETTINGS_TYPE_BOOL: {
		const bool *is_set = const_member(entry, settings);
		return *is_set ? "yes" : "no";
	}
	case SETTINGS_TYPE_CHOICE:
		return entry->choices[number_of(entry, settings)];
	}
	return "";
}
