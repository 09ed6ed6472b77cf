#include "auth/credentials.h"

#include <string.h>

#include "auth/audit.h"
#include "auth/auth.h"
#include "auth/password.h"
#include "auth/throttle.h"
#include "auth/userfile.h"
#include "base/arena.h"
#include "base/settings.h"

/* One sign-in on its way. */
struct attempt {
	const struct auth *auth;
	const struct caller *caller;
	const struct credentials *given;
	const char *name; /* normalised, or what stands for it */
	struct user user;
	bool known;
};

/* What cannot be a name takes the same road as a name that nobody has, under a text that no name
 * can be: a comma and a digest. */
static const char *credentials_name(struct arena *arena, const char *typed)
{
	char normalised[USER_NAME_MAX + 1];
	struct user_id of_typed;

	if (user_normalise(typed, normalised))
		return arena_strdup(arena, normalised);
	user_id_of(typed, &of_typed);
	return arena_printf(arena, ",%s", of_typed.text);
}

/* The name of a user that exists is written; anything else typed there may be a password in the
 * wrong field, and the uid is its digest. */
static struct audit credentials_audit(
	const struct attempt *attempt, const char *event, enum reason reason, const char *detail)
{
	return (struct audit){ .event = event,
		.reason = reason,
		.user = attempt->known ? attempt->user.name : NULL,
		.uid = attempt->user.id.text,
		.detail = detail };
}

/* In the log only: throttled attempts are without number, and must not push the others out of the
 * stream. */
static enum credentials_result credentials_throttled(const struct attempt *attempt)
{
	struct audit audit = credentials_audit(attempt, "login.throttled", REASON_THROTTLED, NULL);

	audit_log(attempt->caller, &audit);
	return CREDENTIALS_THROTTLED;
}

static enum credentials_result credentials_fault(
	const struct attempt *attempt, enum reason reason, const char *detail)
{
	struct audit audit = credentials_audit(attempt, "login.fault", reason, detail);

	audit_log(attempt->caller, &audit);
	return CREDENTIALS_FAULT;
}

static enum credentials_result credentials_refuse(const struct attempt *attempt, enum reason reason)
{
	const char *detail = attempt->known ? NULL : "no such user";
	struct audit audit = credentials_audit(attempt, "login.refused", reason, detail);

	audit_publish(attempt->auth, attempt->caller, &audit);
	return CREDENTIALS_REFUSED;
}

/* The endpoint answers 413 before it comes to this. Nothing was computed and nothing counted, so it
 * goes to the log only. */
static enum credentials_result credentials_refuse_overlong(const struct attempt *attempt)
{
	struct audit audit = credentials_audit(
		attempt, "login.refused", REASON_BAD_CREDENTIALS, "the password is too long");

	audit_log(attempt->caller, &audit);
	return CREDENTIALS_REFUSED;
}

/* Best effort: the next sign-in tries again. */
static void credentials_upgrade(const struct attempt *attempt)
{
	char hash[PASSWORD_HASH_MAX];

	if (attempt->auth->settings->users.source == SETTINGS_USERS_FILE ||
		!password_is_outdated(attempt->user.password))
		return;
	if (password_make(attempt->given->password, attempt->given->password_len, hash) ==
		PASSWORD_OK)
		(void)user_upgrade_password(attempt->auth, attempt->caller, &attempt->user, hash);
}

static enum credentials_result credentials_accept(const struct attempt *attempt, struct user *out)
{
	struct audit audit = credentials_audit(attempt, "login.ok", REASON_OK, NULL);

	throttle_give(attempt->auth, attempt->caller, attempt->name, true);
	credentials_upgrade(attempt);
	audit_publish(attempt->auth, attempt->caller, &audit);
	*out = attempt->user;
	return CREDENTIALS_OK;
}

/* What could not be judged is no failed attempt. */
static enum credentials_result credentials_judge(struct attempt *attempt, struct user *out)
{
	const struct auth *auth = attempt->auth;
	const struct caller *caller = attempt->caller;
	const struct credentials *given = attempt->given;
	enum user_result found = user_find(auth, caller, attempt->name, &attempt->user);

	if (found == USER_FAULT) {
		throttle_give(auth, caller, attempt->name, false);
		return credentials_fault(attempt, REASON_STORE_UNAVAILABLE, NULL);
	}
	attempt->known = found == USER_OK;
	const char *like = auth->userfile
				   ? userfile_any_hash(auth->userfile, caller->arena, attempt->name)
				   : NULL;
	switch (password_verify(attempt->known ? attempt->user.password : NULL, like,
		given->password, given->password_len)) {
	case PASSWORD_OK:
		/* The password first: that somebody is disabled is told to nobody, by time either.
		 */
		return attempt->user.disabled ? credentials_refuse(attempt, REASON_USER_DISABLED)
					      : credentials_accept(attempt, out);
	case PASSWORD_WRONG:
		return credentials_refuse(attempt, REASON_BAD_CREDENTIALS);
	case PASSWORD_BUSY:
		throttle_give(auth, caller, attempt->name, false);
		credentials_fault(attempt, REASON_OK, "too many password hashes at once");
		return CREDENTIALS_BUSY;
	case PASSWORD_FAULT:
		break;
	}
	throttle_give(auth, caller, attempt->name, false);
	return credentials_fault(attempt, REASON_OK, "the password hash cannot be computed");
}

enum credentials_result credentials_check(const struct auth *auth, const struct caller *caller,
	const struct credentials *given, struct user *out, int64_t *retry_after_sec)
{
	struct attempt attempt = { .auth = auth,
		.caller = caller,
		.given = given,
		.name = credentials_name(caller->arena, given->username) };

	*retry_after_sec = 0;
	user_id_of(attempt.name, &attempt.user.id);
	if (given->password_len > PASSWORD_MAX_BYTES)
		return credentials_refuse_overlong(&attempt);
	switch (throttle_take(auth, caller, attempt.name, retry_after_sec)) {
	case THROTTLE_OK:
		return credentials_judge(&attempt, out);
	case THROTTLE_REFUSED:
		return credentials_throttled(&attempt);
	case THROTTLE_FAULT:
		break;
	}
	return credentials_fault(&attempt, REASON_STORE_UNAVAILABLE, NULL);
}
