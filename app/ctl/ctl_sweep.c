#include "ctl/ctl_sweep.h"

#include <string.h>

#include "auth/scan.h"
#include "auth/session.h"
#include "base/arena.h"
#include "ctl/ctl_output.h"
#include "store/store.h"

enum { SWEEP_ARENA_BYTES = 64 << 20, ID_LEN = 22 };

/* Before the uid in a key. */
static const char session_keys[] = "session:{";

struct sweep {
	struct ctl *ctl;
	struct caller caller; /* with an arena of a batch's life */
	size_t prefix_len; /* of "dw:session:{" */
	int64_t until_sec;
	size_t ended;
	const char *wanted; /* a handle to be found */
	struct user_id *found;
	bool stopped; /* because it was found */
};

/* "dw:session:{<uid>}:<handle>"; other programs may have made keys that look like ours. */
static const char *split_key(const struct sweep *sweep, const char *key, struct user_id *uid)
{
	const char *end = key + sweep->prefix_len + ID_LEN;

	if (strlen(key) != sweep->prefix_len + ID_LEN + 2 + ID_LEN || end[0] != '}' ||
		end[1] != ':')
		return NULL;
	memcpy(uid->text, key + sweep->prefix_len, ID_LEN);
	uid->text[ID_LEN] = '\0';
	return end + 2;
}

static bool walk(struct ctl *ctl, struct sweep *sweep, scan_visitor *visit)
{
	sweep->ctl = ctl;
	sweep->caller = ctl->caller;
	sweep->caller.arena = arena_new(SWEEP_ARENA_BYTES);
	sweep->prefix_len = strlen(store_key(ctl->auth.store, ctl->caller.arena, session_keys));
	bool ok = scan_each(&ctl->auth, &ctl->caller, session_keys, visit, sweep);
	arena_free(sweep->caller.arena);
	return ok;
}

int64_t ctl_sweep_now(struct ctl *ctl)
{
	struct store_command command = store_read("TIME", NULL);
	struct store_value reply = { 0 };

	if (store_run_one(ctl->auth.store, ctl->caller.arena, ctl->caller.deadline, &command,
		    &reply) != STORE_OK)
		return -1;
	return store_item_int(&reply, 0, -1);
}

/* Whoever signs in while this runs began later, and stays. */
static bool end_batch(const char *const *keys, size_t count, void *context)
{
	struct sweep *sweep = context;
	const struct caller *caller = &sweep->caller;
	const struct auth *auth = &sweep->ctl->auth;
	struct store_command *commands = arena_alloc(caller->arena, count * sizeof *commands);
	struct store_value *replies = arena_alloc(caller->arena, count * sizeof *replies);

	for (size_t i = 0; i < count; i++)
		commands[i] = store_read("HMGET", keys[i], "auth_time", NULL);
	bool ok = store_run(auth->store, caller->arena, caller->deadline, commands, replies,
			  count) == STORE_OK;
	for (size_t i = 0; ok && i < count; i++) {
		struct user_id uid;
		const char *handle = split_key(sweep, keys[i], &uid);
		int64_t since = store_item_int(&replies[i], 0, INT64_MAX);

		if (!handle || since > sweep->until_sec)
			continue;
		enum session_result result = session_end(auth, caller, &uid, handle);
		ok = result != SESSION_FAULT;
		sweep->ended += result == SESSION_OK;
	}
	arena_reset(caller->arena);
	return ok;
}

bool ctl_sweep_sessions(struct ctl *ctl, int64_t until_sec, size_t *ended)
{
	struct sweep sweep = { .until_sec = until_sec };
	bool ok = walk(ctl, &sweep, end_batch);

	*ended = sweep.ended;
	return ok;
}

static bool look_in_batch(const char *const *keys, size_t count, void *context)
{
	struct sweep *sweep = context;

	for (size_t i = 0; !sweep->stopped && i < count; i++) {
		struct user_id uid;
		const char *handle = split_key(sweep, keys[i], &uid);

		if (!handle || strcmp(handle, sweep->wanted) != 0)
			continue;
		*sweep->found = uid;
		sweep->stopped = true;
	}
	return !sweep->stopped;
}

enum ctl_status ctl_sweep_find(struct ctl *ctl, const char *handle, struct user *out)
{
	struct user_id uid = { "" };
	struct sweep sweep = { .wanted = handle, .found = &uid };

	ctl_renew_for_walk(ctl);
	bool walked = walk(ctl, &sweep, look_in_batch);
	if (!sweep.stopped)
		return walked ? ctl_refuse("there is no session %s",
					ctl_output_clean(ctl->caller.arena, handle))
			      : ctl_fault(ctl);
	if (user_find_id(&ctl->auth, &ctl->caller, &uid, out) == USER_FAULT)
		*out = (struct user){ .id = uid, .name = "" };
	return CTL_OK;
}
