#include "auth/throttle.h"

#include <arpa/inet.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/scan.h"
#include "base/arena.h"
#include "base/crypto.h"
#include "base/encode.h"
#include "base/settings.h"
#include "store/store.h"

/* `both` stands first and is asked alone: what it refuses never touches the other two, so that one
 * address that hammers one name neither uses up what the others have for that name, nor holds any
 * of it for a moment. */
enum { WINDOW_BOTH, WINDOW_NAME, WINDOW_ADDRESS, WINDOWS };

enum { THROTTLE_DIGEST_BYTES = 16, THROTTLE_DIGEST_LEN = 22 };

struct window {
	const char *key;
	int64_t limit;
	bool taken;
};

static void throttle_digest(char out[THROTTLE_DIGEST_LEN + 1], const void *bytes, size_t len)
{
	uint8_t digest[CRYPTO_SHA256_BYTES];

	crypto_sha256(digest, bytes, len);
	encode_base64url(out, digest, THROTTLE_DIGEST_BYTES);
}

/* Whoever has one IPv6 address has the whole /64. An IPv4 address in IPv6 form is the same one. */
static void throttle_address_digest(char out[THROTTLE_DIGEST_LEN + 1], const char *address)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	uint8_t bytes[16];

	if (inet_pton(AF_INET, address, bytes) == 1)
		throttle_digest(out, bytes, 4);
	else if (inet_pton(AF_INET6, address, bytes) != 1)
		throttle_digest(out, address, strlen(address));
	else if (memcmp(bytes, mapped, sizeof mapped) == 0)
		throttle_digest(out, bytes + sizeof mapped, 4);
	else
		throttle_digest(out, bytes, 8);
}

static void throttle_windows(const struct auth *auth, const struct caller *caller,
	const char *normalised, struct window windows[WINDOWS])
{
	struct arena *arena = caller->arena;
	char name[THROTTLE_DIGEST_LEN + 1], address[THROTTLE_DIGEST_LEN + 1];

	throttle_digest(name, normalised, strlen(normalised));
	throttle_address_digest(address, caller->address);
	const char *rest[WINDOWS] = {
		[WINDOW_BOTH] = arena_printf(arena, "throttle:both:%s%s", name, address),
		[WINDOW_NAME] = arena_printf(arena, "throttle:name:%s", name),
		[WINDOW_ADDRESS] = arena_printf(arena, "throttle:address:%s", address),
	};
	const int64_t limit[WINDOWS] = {
		[WINDOW_BOTH] = auth->settings->throttle.per_both,
		[WINDOW_NAME] = auth->settings->throttle.per_name,
		[WINDOW_ADDRESS] = auth->settings->throttle.per_address,
	};
	for (int i = 0; i < WINDOWS; i++)
		windows[i] = (struct window){ .key = store_key(auth->store, arena, rest[i]),
			.limit = limit[i] };
}

/* One attempt from each of `count` windows, in one round trip (keys of different kinds have no slot
 * in common, so that one script cannot do it). */
static enum throttle_result throttle_take_from(const struct auth *auth, const struct caller *caller,
	struct window *windows, size_t count, int64_t *retry_after_sec)
{
	struct store_command commands[WINDOWS];
	struct store_value replies[WINDOWS] = { 0 };
	enum throttle_result result = THROTTLE_OK;

