#include "auth/user.h"

#include <string.h>

#include "auth/auth.h"
#include "auth/name.h"
#include "auth/scan.h"
#include "auth/userfile.h"
#include "base/arena.h"
#include "base/crypto.h"
#include "base/encode.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/settings.h"
#include "store/store.h"

enum { USER_ID_BYTES = 16, USER_ROLE_MAX = 64, USER_WALK_BYTES = 64 << 20, USER_OWN_NAMES = 1024 };

/* Redis' own limit for HINCRBY is higher; this one is exact in Lua and JSON as well. */
static const long long user_ver_max = (1LL << 53) - 1;

bool user_normalise(const char *typed, char out[USER_NAME_MAX + 1])
{
	return name_fold(typed, USER_TYPED_MAX, out, USER_NAME_MAX + 1);
}

void user_id_of(const char *normalised, struct user_id *out)
{
	uint8_t digest[CRYPTO_SHA256_BYTES];

	crypto_sha256(digest, normalised, strlen(normalised));
	encode_base64url(out->text, digest, USER_ID_BYTES);
}

bool user_is_role(const char *role, size_t len)
{
	if (len == 0 || len > USER_ROLE_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)role[i], lower = c | 0x20;
		if (!(lower >= 'a' && lower <= 'z') && !(c >= '0' && c <= '9') && c != '.' &&
			c != '_' && c != '-')
			return false;
	}
	return true;
}

bool user_has_role(const char *roles, const char *role, size_t role_len)
{
	if (role_len == 0)
		return false;
	for (;;) {
		size_t len = strcspn(roles, ",");
		if (len == role_len && memcmp(roles, role, len) == 0)
			return true;
		if (!roles[len])
			return false;
		roles += len + 1;
	}
}

/* ---- reading ---- */

static bool user_source_is_file(const struct auth *auth)
{
	return auth->settings->users.source == SETTINGS_USERS_FILE;
}

bool user_is_disabled_by(const char *field)
{
	return field && *field && strcmp(field, "0") != 0;
}

bool user_add_ver(const char *text, int64_t *ver)
{
	long long number = 0;

	if (text && !encode_parse_uint(text, 0, user_ver_max, &number))
		return false;
	*ver += number;
	return true;
}

/* A name's uid is always the same: where a name is not plain, normalising and hashing it for each
 * check would cost more than all the rest of the check. Of each thread, so that nobody waits. */
static _Thread_local struct user_own_name {
	struct user_id id;
	char name[USER_NAME_MAX + 1]; /* normalised */
} user_own_names[USER_OWN_NAMES];

bool user_name_is_own(
	const char *name, const struct user_id *id, char normalised[USER_NAME_MAX + 1])
{
	size_t at = hash_bytes(0, id->text, sizeof id->text) % USER_OWN_NAMES;
	struct user_own_name *own = &user_own_names[at], of_name = { .name = "" };

	if (strcmp(own->id.text, id->text) == 0 && strcmp(own->name, name) == 0) {
		memcpy(normalised, own->name, sizeof own->name);
		return true;
	}
	if (!user_normalise(name, of_name.name))
		return false;
	user_id_of(of_name.name, &of_name.id);
	memcpy(normalised, of_name.name, sizeof of_name.name);
	if (strcmp(of_name.id.text, id->text) != 0)
		return false;
	*own = of_name;
	return true;
}

static enum user_result user_read_file(
	const struct auth *auth, const struct caller *caller, struct user *out)
{
	struct userfile_entry entry;

	if (!userfile_find_id(auth->userfile, caller->arena, out->id.text, &entry))
		return USER_UNKNOWN;
	out->name = entry.name;
	out->password = entry.hash;
	out->roles = entry.roles;
	return USER_OK;
}

/* Of HMGET name password roles ver disabled created. */
static enum user_result user_read_record(
	const struct store_value *record, struct arena *arena, struct user *out)
{
	const char *name = store_item_text(record, 0), *roles = store_item_text(record, 2);
	char normalised[USER_NAME_MAX + 1];

	if (!name)
		return USER_UNKNOWN;
	if (!user_name_is_own(name, &out->id, normalised)) {
		log_error("the record of user %s has a name that is not its own", out->id.text);
		return USER_FAULT;
	}
	out->name = arena_strdup(arena, normalised);
	out->password = store_item_text(record, 1);
	out->roles = roles ? roles : "";
	out->created = store_item_int(record, 5, 0);
	return USER_OK;
}

static enum user_result user_read(const struct auth *auth, const struct caller *caller,
	const struct store_value *record, const struct store_value *realm, struct user *out)
{
	const char *disabled = store_item_text(record, 4);
	enum user_result result = user_source_is_file(auth)
					  ? user_read_file(auth, caller, out)
					  : user_read_record(record, caller->arena, out);

	if (result != USER_OK)
		return result;
	/* Whatever stands there but "0" was meant to keep somebody out. */
	out->disabled = user_is_disabled_by(disabled);
	if (!user_add_ver(store_item_text(record, 3), &out->ver) ||
		!user_add_ver(realm->type == STORE_TEXT ? realm->text : NULL, &out->ver)) {
		log_error("the version of user %s, or of the realm, is no number", out->id.text);
		return USER_FAULT;
	}
	return USER_OK;
}

