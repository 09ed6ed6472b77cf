/* The check: may this request pass? Token, session, user, realm, denylist in one round trip, then
 * the rules. */
#ifndef DOORWARD_AUTH_ACCESS_H
#define DOORWARD_AUTH_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/reason.h"
#include "auth/token.h"
#include "auth/user.h"

struct auth;
struct caller;
struct rule;

enum access_result {
	ACCESS_ALLOWED, /* identity is filled, unless anonymous */
	ACCESS_UNAUTHENTICATED, /* not signed in; `reason` says why */
	ACCESS_DENIED, /* signed in (or nobody may): role_missing */
	ACCESS_FAULT, /* store_unavailable */
};

struct access_field {
	const char *name, *value; /* AUTH_<NAME> for an extra field of the user record */
};

struct access {
	enum reason reason;
	bool anonymous; /* allowed without identity: rule anyone, or optional and not signed in */
	struct token token; /* of an identified request */
	struct user user;
	const char *missing_role; /* with ACCESS_DENIED by a role rule: what would do */
	/* The store cannot answer, and the session was alive a short time ago. */
	bool degraded;
	bool tell_degraded; /* the first time in a minute for this session */
	bool elsewhere; /* with session_ended: a newer sign-in took its place */
	int64_t idle_left_sec; /* of an identified request's session, by the store's clock */
	int64_t absolute_end; /* seconds since 1970 */
	const struct access_field *extra;
	size_t extra_count;
};

struct access_request {
	const char *token; /* access token; NULL: none was sent */
	size_t token_len;
	enum reason token_reason; /* why there is none: NO_TOKEN or DUPLICATE_COOKIE */
	const char *method;
	const char *uri; /* raw request target; NULL: ask only who it is (rule signed-in) */
	bool navigation;
	bool passive; /* a question about the session: no use of it, prolongs nothing */
};

enum access_result access_decide(const struct auth *auth, const struct caller *caller,
	const struct access_request *request, struct access *out);

/* Will access_decide ask the store? About which token is in *token; it is verified. */
bool access_will_ask(const struct auth *auth, const struct caller *caller,
	const struct access_request *request, struct token *token);

#endif
