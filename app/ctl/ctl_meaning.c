#include "ctl/ctl_meaning.h"

static const char *const meanings[REASON_COUNT] = {
	[REASON_OK] = "nothing is wrong",
	[REASON_NO_TOKEN] = "no access token was sent",
	[REASON_MALFORMED] = "this is no token of ours: cut short, altered, or something else",
	[REASON_BAD_SIGNATURE] = "the signature is wrong: altered, or signed by somebody else",
	[REASON_UNKNOWN_KEY] = "its key is not on this machine: another site's, or a retired one",
	[REASON_WRONG_ISSUER] = "made for another [token] issuer",
	[REASON_WRONG_AUDIENCE] = "made for another [token] audience",
	[REASON_NOT_YET_VALID] = "it is of the future: do the clocks of the machines agree?",
	[REASON_EXPIRED] = "its time is over; a browser gets a new one with its refresh token",
	[REASON_SESSION_ENDED] = "the session is over: signed out, unused for too long, or ended",
	[REASON_TOKEN_REVOKED] = "this one token was denied",
	[REASON_VERSION_SUPERSEDED] = "all sessions of the user, or of everybody, were ended since",
	[REASON_IDLE_TIMEOUT] = "the session was unused for too long",
	[REASON_ABSOLUTE_TIMEOUT] = "the session reached its absolute end",
	[REASON_CONTEXT_CHANGED] =
		"the browser or its address changed, and [session] bind forbids it",
	[REASON_USER_DISABLED] = "the user is disabled, or there is no such user any more",
	[REASON_REFRESH_REUSED] = "this refresh token was used before: somebody has a copy",
	[REASON_ROLE_MISSING] = "the rule asks for what the user has not",
	[REASON_STORE_UNAVAILABLE] = "Redis did not answer",
	[REASON_THROTTLED] = "too many sign-in attempts",
	[REASON_BAD_CREDENTIALS] = "the name or the password is wrong",
	[REASON_CSRF] = "the form did not come from our own page",
	[REASON_DUPLICATE_COOKIE] =
		"the cookie was sent twice, which one to believe cannot be known",
};

const char *ctl_meaning_of(enum reason reason)
{
	return reason < REASON_COUNT && meanings[reason] ? meanings[reason] : "";
}
