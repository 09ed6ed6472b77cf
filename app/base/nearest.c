#include "base/nearest.h"

#include <string.h>

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Row by row of the usual table. */
size_t nearest_distance(const char *a, const char *b)
{
	size_t row[NEAREST_COMPARED_CHARS + 1];
	size_t b_len = strnlen(b, NEAREST_COMPARED_CHARS);
	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 0; i < NEAREST_COMPARED_CHARS && a[i]; i++) {
		size_t diagonal = row[0];
		row[0] = i + 1;
		for (size_t j = 0; j < b_len; j++) {
			size_t replaced = diagonal + (a[i] != b[j]);
			diagonal = row[j + 1];
			row[j + 1] = smaller(replaced, smaller(row[j], row[j + 1]) + 1);
		}
	}
	return row[b_len];
}

size_t nearest_too_far(const char *name)
{
	return strnlen(name, NEAREST_COMPARED_CHARS) / 2 + 1;
}

const char *nearest_name(const char *name, const char *const names[])
{
	const char *nearest = NULL;
	size_t least = nearest_too_far(name);
	for (; *names; names++) {
		size_t distance = nearest_distance(name, *names);
		if (distance < least) {
			nearest = *names;
			least = distance;
		}
	}
	return nearest;
}
