/* One line per decision that is not a plain "yes", and per sign-in, refresh and sign-out, written
 * before the answer is sent; what matters to others also goes to the stream dw:events.
 *
 * Events: login.ok login.refused login.throttled login.fault session.started session.ended
 * refresh.ok refresh.repeated refresh.refused refresh.reused refresh.unusual refresh.fault
 * logout.ok logout.fault access.refused access.denied access.fault access.degraded csrf.refused
 * admin.<what>. Never a token, password or cookie value. */
#ifndef DOORWARD_AUTH_AUDIT_H
#define DOORWARD_AUTH_AUDIT_H

#include "auth/reason.h"

struct auth;
struct caller;

/* Any text may be NULL: left out. */
struct audit {
	const char *event;
	enum reason reason; /* REASON_OK: left out */
	const char *user; /* name, as far as known */
	const char *uid;
	const char *session; /* handle */
	const char *detail; /* our own words */
	const char *other; /* the other context in a case of reuse */
	const char *path; /* of a refused check; cut */
};

void audit_log(const struct caller *caller, const struct audit *audit);
/* The same, and into the stream (best effort, within the caller's deadline; capped, expires). */
void audit_publish(const struct auth *auth, const struct caller *caller, const struct audit *audit);

#endif
