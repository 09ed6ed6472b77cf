/* A refresh token used twice means that somebody has a copy. What follows beyond the end of that
 * session: [session] on_reuse = user ends all of the user's; the user is told at the next sign-in;
 * and refreshing that is merely unusual is reported.
 *
 * Thresholds, per session and window of an hour: rotations more than four times as often as the
 * access token's life asks for (and 20 more); more than 200 repeats within the grace; more than 5
 * changes of the address prefix. Each is reported once a window as refresh.unusual, in the log and
 * in dw:events, and changes nothing by itself. */
#ifndef DOORWARD_AUTH_THEFT_H
#define DOORWARD_AUTH_THEFT_H

#include <stdbool.h>
#include <stdint.h>

struct auth;
struct caller;
struct rotation_outcome;
struct settings;
struct user_id;

enum { THEFT_WINDOW_SEC = 3600, THEFT_USUAL_REPEATS = 200, THEFT_USUAL_PLACES = 5 };

int64_t theft_usual_rotations(const struct settings *settings);
/* what: "often", "repeats" or "places". */
void theft_report_unusual(const struct auth *auth, const struct caller *caller,
	const struct rotation_outcome *outcome, const char *what);

/* After a reuse: ends the user's other sessions where the settings say so, and leaves a notice
 * (dw:notice:{uid}, 30 days). Best effort: the session itself has ended already. */
void theft_react(const struct auth *auth, const struct caller *caller, const struct user_id *uid);

struct theft_notice {
	int64_t at; /* seconds since 1970; 0: there is no notice */
	const char *device, *address; /* who presented the old token; "" when unknown */
};
/* Best effort: no notice when the store does not answer. */
void theft_find_notice(const struct auth *auth, const struct caller *caller,
	const struct user_id *uid, struct theft_notice *out);
/* The user has read it. */
void theft_forget_notice(
	const struct auth *auth, const struct caller *caller, const struct user_id *uid);

#endif