static struct store_command user_read_command(
	const struct auth *auth, struct arena *arena, const struct user_id *id)
{
	return store_read("HMGET", store_key_user(auth->store, arena, id->text), "name", "password",
		"roles", "ver", "disabled", "created", NULL);
}

static struct store_command user_realm_command(const struct auth *auth, struct arena *arena)
{
	return store_read("HGET", store_key(auth->store, arena, "realm"), "ver", NULL);
}

static enum user_result user_fetch(
	const struct auth *auth, const struct caller *caller, struct user *out)
{
	struct arena *arena = caller->arena;
	struct store_value replies[2] = { 0 };
	struct store_command commands[2] = {
		user_read_command(auth, arena, &out->id),
		user_realm_command(auth, arena),
	};

	if (store_run(auth->store, arena, caller->deadline, commands, replies, 2) != STORE_OK)
		return USER_FAULT;
	return user_read(auth, caller, &replies[0], &replies[1], out);
}

enum user_result user_find(const struct auth *auth, const struct caller *caller,
	const char *normalised, struct user *out)
{
	*out = (struct user){ .name = arena_strdup(caller->arena, normalised), .roles = "" };
	user_id_of(normalised, &out->id);
	return user_fetch(auth, caller, out);
}

enum user_result user_find_id(const struct auth *auth, const struct caller *caller,
	const struct user_id *id, struct user *out)
{
	*out = (struct user){ .id = *id, .name = "", .roles = "" };
	return user_fetch(auth, caller, out);
}

/* ---- all of them ---- */

struct user_walk {
	const struct auth *auth;
	struct caller caller; /* with an arena of a batch's life */
	size_t prefix_len; /* of "dw:user:{" */
	user_visitor *visit;
	void *context;
};

/* The uid between the braces of a key; other programs may have made keys that look like ours. */
static bool user_id_of_key(const char *key, size_t prefix_len, struct user_id *out)
{
	if (strlen(key) != prefix_len + sizeof out->text || key[strlen(key) - 1] != '}')
		return false;
	memcpy(out->text, key + prefix_len, sizeof out->text - 1);
	out->text[sizeof out->text - 1] = '\0';
	return true;
}

/* One record that cannot be read (it was logged) does not hide the others. */
static bool user_walk_keys(const char *const *keys, size_t count, void *context)
{
	struct user_walk *walk = context;
	struct arena *arena = walk->caller.arena;
	struct store_command *commands = arena_alloc(arena, (count + 1) * sizeof *commands);
	struct store_value *replies = arena_alloc(arena, (count + 1) * sizeof *replies);
	struct user *users = arena_alloc(arena, (count + 1) * sizeof *users);
	size_t used = 0;

	for (size_t i = 0; i < count; i++)
		if (user_id_of_key(keys[i], walk->prefix_len, &users[used].id)) {
			commands[used] = user_read_command(walk->auth, arena, &users[used].id);
			used++;
		}
	commands[used] = user_realm_command(walk->auth, arena);
	bool ok = store_run(walk->auth->store, arena, walk->caller.deadline, commands, replies,
			  used + 1) == STORE_OK;
	for (size_t i = 0; ok && i < used; i++)
		if (user_read(walk->auth, &walk->caller, &replies[i], &replies[used], &users[i]) ==
			USER_OK)
			walk->visit(&users[i], walk->context);
	arena_reset(arena);
	return ok;
}

static bool user_walk_file(struct user_walk *walk)
{
	struct arena *arena = walk->caller.arena;
	const char *name;
	struct user user;
	bool ok = true;

	for (size_t i = 0; ok && (name = userfile_name_at(walk->auth->userfile, arena, i)); i++) {
		enum user_result result = user_find(walk->auth, &walk->caller, name, &user);
		ok = result != USER_FAULT;
		if (result == USER_OK)
			walk->visit(&user, walk->context);
		arena_reset(arena);
	}
	return ok;
}

enum user_result user_each(
	const struct auth *auth, const struct caller *caller, user_visitor *visit, void *context)
{
	const char *rest = "user:{";
	struct user_walk walk = { .auth = auth,
		.caller = *caller,
		.prefix_len = strlen(store_key(auth->store, caller->arena, rest)),
		.visit = visit,
		.context = context };

	walk.caller.arena = arena_new(USER_WALK_BYTES);
	bool ok = user_source_is_file(auth) ? user_walk_file(&walk)
					    : scan_each(auth, caller, rest, user_walk_keys, &walk);
	arena_free(walk.caller.arena);
	return ok ? USER_OK : USER_FAULT;
}
