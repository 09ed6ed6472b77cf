#include "base/settings_nearest.h"

#include "base/nearest.h"
#include "base/settings_table.h"

#include <string.h>

enum { NAME_MAX_LEN = 40, FAR = 4 };

/* The distance; FAR where no suggestion would help: above 3, or more than half of the name ("foo"
 * is three edits from "url"). */
static size_t distance(const char *a, const char *b)
{
	size_t b_len = strlen(b);
	if (strlen(a) > NAME_MAX_LEN || b_len > NAME_MAX_LEN)
		return FAR;
	size_t edits = nearest_distance(a, b);
	return edits >= FAR || edits * 2 > b_len + 1 ? FAR : edits;
}

static const struct settings_entry *nearest_in(const char *section, const char *name)
{
	const struct settings_entry *best = NULL, *entry;
	size_t best_distance = FAR;
	for (size_t i = 0; (entry = settings_table_at(i)); i++) {
		if (section && strcmp(entry->section, section) != 0)
			continue;
		size_t here = distance(name, entry->name);
		if (here < best_distance) {
			best = entry;
			best_distance = here;
		}
	}
	return best;
}

const struct settings_entry *settings_nearest_name(const char *section, const char *name)
{
	const struct settings_entry *found = settings_table_find(NULL, name);
	if (!found)
		found = nearest_in(section, name);
	if (!found && section)
		found = nearest_in(NULL, name);
	return found;
}

const char *settings_nearest_section(const char *section)
{
	const char *best = NULL;
	size_t best_distance = distance(section, "rules");
	if (best_distance < FAR)
		best = "rules";
	const struct settings_entry *entry;
	for (size_t i = 0; (entry = settings_table_at(i)); i++) {
		size_t here = distance(section, entry->section);
		if (here < best_distance) {
			best = entry->section;
			best_distance = here;
		}
	}
	return best;
}
