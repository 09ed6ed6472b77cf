#include "auth/reason.h"

#include <stddef.h>

const char *reason_code(enum reason reason)
{
#define REASON_CODE(name, code) [name] = (code),
	static const char *const codes[] = { REASON_LIST(REASON_CODE) };
#undef REASON_CODE
	return (size_t)reason < REASON_COUNT ? codes[reason] : "unknown";
}

bool reason_is_refreshable(enum reason reason)
{
	switch (reason) {
	case REASON_NO_TOKEN:
	case REASON_MALFORMED:
	case REASON_BAD_SIGNATURE:
	case REASON_UNKNOWN_KEY:
	case REASON_WRONG_ISSUER:
	case REASON_WRONG_AUDIENCE:
	case REASON_EXPIRED:
	case REASON_TOKEN_REVOKED:
		return true;
	/* Its successor would be as early as this one: a loop between two nodes' clocks. */
	case REASON_NOT_YET_VALID:
	/* The new cookie would not replace the second one. */
	case REASON_DUPLICATE_COOKIE:
	/* Refreshing from elsewhere would end the session of whom it belongs to. */
	case REASON_CONTEXT_CHANGED:
	case REASON_OK:
	case REASON_SESSION_ENDED:
	case REASON_VERSION_SUPERSEDED:
	case REASON_IDLE_TIMEOUT:
	case REASON_ABSOLUTE_TIMEOUT:
	case REASON_USER_DISABLED:
	case REASON_REFRESH_REUSED:
	case REASON_ROLE_MISSING:
	case REASON_STORE_UNAVAILABLE:
	case REASON_THROTTLED:
	case REASON_BAD_CREDENTIALS:
	case REASON_CSRF:
	case REASON_COUNT:
		return false;
	}
	return false;
}
