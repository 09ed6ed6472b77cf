#include "ctl/ctl_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/keyfile.h"
#include "auth/keys.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/settings.h"
#include "ctl/ctl_list.h"
#include "ctl/ctl_output.h"

enum { KEY_ERROR_MAX = 2048, KEY_ROTATE_IN_SEC = 600, KEY_ROTATE_MAX_SEC = 90 * 86400 };

static bool read_alg(const struct ctl *ctl, enum crypto_alg otherwise, enum crypto_alg *out)
{
	const char *text = ctl_args_value(&ctl->args, "alg");

	*out = otherwise;
	if (!text)
		return true;
	for (int alg = CRYPTO_RS256; alg <= CRYPTO_ES256; alg++) {
		*out = (enum crypto_alg)alg;
		if (strcmp(text, crypto_alg_name(*out)) == 0)
			return true;
	}
	ctl_refuse("--alg is RS256 or ES256");
	return false;
}

/* "10m", "600": seconds. */
static bool read_span(const char *text, int64_t *out)
{
	static const char units[] = "smhd";
	static const int64_t seconds[] = { 1, 60, 3600, 86400 };
	char digits[16];
	long long number = 0;
	size_t len = strspn(text, "0123456789");
	const char *unit = text[len] ? strchr(units, text[len]) : units;

	if (!unit || (text[len] && text[len + 1]))
		return false;
	snprintf(digits, sizeof digits, "%.*s", (int)len, text);
	if (!encode_parse_uint(digits, 0, KEY_ROTATE_MAX_SEC, &number))
		return false;
	*out = number * seconds[unit - units];
	return *out <= KEY_ROTATE_MAX_SEC;
}

/* Is there a file of a signing key that should be in use now? Then keys_load's complaint is about
 * a key, and one more key would not mend it. */
static bool has_key_file(const char *path)
{
	char error[KEY_ERROR_MAX];
	struct keyfile_dir dir;
	struct keyfile file;
	const struct dirent *entry;
	bool found = false;

	if (!keyfile_open(&dir, path, error, sizeof error))
		return false;
	while (!found && (entry = readdir(dir.stream)) != NULL)
		found = keyfile_parse_name(entry->d_name, &file) == KEYFILE_SIGN &&
			file.from_sec <= clock_now_sec();
	keyfile_close(&dir);
	return found;
}

/* keys_make gives the files to the owner of the directory: that must not be root by accident. */
static const char *owner_hint(struct arena *arena, const char *path)
{
	struct stat info;

	if (geteuid() != 0 || stat(path, &info) != 0 || info.st_uid != 0)
		return "";
	return arena_printf(arena,
		"\nThey belong to root, as %s does. If Doorward runs as another user: chown -R USER %s",
		path, path);
}

enum ctl_status ctl_key_new(struct ctl *ctl)
{
	const char *path = ctl->settings->token.keys_dir;
	char error[KEY_ERROR_MAX] = "", kid[KEYS_KID_LEN + 1];
	struct keys *keys = NULL;
	enum crypto_alg alg;

	if (!read_alg(ctl, CRYPTO_RS256, &alg))
		return CTL_USAGE;
	if ((keys = keys_load(path, error, sizeof error)) != NULL) {
		keys_free(keys);
		return ctl_refuse(
			"%s holds keys already; for the next one: doorwardctl keys rotate", path);
	}
	if (has_key_file(path))
		return ctl_refuse("%s", error);
	/* From the beginning of time: a machine whose clock is behind must start with it too. */
	if (!keys_make(path, alg, 0, kid, error, sizeof error))
		return ctl_refuse("%s", error);
	/* It may be that Redis is not there yet; a first key is no news to anyone in the stream. */
	ctl_audit_log(ctl, "admin.key_added", arena_printf(ctl->caller.arena, "kid %s", kid));
	struct json *object = json_set(json_object(), "kid", json_text(kid));
	json_set(object, "alg", json_text(crypto_alg_name(alg)));
	ctl_output_result(ctl, json_set(object, "dir", json_text(path)),
		"made the first keys in %s: %s %s, and one for refresh tokens%s", path,
		crypto_alg_name(alg), kid, owner_hint(ctl->caller.arena, path));
	return CTL_OK;
}

enum ctl_status ctl_key_rotate(struct ctl *ctl)
{
	const char *path = ctl->settings->token.keys_dir, *in = ctl_args_value(&ctl->args, "in");
	struct arena *arena = ctl->caller.arena;
	const struct keys_sign *newest = keys_at(ctl->auth.keys, keys_count(ctl->auth.keys) - 1);
	char error[KEY_ERROR_MAX] = "", kid[KEYS_KID_LEN + 1];
	int64_t in_sec = KEY_ROTATE_IN_SEC;
	enum crypto_alg alg;

