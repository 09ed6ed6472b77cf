#include "auth/rotation.h"

#include <string.h>

#include "auth/audit.h"
#include "auth/auth.h"
#include "auth/device.h"
#include "auth/keys.h"
#include "auth/known.h"
#include "auth/theft.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/settings.h"
#include "store/store.h"

enum { ROTATION_VERSION = 1, ROTATION_SIGNED_BYTES = ROTATION_TOKEN_BYTES - CRYPTO_SHA256_BYTES };

/* Where each part stands in the token's bytes. */
enum { AT_MAC_ID = 1, AT_UID = 5, AT_SID = 21, AT_GENERATION = 37, AT_MAC = 41 };

/* The MAC key also signs forms and, some day, more: a label keeps their MACs apart. */
static void rotation_mac(
	const struct keys_mac *mac, const uint8_t *bytes, uint8_t out[CRYPTO_SHA256_BYTES])
{
	static const char label[] = "doorward refresh token";
	uint8_t key[CRYPTO_SHA256_BYTES];

	crypto_hmac_sha256(key, mac->secret, sizeof mac->secret, label, sizeof label - 1);
	crypto_hmac_sha256(out, key, sizeof key, bytes, ROTATION_SIGNED_BYTES);
	crypto_wipe(key, sizeof key);
}

bool rotation_parse(
	const struct keys *keys, const char *text, size_t len, struct rotation_claim *out)
{
	uint8_t bytes[ROTATION_TOKEN_BYTES], expected[CRYPTO_SHA256_BYTES];
	size_t got = 0;

	if (len != ROTATION_TOKEN_LEN ||
		!encode_base64url_decode(bytes, sizeof bytes, &got, text, len) ||
		got != sizeof bytes || bytes[0] != ROTATION_VERSION)
		return false;
	const struct keys_mac *mac = keys_find_mac(keys, bytes + AT_MAC_ID);
	if (!mac)
		return false;
	rotation_mac(mac, bytes, expected);
	if (!crypto_equal(expected, bytes + AT_MAC, sizeof expected))
		return false;
	memcpy(out->mac_id, bytes + AT_MAC_ID, sizeof out->mac_id);
	encode_base64url(out->uid.text, bytes + AT_UID, 16);
	memcpy(out->sid, bytes + AT_SID, sizeof out->sid);
	out->generation =
		(uint32_t)bytes[AT_GENERATION] << 24 | (uint32_t)bytes[AT_GENERATION + 1] << 16 |
		(uint32_t)bytes[AT_GENERATION + 2] << 8 | (uint32_t)bytes[AT_GENERATION + 3];
	crypto_wipe(bytes, sizeof bytes);
	return true;
}

bool rotation_format(const struct keys *keys, const struct session *session, const uint8_t *mac_id,
	struct rotation_token *out)
{
	uint8_t bytes[ROTATION_TOKEN_BYTES];
	size_t got = 0;
	const struct keys_mac *mac =
		mac_id ? keys_find_mac(keys, mac_id) : keys_mac_at(keys, session->rotated_at_sec);

	if (!mac ||
		!encode_base64url_decode(
			bytes + AT_UID, 16, &got, session->uid.text, strlen(session->uid.text)) ||
		got != 16)
		return false;
	bytes[0] = ROTATION_VERSION;
	memcpy(bytes + AT_MAC_ID, mac->id, sizeof mac->id);
	memcpy(bytes + AT_SID, session->sid, sizeof session->sid);
	for (int i = 0; i < 4; i++)
		bytes[AT_GENERATION + i] = (uint8_t)(session->generation >> (24 - 8 * i));
	rotation_mac(mac, bytes, bytes + AT_MAC);
	encode_base64url(out->text, bytes, sizeof bytes);
	crypto_wipe(bytes, sizeof bytes);
	return true;
}

/* What the script says, in the order of its list, and what follows from it. */
static const struct rotation_answer {
	const char *word;
	enum rotation_result result;
	enum reason why;
	const char *event;
} rotation_answers[] = {
	{ "ok", ROTATION_OK, REASON_OK, "refresh.ok" },
	{ "repeat", ROTATION_OK, REASON_OK, "refresh.repeated" },
	{ "reused", ROTATION_REFUSED, REASON_REFRESH_REUSED, "refresh.reused" },
	{ "ended", ROTATION_REFUSED, REASON_SESSION_ENDED, "refresh.refused" },
	{ "absolute", ROTATION_REFUSED, REASON_ABSOLUTE_TIMEOUT, "refresh.refused" },
	{ "context", ROTATION_REFUSED, REASON_CONTEXT_CHANGED, "refresh.refused" },
	{ "disabled", ROTATION_REFUSED, REASON_USER_DISABLED, "refresh.refused" },
	{ "superseded", ROTATION_REFUSED, REASON_VERSION_SUPERSEDED, "refresh.refused" },
};

