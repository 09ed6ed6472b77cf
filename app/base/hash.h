/* A hash to find a place in a table by (8 bytes at a time, by multiplication): it spreads, and
 * nothing more is asked of it. A seed that nobody outside knows keeps others from choosing what
 * falls together. */
#ifndef DOORWARD_BASE_HASH_H
#define DOORWARD_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(uint64_t seed, const void *bytes, size_t len);

#endif
