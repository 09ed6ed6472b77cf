/* How the store is doing at this moment, without asking it: for /auth/metrics. */
#ifndef DOORWARD_STORE_STORE_STATE_H
#define DOORWARD_STORE_STORE_STATE_H

#include <stdbool.h>
#include <stddef.h>

struct store;

struct store_state {
	size_t servers; /* one, or the masters of a cluster that are known */
	size_t silent; /* of these: their breaker is open */
	bool mirrored;
	bool mirror_is_leased; /* what is mirrored counts at this moment */
	size_t mirror_entries;
};

void store_state_read(struct store *store, struct store_state *out);

#endif