static const struct rotation_answer *rotation_answer_find(const char *word)
{
	for (size_t i = 0; word && i < sizeof rotation_answers / sizeof *rotation_answers; i++)
		if (strcmp(word, rotation_answers[i].word) == 0)
			return &rotation_answers[i];
	return NULL;
}

/* What the script cannot see: the realm's version lies in another slot, file users in a file. */
static const char *rotation_version(struct arena *arena, const struct user *user)
{
	if (!user || user->disabled)
		return "";
	return arena_int(arena, user->ver);
}

static struct store_command rotation_command(const struct auth *auth, const struct caller *caller,
	const struct rotation_claim *claim, const char *handle, const struct user *user)
{
	static const char *const binds[] = { [SETTINGS_BIND_NONE] = "none",
		[SETTINGS_BIND_AGENT] = "agent",
		[SETTINGS_BIND_ADDRESS] = "address",
		[SETTINGS_BIND_BOTH] = "both" };
	struct arena *arena = caller->arena;
	const char *uid = claim->uid.text;
	char context[SESSION_CONTEXT_LEN + 1], device[DEVICE_MAX + 1];
	/* Repeatable: a second run within the grace hands out the same successor. */
	struct store_command command =
		store_call(STORE_ROTATION_USE, 4, auth->settings->session.refresh_grace > 0);

	session_context(caller, context);
	device_words(caller->agent, device);
	store_arg(&command, store_key_session(auth->store, arena, uid, handle));
	store_arg(&command, store_key_user(auth->store, arena, uid));
	store_arg(&command, store_key_sessions(auth->store, arena, uid));
	store_arg(&command, store_key_seen(auth->store, arena, uid, handle));
	store_arg_int(&command, arena, claim->generation);
	store_arg_int(&command, arena, auth->settings->session.refresh_grace * 1000);
	store_arg(&command, arena_strdup(arena, context));
	store_arg(&command, binds[auth->settings->session.bind]);
	store_arg(&command, handle);
	store_arg(&command, caller->address);
	store_arg(&command, arena_strdup(arena, device));
	store_arg_int(&command, arena, THEFT_WINDOW_SEC);
	store_arg_int(&command, arena, theft_usual_rotations(auth->settings));
	store_arg_int(&command, arena, THEFT_USUAL_REPEATS);
	store_arg_int(&command, arena, THEFT_USUAL_PLACES);
	store_arg(&command, rotation_version(arena, user));
	return command;
}

static void rotation_fill(
	const struct store_value *reply, const struct rotation_claim *claim, struct session *out)
{
	memset(out, 0, sizeof *out);
	out->uid = claim->uid;
	memcpy(out->sid, claim->sid, sizeof out->sid);
	session_handle_of(claim->sid, out->handle);
	out->generation = (uint32_t)store_item_int(reply, 1, 0);
	out->rotated_at_sec = store_item_int(reply, 2, 0) / 1000;
	int64_t now_ms = store_item_int(reply, 3, 0);
	clock_learn_ms(now_ms);
	out->now_sec = now_ms / 1000;
	out->auth_time = store_item_int(reply, 4, 0);
	out->absolute_end = store_item_int(reply, 5, 0);
	out->idle_end = store_item_int(reply, 6, 0);
	out->ver = store_item_int(reply, 7, 0);
	const char *persist = store_item_text(reply, 8);
	out->persist = persist && *persist;
	const char *style = store_item_text(reply, 10);
	out->sliding = style && strcmp(style, "sliding") == 0;
}

static void rotation_audit(
	const struct auth *auth, const struct caller *caller, const struct audit *audit)
{
	/* Each refresh is a line of the log; what an administrator or another program must see
	 * goes to the stream too. */
	if (audit->reason == REASON_REFRESH_REUSED || audit->reason == REASON_CONTEXT_CHANGED)
		audit_publish(auth, caller, audit);
	else
		audit_log(caller, audit);
}

static enum rotation_result rotation_fault(const struct caller *caller, const char *handle)
{
	struct audit audit = {
		.event = "refresh.fault", .reason = REASON_STORE_UNAVAILABLE, .session = handle
	};

