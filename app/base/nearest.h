/* How far two names are from each other, for "did you mean ...?". */
#ifndef DOORWARD_BASE_NEAREST_H
#define DOORWARD_BASE_NEAREST_H

#include <stddef.h>

enum { NEAREST_COMPARED_CHARS = 64 };

/* Levenshtein's edit distance of the first NEAREST_COMPARED_CHARS characters of each. */
size_t nearest_distance(const char *a, const char *b);
/* The distance at which half of the name would have to change: no suggestion helps then. */
size_t nearest_too_far(const char *name);
/* The one of names (NULL at the end) that is nearest to name; NULL when all are too far. */
const char *nearest_name(const char *name, const char *const names[]);

#endif
