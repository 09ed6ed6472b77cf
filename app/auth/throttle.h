/* Sign-in attempts, counted per name, per address and per both, in Redis, before the password is
 * looked at: 200 parallel attempts cannot pass a limit of 10. Unknown names count alike.
 *
 * An attempt refused by one window is not counted in any.
 *
 * Keys hold a digest of the normalised name and of the address (IPv6: its /64). A window starts
 * with its first attempt and is never prolonged, so nobody is locked out for good. */
#ifndef DOORWARD_AUTH_THROTTLE_H
#define DOORWARD_AUTH_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

struct auth;
struct caller;

enum throttle_result { THROTTLE_OK, THROTTLE_REFUSED, THROTTLE_FAULT };

/* Takes one attempt from each window. `normalised` may be any text that stands for what was typed.
 * REFUSED: *retry_after_sec until an attempt is free again. */
enum throttle_result throttle_take(const struct auth *auth, const struct caller *caller,
	const char *normalised, int64_t *retry_after_sec);
/* Gives the attempt back: a sign-in that succeeded (forget: the name's failures as well), or one
 * that could not be judged. Best effort. */
void throttle_give(
	const struct auth *auth, const struct caller *caller, const char *normalised, bool forget);
/* doorwardctl unblock: forgets the windows of a name. */
enum throttle_result throttle_forget_name(
	const struct auth *auth, const struct caller *caller, const char *normalised);

#endif