	for (size_t i = 0; i < count; i++) {
		/* Sent twice it counts twice: rather that than a sign-in lost with a connection. */
		commands[i] = store_call(STORE_THROTTLE_TAKE, 1, true);
		store_arg(&commands[i], windows[i].key);
		store_arg_int(&commands[i], caller->arena, windows[i].limit);
		store_arg_int(&commands[i], caller->arena, auth->settings->throttle.window_sec);
	}
	if (store_run(auth->store, caller->arena, caller->deadline, commands, replies, count) !=
		STORE_OK)
		return THROTTLE_FAULT;
	for (size_t i = 0; i < count; i++) {
		int64_t taken = store_item_int(&replies[i], 0, -1);
		int64_t left_sec = store_item_int(&replies[i], 2, -1);
		windows[i].taken = taken == 1;
		if (windows[i].taken)
			continue;
		/* What is no answer is no "too many". */
		if (taken != 0 || left_sec < 0)
			return THROTTLE_FAULT;
		result = THROTTLE_REFUSED;
		if (left_sec > *retry_after_sec)
			*retry_after_sec = left_sec;
	}
	return result;
}

/* Gives back what was taken; the address gets its own attempt only: whoever has an account may not
 * use it to go on guessing at others from there. Not repeated: given back twice is one too many. */
static void throttle_give_to(const struct auth *auth, const struct caller *caller,
	const struct window windows[WINDOWS], bool forget)
{
	struct store_command commands[WINDOWS];
	struct store_value replies[WINDOWS] = { 0 };
	size_t count = 0;

	for (int i = 0; i < WINDOWS; i++) {
		if (!windows[i].taken)
			continue;
		if (forget && i != WINDOW_ADDRESS) {
			commands[count++] = store_write("DEL", windows[i].key, NULL);
		} else {
			commands[count] = store_call(STORE_THROTTLE_GIVE, 1, false);
			store_arg(&commands[count], windows[i].key);
			store_arg(&commands[count++], "1");
		}
	}
	if (count > 0)
		(void)store_run(
			auth->store, caller->arena, caller->deadline, commands, replies, count);
}

enum throttle_result throttle_take(const struct auth *auth, const struct caller *caller,
	const char *normalised, int64_t *retry_after_sec)
{
	struct window windows[WINDOWS];

	*retry_after_sec = 0;
	throttle_windows(auth, caller, normalised, windows);
	enum throttle_result result = throttle_take_from(auth, caller, windows, 1, retry_after_sec);
	if (result == THROTTLE_OK)
		result = throttle_take_from(auth, caller, windows + WINDOW_NAME,
			WINDOWS - WINDOW_NAME, retry_after_sec);
	if (result != THROTTLE_OK)
		throttle_give_to(auth, caller, windows, false);
	return result;
}

void throttle_give(
	const struct auth *auth, const struct caller *caller, const char *normalised, bool forget)
{
	struct window windows[WINDOWS];

	throttle_windows(auth, caller, normalised, windows);
	for (int i = 0; i < WINDOWS; i++)
		windows[i].taken = true;
	throttle_give_to(auth, caller, windows, forget);
}

struct throttle_walk {
	const struct auth *auth;
	const struct caller *caller;
};

static bool throttle_delete_keys(const char *const *keys, size_t count, void *context)
{
	const struct throttle_walk *walk = context;
	struct store_value reply = { 0 };
	bool ok = true;

	for (size_t i = 0; ok && i < count; i++) {
		struct store_command command = store_read("DEL", keys[i], NULL);
		ok = store_run_one(walk->auth->store, walk->caller->arena, walk->caller->deadline,
			     &command, &reply) == STORE_OK;
	}
	return ok;
}

enum throttle_result throttle_forget_name(
	const struct auth *auth, const struct caller *caller, const char *normalised)
{
	struct throttle_walk walk = { .auth = auth, .caller = caller };
	char name[THROTTLE_DIGEST_LEN + 1];

	throttle_digest(name, normalised, strlen(normalised));
	const char *rest = arena_printf(caller->arena, "throttle:name:%s", name);
	const char *both = arena_printf(caller->arena, "throttle:both:%s", name);
	const char *key = store_key(auth->store, caller->arena, rest);
	if (!throttle_delete_keys(&key, 1, &walk) ||
		!scan_each(auth, caller, both, throttle_delete_keys, &walk))
		return THROTTLE_FAULT;
	return THROTTLE_OK;
}
