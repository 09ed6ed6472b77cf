#include "auth/noted.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "auth/auth.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/settings.h"

enum { NOTED_SETS = 131072, NOTED_WAYS = 8, NOTED_TURN = 0xffffff };

/* When each session's use was last noted, by this process: of its hash what is above the turn, and
 * the turn (turns of seen_every are counted). More than a million sessions in a turn are noted more
 * often, never less. */
static atomic_uint_least64_t noted_at[NOTED_SETS][NOTED_WAYS];

/* The place that holds the mark, else that of the oldest one among those it may take. */
static atomic_uint_least64_t *noted_place(uint64_t hash, uint64_t mark)
{
	atomic_uint_least64_t *way = noted_at[hash % NOTED_SETS], *oldest = way;
	uint64_t most = 0;

	for (int i = 0; i < NOTED_WAYS; i++) {
		uint64_t other = atomic_load(&way[i]);
		/* One more: a session whose turn began earlier may be ahead by one. */
		uint64_t age = (mark + 1 - other) & NOTED_TURN;

		if (other == mark)
			return &way[i];
		if (age > most) {
			most = age;
			oldest = &way[i];
		}
	}
	return oldest;
}

bool noted_is_due(const struct auth *auth, const struct caller *caller, const char *handle)
{
	uint64_t hash = hash_bytes(0, handle, strlen(handle));
	uint64_t turn_ms = (uint64_t)auth->settings->session.seen_every * 1000;
	/* The sessions' turns begin one after the other, or all would be noted at once. */
	uint64_t turn = ((uint64_t)clock_mono_ms() + hash % turn_ms) / turn_ms + 1;
	uint64_t mark = (hash & ~(uint64_t)NOTED_TURN) | (turn & NOTED_TURN);
	atomic_uint_least64_t *place = noted_place(hash, mark);

	if (caller->look_only || atomic_load(place) == mark)
		return false;
	if (caller->patience == CALLER_WAITS)
		atomic_store(place, mark);
	return true;
}