	if (!read_alg(ctl, crypto_key_alg(newest->key), &alg))
		return CTL_USAGE;
	if (in && !read_span(in, &in_sec)) {
		ctl_refuse("--in is a time such as 600, 10m, 2h, at most 90d");
		return CTL_USAGE;
	}
	int64_t from_sec = clock_now_sec() + in_sec;
	if (newest->from_sec > clock_now_sec())
		return ctl_refuse("the next key %s is there already, it is used from %s on",
			newest->kid, ctl_output_time(arena, newest->from_sec));
	if (!keys_make(path, alg, from_sec, kid, error, sizeof error))
		return ctl_refuse("%s", error);
	const char *from = ctl_output_time(arena, from_sec);
	ctl_audit(ctl, "admin.key_added", NULL, NULL,
		arena_printf(arena, "kid %s, from %s", kid, from));
	struct json *object = json_set(json_object(), "kid", json_text(kid));
	json_set(object, "alg", json_text(crypto_alg_name(alg)));
	ctl_output_result(ctl, json_set(object, "from", json_int(from_sec)),
		"made the next keys in %s: %s %s, used from %s on.\n"
		"Before then copy them to every machine and reload Doorward there (systemctl reload "
		"doorward):\na machine that does not know a key refuses what it signed.",
		path, crypto_alg_name(alg), kid, from);
	return CTL_OK;
}

/* When the last token that the key signed has expired; 0: it may still sign. */
static int64_t needed_until(const struct ctl *ctl, size_t index)
{
	const struct settings *set = ctl->settings;
	int64_t life = set->session.style == SETTINGS_STYLE_ROTATE ? set->session.access_lifetime
		       : set->session.remember_absolute > set->session.absolute_timeout
			       ? set->session.remember_absolute
			       : set->session.absolute_timeout;

	for (size_t i = index + 1; i < keys_count(ctl->auth.keys); i++) {
		const struct keys_sign *next = keys_at(ctl->auth.keys, i);

		if (next->pem)
			return next->from_sec + life;
	}
	return 0;
}

static const char *state_of(struct ctl *ctl, size_t index)
{
	const struct keys_sign *key = keys_at(ctl->auth.keys, index);
	int64_t now = clock_now_sec(), until = needed_until(ctl, index);

	if (key == keys_signing_at(ctl->auth.keys, now))
		return "signs";
	if (key->pem && key->from_sec > now)
		return "next";
	return until > now ? "verifies" : "may be retired";
}

enum ctl_status ctl_key_retire(struct ctl *ctl)
{
	const char *path = ctl->settings->token.keys_dir, *kid = ctl->args.word[0];
	char error[KEY_ERROR_MAX] = "";
	int64_t until = 0;

	for (size_t i = 0; i < keys_count(ctl->auth.keys); i++)
		if (strcmp(keys_at(ctl->auth.keys, i)->kid, kid) == 0)
			until = needed_until(ctl, i);
	if (!keys_retire(path, kid, error, sizeof error))
		return ctl_refuse("%s", error);
	struct arena *arena = ctl->caller.arena;
	ctl_audit(ctl, "admin.key_retired", NULL, NULL, arena_printf(arena, "kid %s", kid));
	const char *early = until > clock_now_sec()
				    ? arena_printf(arena, " Some would have lived until %s.",
					      ctl_output_time(arena, until))
				    : "";
	ctl_output_result(ctl, json_set(json_object(), "retired", json_text(kid)),
		"%s is removed from %s.\nRemove it from every machine and reload Doorward there: from "
		"then on the tokens that it signed are refused.%s",
		kid, path, early);
	return CTL_OK;
}

enum ctl_status ctl_key_list(struct ctl *ctl)
{
	static const struct ctl_list_column columns[] = { { "FROM", "from", CTL_LIST_TIME },
		{ "KID", "kid", CTL_LIST_TEXT }, { "ALG", "alg", CTL_LIST_TEXT },
		{ "BITS", "bits", CTL_LIST_TEXT }, { "STATE", "state", CTL_LIST_TEXT },
		{ "NEEDED UNTIL", "needed_until", CTL_LIST_TIME }, { NULL, NULL, CTL_LIST_TEXT } };
	struct ctl_list *list = ctl_list_new(ctl, columns);

	for (size_t i = 0; i < keys_count(ctl->auth.keys); i++) {
		const struct keys_sign *key = keys_at(ctl->auth.keys, i);
		struct json *row = json_set(json_object(), "kid", json_text(key->kid));

		json_set(row, "alg", json_text(crypto_alg_name(crypto_key_alg(key->key))));
		json_set(row, "bits", json_int(crypto_key_bits(key->key)));
		json_set(row, "from", json_int(key->from_sec));
		json_set(row, "private", json_bool(key->pem != NULL));
		json_set(row, "needed_until", json_int(needed_until(ctl, i)));
		ctl_list_add(list, json_set(row, "state", json_text(state_of(ctl, i))));
	}
	ctl_list_end(list, NULL);
	return CTL_OK;
}
