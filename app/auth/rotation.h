/* Refresh tokens: base64url(version 1 ‖ MAC key id 4 ‖ uid 16 ‖ sid 16 ‖ generation 4, big endian ‖
 * HMAC-SHA-256 over all before it). The store holds only the session's current generation.
 *
 * uid stands in the token because it is part of the session's key; it is a digest. The successor
 * of a generation is made with the same MAC key, so every node hands out the same bytes. */
#ifndef DOORWARD_AUTH_ROTATION_H
#define DOORWARD_AUTH_ROTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/reason.h"
#include "auth/session.h"
#include "auth/user.h"

struct auth;
struct caller;
struct keys;

enum { ROTATION_TOKEN_BYTES = 1 + 4 + 16 + 16 + 4 + 32, ROTATION_TOKEN_LEN = 98 };

struct rotation_token {
	char text[ROTATION_TOKEN_LEN + 1];
};

struct rotation_claim {
	struct user_id uid;
	uint8_t mac_id[4];
	uint8_t sid[SESSION_SID_BYTES];
	uint32_t generation;
};

enum rotation_result {
	ROTATION_OK, /* rotated, or the same successor once more */
	ROTATION_REFUSED, /* out->why says why; the session is over for this token */
	ROTATION_FAULT, /* cannot say: the presented token stays good, change nothing */
};

struct rotation_outcome {
	enum reason why; /* with ROTATION_REFUSED */
	bool elsewhere; /* with session_ended: a newer sign-in took its place */
	struct session session; /* with ROTATION_OK, as the next two */
	struct user user;
	struct rotation_token next;
};

/* False unless the text is one of ours with a valid MAC. No I/O. */
bool rotation_parse(
	const struct keys *keys, const char *text, size_t len, struct rotation_claim *out);
/* The refresh token of a session's current generation. mac_id NULL: the current MAC key. */
bool rotation_format(const struct keys *keys, const struct session *session, const uint8_t *mac_id,
	struct rotation_token *out);
/* Presents a refresh token: one script, one round trip. Writes the audit line. With activity =
 * navigation only a navigation prolongs the session, though every one rotates. */
enum rotation_result rotation_use(const struct auth *auth, const struct caller *caller,
	const char *text, bool navigation, struct rotation_outcome *out);

#endif
