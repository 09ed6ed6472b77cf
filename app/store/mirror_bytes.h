/* Replies as bytes, for the mirror: type, then a number, or a length and what it counts. */
#ifndef DOORWARD_STORE_MIRROR_BYTES_H
#define DOORWARD_STORE_MIRROR_BYTES_H

#include <stdbool.h>
#include <stddef.h>

#include "store/store.h"

struct arena;

/* Their length; 0 when they do not fit, or lists are nested too deeply. */
size_t mirror_bytes_put(char *out, size_t size, const struct store_value *values, size_t count);
/* The first of what mirror_bytes_put wrote, and where the next one begins; texts stay where they
 * are. */
const char *mirror_bytes_get(struct arena *arena, const char *at, struct store_value *out);
/* True when no value tells of anything that is there: nil, 0, or lists of these. */
bool mirror_bytes_is_nothing(const struct store_value *values, size_t count);

#endif
