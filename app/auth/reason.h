/* Why a request is not simply "yes": one list makes the enum and the stable codes that stand in
 * JSON, log, metrics and explain. A program may rely on the codes. */
#ifndef DOORWARD_AUTH_REASON_H
#define DOORWARD_AUTH_REASON_H

#include <stdbool.h>

#define REASON_LIST(X)                                                                             \
	X(REASON_OK, "ok")                                                                         \
	X(REASON_NO_TOKEN, "no_token")                                                             \
	X(REASON_MALFORMED, "malformed")                                                           \
	X(REASON_BAD_SIGNATURE, "bad_signature")                                                   \
	X(REASON_UNKNOWN_KEY, "unknown_key")                                                       \
	X(REASON_WRONG_ISSUER, "wrong_issuer")                                                     \
	X(REASON_WRONG_AUDIENCE, "wrong_audience")                                                 \
	X(REASON_NOT_YET_VALID, "not_yet_valid")                                                   \
	X(REASON_EXPIRED, "expired")                                                               \
	X(REASON_SESSION_ENDED, "session_ended")                                                   \
	X(REASON_TOKEN_REVOKED, "token_revoked")                                                   \
	X(REASON_VERSION_SUPERSEDED, "version_superseded")                                         \
	X(REASON_IDLE_TIMEOUT, "idle_timeout")                                                     \
	X(REASON_ABSOLUTE_TIMEOUT, "absolute_timeout")                                             \
	X(REASON_CONTEXT_CHANGED, "context_changed")                                               \
	X(REASON_USER_DISABLED, "user_disabled")                                                   \
	X(REASON_REFRESH_REUSED, "refresh_reused")                                                 \
	X(REASON_ROLE_MISSING, "role_missing")                                                     \
	X(REASON_STORE_UNAVAILABLE, "store_unavailable")                                           \
	X(REASON_THROTTLED, "throttled")                                                           \
	X(REASON_BAD_CREDENTIALS, "bad_credentials")                                               \
	X(REASON_CSRF, "csrf")                                                                     \
	X(REASON_DUPLICATE_COOKIE, "duplicate_cookie")

#define REASON_ENUM(name, code) name,
enum reason { REASON_LIST(REASON_ENUM) REASON_COUNT };
#undef REASON_ENUM

const char *reason_code(enum reason reason);
/* True where a new access token can be had with the refresh token: nothing says that the session
 * is over. */
bool reason_is_refreshable(enum reason reason);

#endif
