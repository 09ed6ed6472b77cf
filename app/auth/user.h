/* Accounts: one spelling per account, the record in Redis, its version.
 *
 * A record is the hash dw:user:{uid} with the fields name, password (an encoded hash), roles
 * (comma list), ver (a number, absent = 0), disabled ("1" or absent), created (seconds since
 * 1970); any further field can be handed to applications ([users] extra_fields). Any program may
 * write it; a record without a name is no user. With [users] source = file the names, hashes and
 * roles come from the files, and the record holds only ver and disabled. */
#ifndef DOORWARD_AUTH_USER_H
#define DOORWARD_AUTH_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct auth;
struct caller;
struct store_value;

enum { USER_NAME_MAX = 64 /* bytes, normalised */, USER_TYPED_MAX = 256, USER_ROLES_MAX = 32 };

/* base64url of the first 16 bytes of SHA-256 of the normalised name. */
struct user_id {
	char text[23];
};

struct user {
	struct user_id id;
	const char *name; /* normalised */
	const char *password; /* encoded hash; NULL: none, nobody can sign in by it */
	const char *roles; /* "admin,staff"; "" for none */
	int64_t ver; /* the user's plus the realm's; only ever rises */
	bool disabled;
	int64_t created;
};

/* Case folded, NFC, outer spaces gone, inner runs of spaces to one. False when the result is
 * empty, too long, not UTF-8, or holds a control, invisible or unassigned character, a comma or a
 * colon. */
bool user_normalise(const char *typed, char out[USER_NAME_MAX + 1]);
void user_id_of(const char *normalised, struct user_id *out);
/* A uid is a digest of a name: a record that says another name would hand out somebody else's. */
bool user_name_is_own(
	const char *name, const struct user_id *id, char normalised[USER_NAME_MAX + 1]);
/* What the field disabled says; NULL: absent. Whatever is written there, unless it says no. */
bool user_is_disabled_by(const char *field);
/* Adds a version as the store has it (NULL: absent, 0); false when it is no version. */
bool user_add_ver(const char *text, int64_t *ver);
/* A role is [A-Za-z0-9._-]{1,64}. */
bool user_is_role(const char *role, size_t len);
/* `roles` (comma list) holds role, whole and case sensitive. */
bool user_has_role(const char *roles, const char *role, size_t role_len);

enum user_result { USER_OK, USER_UNKNOWN, USER_EXISTS, USER_FAULT };

/* One round trip: the record and the realm's version. out->id and out->name are set in any case.
 * A record whose ver is no number, or whose name belongs to another uid, is USER_FAULT. */
enum user_result user_find(const struct auth *auth, const struct caller *caller,
	const char *normalised, struct user *out);
/* The same for a uid; out->name is the record's ("" for USER_UNKNOWN). */
enum user_result user_find_id(const struct auth *auth, const struct caller *caller,
	const struct user_id *id, struct user *out);

/* Administration. Passwords come as encoded hashes. With users from a file only "disabled" and the
 * version can be changed; the rest is USER_FAULT, and logged.
 * user_add: name normalised; USER_EXISTS when there is one. ver begins at the clock (ms), so that
 * an account made anew never accepts what was issued to the deleted one. */
enum user_result user_add(const struct auth *auth, const struct caller *caller, const char *name,
	const char *password, const char *roles);
/* Sets field (one of "password" "roles" "disabled") of an existing user. value "" deletes it. */
enum user_result user_update(const struct auth *auth, const struct caller *caller,
	const struct user_id *id, const char *field, const char *value);
/* The same, and raises ver: sessions and tokens issued before are refused from the next check on.
 */
enum user_result user_update_and_supersede(const struct auth *auth, const struct caller *caller,
	const struct user_id *id, const char *field, const char *value);
/* Puts roles in place of user->roles, unless somebody changed them meanwhile (USER_UNKNOWN): of two
 * administrators at once, neither undoes the other's change. */
enum user_result user_change_roles(const struct auth *auth, const struct caller *caller,
	const struct user *user, const char *roles);
/* Puts a better hash of the same password in place of user->password, unless somebody changed it
 * meanwhile (USER_UNKNOWN): an upgrade at sign-in must not undo a change of password. */
enum user_result user_upgrade_password(const struct auth *auth, const struct caller *caller,
	const struct user *user, const char *hash);
/* Raises ver only; makes the record where users come from a file. */
enum user_result user_supersede(
	const struct auth *auth, const struct caller *caller, const struct user_id *id);
/* Ends the sessions and removes the record. */
enum user_result user_delete(
	const struct auth *auth, const struct caller *caller, const struct user_id *id);
/* Calls visit for every user; order unspecified (SCAN: one that is there twice in the answers,
 * while others are being made, is visited twice). What visit gets lives until it returns. */
typedef void user_visitor(const struct user *user, void *context);
enum user_result user_each(
	const struct auth *auth, const struct caller *caller, user_visitor *visit, void *context);
/* Raises the realm's version: every session and token of everybody is refused from now on. */
enum user_result user_supersede_all(const struct auth *auth, const struct caller *caller);

#endif
