#include "store/script.h"

#include "scripts.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	const char *text;
} scripts[STORE_SCRIPTS] = {
	[STORE_ROTATION_USE] = { "rotation_use", script_rotation_use },
	[STORE_SESSION_START] = { "session_start", script_session_start },
	[STORE_SESSION_END] = { "session_end", script_session_end },
	[STORE_SESSION_SEEN] = { "session_seen", script_session_seen },
	[STORE_SESSION_RENEW] = { "session_renew", script_session_renew },
	[STORE_THROTTLE_TAKE] = { "throttle_take", script_throttle_take },
	[STORE_THROTTLE_GIVE] = { "throttle_give", script_throttle_give },
	[STORE_USER_ADD] = { "user_add", script_user_add },
	[STORE_USER_UPDATE] = { "user_update", script_user_update },
};

const char *script_name(enum store_script script)
{
	return scripts[script].name;
}

static enum wire_result check_reply(
	const struct wire_reply *reply, const char *name, struct wire_call *call)
{
	if (!reply->error && reply->value.len == SCRIPT_SHA_LEN)
		return WIRE_OK;
	(void)snprintf(call->why, sizeof(call->why), "loading %s.lua: %s", name,
		reply->error ? reply->error : "no SHA came back");
	return WIRE_FAULT;
}

static void keep(struct script_shas *shas, const struct wire_reply *replies)
{
	pthread_mutex_lock(&shas->mutex);
	if (!atomic_load(&shas->known))
		for (size_t i = 0; i < STORE_SCRIPTS; i++)
			memcpy(shas->sha[i], replies[i].value.text, SCRIPT_SHA_LEN);
	atomic_store(&shas->known, true);
	pthread_mutex_unlock(&shas->mutex);
}

enum wire_result script_load(struct script_shas *shas, struct wire *wire, struct wire_call *call)
{
	struct store_command load[STORE_SCRIPTS];
	const struct store_command *commands[STORE_SCRIPTS];
	struct wire_reply replies[STORE_SCRIPTS];
	memset(replies, 0, sizeof(replies));
	for (size_t i = 0; i < STORE_SCRIPTS; i++) {
		load[i] = store_read("SCRIPT", "LOAD", scripts[i].text, NULL);
		commands[i] = &load[i];
	}
	bool sent = call->sent;
	enum wire_result result = wire_exchange(wire, call, commands, replies, STORE_SCRIPTS);
	call->sent = sent;
	for (size_t i = 0; i < STORE_SCRIPTS && result == WIRE_OK; i++)
		result = check_reply(&replies[i], scripts[i].name, call);
	if (result == WIRE_OK)
		keep(shas, replies);
	return result;
}
