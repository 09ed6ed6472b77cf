/* What the store knows about the bearer of an access token, read in one round trip: the session,
 * the user, the denylist, the realm. The check decides on these alone, so whoever can supply them
 * from nearer by (a mirror) needs to change nothing else. */
#ifndef DOORWARD_AUTH_FACTS_H
#define DOORWARD_AUTH_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/token.h"

struct auth;
struct caller;

/* A field of [users] extra_fields and what the record has there; NULL: absent. */
struct facts_extra {
	const char *field, *value;
};

struct facts {
	bool session_lives;
	bool session_ended_elsewhere; /* by the limit on sessions: its browser may be told */
	const char *context; /* of the last rotation */
	int64_t session_ver;
	int64_t absolute_end;
	int64_t left_sec; /* until the record expires */
	int64_t idle_sec; /* its idle timeout */
	bool sliding;
	bool denied; /* this token's jti */
	bool user_exists;
	bool user_disabled;
	const char *name, *roles; /* never NULL */
	int64_t ver; /* the user's plus the realm's */
	int64_t realm_ver;
	const struct facts_extra *extra;
	size_t extra_count;
};

enum facts_result { FACTS_OK, FACTS_FAULT };

/* Also learns the store's time, and notes, at most once a minute and session, when and from where
 * it was used. */
enum facts_result facts_read(const struct auth *auth, const struct caller *caller,
	const struct token *token, struct facts *out);

/* For several at once in one round trip (store_is_one_server): the next facts_read of each caller
 * finds its answer there, in the memory of the first caller. A fault leaves no answer, so that each
 * asks for itself. */
struct facts_question {
	struct caller *caller;
	struct token token;
};
void facts_ask_ahead(const struct auth *auth, const struct facts_question *questions, size_t count);

/* False for a hurried caller whose session's use is to be noted: that is for one who waits. */
bool facts_may_ask(const struct auth *auth, const struct caller *caller, const struct token *token);

/* When the store is asked for what the next facts_read tells: monotonic, never later. */
int64_t facts_asked_ms(const struct caller *caller);

/* Asks the store what time it is. */
enum facts_result facts_learn_clock(const struct auth *auth, const struct caller *caller);

/* A use prolongs the session when less than so much is left (s): not for less than a minute's gain,
 * since each is a write and has the mirrors ask again. */
int64_t facts_renew_below(const struct auth *auth, const struct facts *facts);
/* Prolongs the session: facts->left_sec is updated. */
enum facts_result facts_renew(const struct auth *auth, const struct caller *caller,
	const struct token *token, struct facts *facts);

#endif
