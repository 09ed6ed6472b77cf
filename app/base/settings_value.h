/* The value of one setting: from text into its member of struct settings, and back. */
#ifndef DOORWARD_BASE_SETTINGS_VALUE_H
#define DOORWARD_BASE_SETTINGS_VALUE_H

#include <stdbool.h>

#include "base/settings_table.h"

struct arena;
struct buf;
struct settings;

/* Text is copied into the arena. False, with what is wrong added to `why`, when the value is not
 * one: then `into` is as before. */
bool settings_value_parse(const struct settings_entry *entry, const char *text,
	struct settings *into, struct arena *arena, struct buf *why);
/* As a file would say it; the shortest form. Borrowed from `settings` or `storage`. */
const char *settings_value_format(const struct settings_entry *entry,
	const struct settings *settings, char storage[SETTINGS_DURATION_MAX]);

#endif
