/* What the store last said of sessions and their users, for the time when it says nothing
 * ([failure] on_store_failure = stale). A look at it is no look at the store: it is asked on a
 * fault alone, and only where a rule allows that.
 *
 * A session counts for so long after it was last seen alive, by the monotonic clock. What was last
 * seen ended, denied or disabled counts no more, for none of the user's sessions where it concerns
 * the user. Bounded; belongs to one set of settings (a reload begins anew). Every function takes
 * NULL: then nothing is kept. */
#ifndef DOORWARD_AUTH_KNOWN_H
#define DOORWARD_AUTH_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct facts;
struct known;
struct token;

/* For so many sessions and users together. */
struct known *known_new(size_t max_entries);
void known_free(struct known *known);

/* The store said so when it was asked at asked_ms (clock_mono_ms), or the mirror for it. */
void known_note(struct known *known, const struct token *token, const struct facts *facts,
	int64_t asked_ms);
/* Somebody wants that session, or all of the user's, to be over, or its record cannot be believed.
 */
void known_end_session(struct known *known, const char *uid, const char *handle);
void known_end_user(struct known *known, const char *uid);

struct known_answer {
	struct facts *facts; /* filled, in the arena */
	bool tell; /* the first time in a minute for this session */
};
/* True when the token's session was seen alive less than max_age_sec ago and nothing that speaks
 * against it was seen since. The facts are still to be judged. */
bool known_find(struct known *known, struct arena *arena, const struct token *token,
	int64_t max_age_sec, struct known_answer *out);

#endif
