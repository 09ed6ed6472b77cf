#include "base/settings_nearest.h"

#include "base/settings_table.h"

#include <stdbool.h>
#include <string.h>

enum { NAME_MAX_LEN = 40, FAR = 4 };

static size_t least(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;
	return ab < c ? ab : c;
}

/* Levenshtein's edit distance; FAR where no suggestion would help: above 3, or more than
 * half of the name ("foo" is three edits from "url"). */
static size_t distance(const char *a, const char *b)
{
	size_t a_len = strlen(a), b_len = strlen(b);
	if (a_len > NAME_MAX_LEN || b_len > NAME_MAX_LEN)
		return FAR;
	size_t row[NAME_MAX_LEN + 1];
	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t above = row[j];
			row[j] = least(above + 1, row[j - 1] + 1,
				diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
			diagonal = above;
		}
	}
	bool is_far = row[b_len] >= FAR || row[b_len] * 2 > b_len + 1;
	return is_far ? FAR : row[b_len];
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
