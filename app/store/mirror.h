/* What Redis last said about a key, kept true by Redis itself (tracker.h), so that most checks ask
 * it nothing. Bounded; shared by all threads.
 *
 * Never stale: an entry that is being fetched has a placeholder with a ticket; an invalidation that
 * comes first removes it, and the reply is then used once and not kept. Never trusted blindly: an
 * entry counts only until the lease of the node that answered ends, which its tracker prolongs.
 * That there is nothing counts only under the leases of all nodes: in a cluster the key could be
 * made on another one, to which its slot is on its way. A miss is never a "no". */
#ifndef DOORWARD_STORE_MIRROR_H
#define DOORWARD_STORE_MIRROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

struct arena;
struct mirror;

enum { MIRROR_KEY_MAX = 160, MIRROR_VALUE_MAX_BYTES = 2048, MIRROR_ENTRY_MAX_SEC = 3600 };

struct mirror *mirror_new(size_t max_entries);
void mirror_free(struct mirror *mirror);

/* A source is a node of the store (node.h), by its index. Unless told otherwise there is one, 0. */
enum { MIRROR_SOURCES_MAX = 128 };
void mirror_use_source(struct mirror *mirror, unsigned source, bool used);
/* Its entries count while the monotonic clock is before that; 0: not at all. */
void mirror_lease_until(struct mirror *mirror, unsigned source, int64_t mono_ms);
/* All that are used. */
bool mirror_is_leased(const struct mirror *mirror);

/* What is kept of a key: the answers to the commands that read it. */
struct mirror_answer {
	struct store_value *replies;
	size_t count;
	int64_t left_ms; /* as PTTL has it: -1 no expiry, -2 no such key */
	unsigned source; /* who answered */
	int64_t now_ms; /* monotonic, when it is looked for; 0: mirror_find looks at the clock */
};
/* Fills replies, exactly count of them, and left_ms, in the arena; or false. */
bool mirror_find(
	struct mirror *mirror, const char *key, struct arena *arena, struct mirror_answer *answer);
/* Before asking Redis: leaves a placeholder. 0: do not keep the answer (no lease). */
uint64_t mirror_expect(struct mirror *mirror, const char *key);
/* After asking. */
void mirror_fill(struct mirror *mirror, const char *key, uint64_t ticket,
	const struct mirror_answer *answer);
/* The key changed. */
void mirror_forget(struct mirror *mirror, const char *key, size_t len);
/* How many keys are kept; not for use in a check. */
size_t mirror_count(struct mirror *mirror);
/* Everything may have changed. */
void mirror_flush(struct mirror *mirror);
/* Everything of that source, and what is being fetched. */
void mirror_flush_source(struct mirror *mirror, unsigned source);

#endif