	audit_log(caller, &audit);
	return ROTATION_FAULT;
}

static enum rotation_result rotation_refuse_unparsed(
	const struct caller *caller, struct rotation_outcome *out)
{
	struct audit audit = { .event = "refresh.refused", .reason = REASON_MALFORMED };

	out->why = REASON_MALFORMED;
	audit_log(caller, &audit);
	return ROTATION_REFUSED;
}

/* The script, and where the settings ask for it the word of the replicas. Where they are too few,
 * the pair is handed out all the same: to hold it back would end the session at a try after the
 * grace, and a rotation that a failover loses is healed by the next one. */
static enum store_result rotation_run(const struct auth *auth, const struct caller *caller,
	const struct store_command *script, struct store_value *reply)
{
	const struct settings *set = auth->settings;
	struct store_value replies[2] = { 0 };
	const char *replicas = arena_int(caller->arena, set->store.rotation_replicas);
	const char *wait_ms = arena_int(caller->arena, set->store.timeout_ms / 2);
	struct store_command commands[2] = { *script, store_read("WAIT", replicas, wait_ms, NULL) };
	size_t count = set->store.rotation_replicas > 0 ? 2 : 1;

	if (store_run(auth->store, caller->arena, caller->deadline, commands, replies, count) !=
		STORE_OK)
		return STORE_FAULT;
	*reply = replies[0];
	if (count == 2 && replies[1].integer < set->store.rotation_replicas)
		log_warn(
			"a rotation reached %lld of the %s replicas that [store] rotation_replicas asks for",
			(long long)replies[1].integer, replicas);
	return STORE_OK;
}

enum rotation_result rotation_use(const struct auth *auth, const struct caller *caller,
	const char *text, bool navigation, struct rotation_outcome *out)
{
	bool counts = auth->settings->session.activity == SETTINGS_ACTIVITY_ANY || navigation;
	struct rotation_claim claim;
	struct store_value reply = { 0 };
	char handle[23];

	/* text may be the token of an earlier outcome, in *out itself: it is read before. */
	bool parsed = rotation_parse(auth->keys, text, strlen(text), &claim);
	memset(out, 0, sizeof *out);
	if (!parsed)
		return rotation_refuse_unparsed(caller, out);
	session_handle_of(claim.sid, handle);
	/* The user first: a fault here must leave the generation as it is. */
	enum user_result found = user_find_id(auth, caller, &claim.uid, &out->user);
	if (found == USER_FAULT)
		return rotation_fault(caller, handle);
	struct store_command command = rotation_command(
		auth, caller, &claim, handle, found == USER_OK ? &out->user : NULL);
	store_arg(&command, counts ? "1" : "");
	if (rotation_run(auth, caller, &command, &reply) != STORE_OK)
		return rotation_fault(caller, handle);
	const struct rotation_answer *answer = rotation_answer_find(store_item_text(&reply, 0));
	if (!answer)
		return rotation_fault(caller, handle);
	enum rotation_result result = answer->result;
	const char *event = answer->event;
	out->why = answer->why;
	out->elsewhere = out->why == REASON_SESSION_ENDED && store_item_text(&reply, 1) != NULL;
	rotation_fill(&reply, &claim, &out->session);
	if (result == ROTATION_OK &&
		!rotation_format(auth->keys, &out->session, claim.mac_id, &out->next))
		return rotation_fault(caller, handle);
	const char *unusual = store_item_text(&reply, 11);
	if (result == ROTATION_OK && unusual && *unusual)
		theft_report_unusual(auth, caller, out, unusual);
	if (result == ROTATION_REFUSED)
		known_end_session(auth->known, claim.uid.text, handle);
	if (out->why == REASON_USER_DISABLED)
		known_end_user(auth->known, claim.uid.text);
	if (out->why == REASON_REFRESH_REUSED)
		theft_react(auth, caller, &claim.uid);
	char now[SESSION_CONTEXT_LEN + 1];
	session_context(caller, now);
	struct audit audit = { .event = event,
		.reason = out->why,
		.user = out->user.name,
		.uid = claim.uid.text,
		.session = handle,
		.detail = out->why == REASON_REFRESH_REUSED ? now : NULL,
		.other = out->why == REASON_REFRESH_REUSED ? store_item_text(&reply, 9) : NULL };
	rotation_audit(auth, caller, &audit);
	return result;
}
