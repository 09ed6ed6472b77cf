#include "base/hash.h"

uint64_t hash_bytes(uint64_t seed, const void *bytes, size_t len)
{
	const unsigned char *byte = bytes;
	uint64_t hash = 1469598103934665603u ^ seed;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ byte[i]) * 1099511628211u;
	/* A table's index is the low bits; the high ones know more of the beginning. */
	return hash ^ hash >> 32;
}
