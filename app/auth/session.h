/* Sessions: the record in Redis that makes a token worth anything.
 *
 * sid: 16 random bytes that only the refresh token holds. Its handle (base64url of the first 16
 * bytes of SHA-256 of the sid) stands in keys, access tokens, logs and pages: whoever reads Redis
 * or a log can sign in with none of it.
 *
 * Record dw:session:{uid}:<handle>: generation, rotated_at (ms), context, auth_time, absolute_end
 * (s), v (the version that was in force), i (s, its idle timeout), style (none: rotate), persist
 * ("1": cookies outlive the browser). It stands in Redis once for each session, so nothing in it is
 * longer than need be. All times are Redis' TIME. The key expires at the idle or the absolute end,
 * whichever is first. */
#ifndef DOORWARD_AUTH_SESSION_H
#define DOORWARD_AUTH_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/user.h"

struct auth;
struct caller;
struct arena;

enum { SESSION_SID_BYTES = 16, SESSION_CONTEXT_PART = 7, SESSION_CONTEXT_LEN = 14 };

struct session {
	struct user_id uid;
	uint8_t sid[SESSION_SID_BYTES];
	char handle[23];
	uint32_t generation;
	int64_t rotated_at_sec; /* of this generation: iat of its access token */
	int64_t now_sec; /* Redis' clock when this was read */
	int64_t auth_time;
	int64_t absolute_end; /* seconds since 1970 */
	int64_t idle_end;
	int64_t ver;
	bool persist; /* "remember me": cookies with Max-Age */
	bool sliding; /* style: one access token for the whole life, no refresh token */
};

void session_handle_of(const uint8_t sid[SESSION_SID_BYTES], char handle[23]);

/* The client context: digests of the agent and of the address prefix, SESSION_CONTEXT_PART
 * characters each. IPv4 /24, IPv6 /56. */
void session_context(const struct caller *caller, char out[SESSION_CONTEXT_LEN + 1]);
/* Is the caller, as far as bind (enum settings_bind) looks, who had that context? NULL or one of
 * another length is nobody's. */
bool session_context_fits(const struct caller *caller, const char *before, int64_t bind);

enum session_result { SESSION_OK, SESSION_LIMIT, SESSION_ABSENT, SESSION_FAULT };

struct session_wish {
	bool persist;
	const char *replaces; /* handle of the same user's session that gives way; NULL: none */
};
/* A new session with new ids, in one script: what it replaces, limits, index and record.
 * SESSION_LIMIT: max_sessions reached and on_limit = refuse. */
enum session_result session_start(const struct auth *auth, const struct caller *caller,
	const struct user *user, const struct session_wish *wish, struct session *out);
/* SESSION_OK or SESSION_ABSENT: is there one, and not marked as ended? */
enum session_result session_lives(const struct auth *auth, const struct caller *caller,
	const struct user_id *uid, const char *handle);
/* Ends one: SESSION_OK, or SESSION_ABSENT when there is none of that user (also another's). */
enum session_result session_end(const struct auth *auth, const struct caller *caller,
	const struct user_id *uid, const char *handle);
/* Ends all of a user but `keep` (NULL: really all; then ver is raised as well, so that a session
 * being made at this moment is refused too). *count may be NULL. */
enum session_result session_end_all(const struct auth *auth, const struct caller *caller,
	const struct user_id *uid, const char *keep, size_t *count);

struct session_info {
	const char *handle;
	const char *address, *agent; /* of the last use; "" when unknown */
	int64_t since, seen, end; /* seconds since 1970; seen 0: not yet */
};
enum { SESSION_LIST_MAX = 200, SESSION_BATCH = 100 };
/* Living sessions, newest first, in the caller's arena: those SESSION_LIST_MAX that end last. */
enum session_result session_list(const struct auth *auth, const struct caller *caller,
	const struct user_id *uid, struct session_info **out, size_t *count);

#endif
