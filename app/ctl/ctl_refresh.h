/* What would become of a refresh token, without using it: the decision of store/scripts/
 * rotation_use.lua and auth/rotation.c, read only. */
#ifndef DOORWARD_CTL_CTL_REFRESH_H
#define DOORWARD_CTL_CTL_REFRESH_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/reason.h"
#include "ctl/ctl.h"

struct json;

struct ctl_refresh {
	enum reason reason; /* REASON_OK: it would be accepted */
	bool repeated; /* accepted as a repeat, within [session] refresh_grace */
	bool genuine; /* the MAC is ours; the rest is set only then */
	char handle[23];
	struct user user;
	bool user_known;
	int64_t generation; /* of the token */
	int64_t current; /* of the session; 0 when there is none */
};

/* auth and caller as the decision would have them: with the client's address and agent. False when
 * the store failed. */
bool ctl_refresh_judge(const struct auth *auth, const struct caller *caller, const char *text,
	struct ctl_refresh *out);
void ctl_refresh_print(const struct ctl_refresh *refresh);
/* Yours. */
struct json *ctl_refresh_json(const struct ctl_refresh *refresh);

#endif
