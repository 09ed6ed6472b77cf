#include "ctl/ctl_stat.h"

#include <stdio.h>
#include <string.h>

#include "auth/scan.h"
#include "auth/userfile.h"
#include "base/arena.h"
#include "base/json.h"
#include "ctl/ctl_info.h"
#include "ctl/ctl_output.h"
#include "store/store.h"

struct stats {
	int64_t users, sessions, events;
	int64_t memory_bytes, memory_max_bytes; /* 0: no limit */
	const char *policy, *version;
};

static bool count_keys(const char *const *keys, size_t count, void *context)
{
	int64_t *total = context;

	(void)keys;
	*total += (int64_t)count;
	return true;
}

static bool count_users(struct ctl *ctl, int64_t *out)
{
	size_t count = 0;

	if (!ctl->auth.userfile)
		return scan_each(&ctl->auth, &ctl->caller, "user:{", count_keys, out);
	while (userfile_name_at(ctl->auth.userfile, ctl->caller.arena, count))
		count++;
	*out = (int64_t)count;
	return true;
}

static bool read_server(struct ctl *ctl, struct stats *out)
{
	struct arena *arena = ctl->caller.arena;
	struct store_value replies[3] = { 0 };
	struct store_command commands[3] = {
		store_read("INFO", "memory", NULL),
		store_read("INFO", "server", NULL),
		store_read("XLEN", store_key(ctl->auth.store, arena, "events"), NULL),
	};

	if (store_run(ctl->auth.store, arena, ctl->caller.deadline, commands, replies, 3) !=
		STORE_OK)
		return false;
	out->memory_bytes = ctl_info_int(arena, replies[0].text, "used_memory");
	out->memory_max_bytes = ctl_info_int(arena, replies[0].text, "maxmemory");
	out->policy = ctl_info_text(arena, replies[0].text, "maxmemory_policy");
	const char *valkey = ctl_info_text(arena, replies[1].text, "valkey_version");
	out->version = *valkey ? arena_printf(arena, "Valkey %s", valkey)
			       : arena_printf(arena, "Redis %s",
					 ctl_info_text(arena, replies[1].text, "redis_version"));
	out->events = replies[2].integer;
	return true;
}

static const char *megabytes(struct arena *arena, int64_t bytes)
{
	return arena_printf(arena, "%.1f MiB", (double)bytes / (1 << 20));
}

static void print_stats(struct arena *arena, const struct stats *stats)
{
	const char *max = stats->memory_max_bytes > 0 ? megabytes(arena, stats->memory_max_bytes)
						      : "no limit";

	printf("%-12s %lld\n", "users", (long long)stats->users);
	printf("%-12s %lld\n", "sessions", (long long)stats->sessions);
	printf("%-12s %lld\n", "events", (long long)stats->events);
	ctl_output_field(
		"memory", arena_printf(arena, "%s of %s, when full: %s",
				  megabytes(arena, stats->memory_bytes), max, stats->policy));
	ctl_output_field("store", stats->version);
}

enum ctl_status ctl_stat_show(struct ctl *ctl)
{
	struct stats stats = { 0 };

	ctl_renew_for_walk(ctl);
	if (!read_server(ctl, &stats) || !count_users(ctl, &stats.users) ||
		!scan_each(&ctl->auth, &ctl->caller, "session:{", count_keys, &stats.sessions))
		return ctl_fault(ctl);
	if (!ctl->json) {
		print_stats(ctl->caller.arena, &stats);
		return CTL_OK;
	}
	struct json *object = json_set(json_object(), "users", json_int(stats.users));
	json_set(object, "sessions", json_int(stats.sessions));
	json_set(object, "events", json_int(stats.events));
	json_set(object, "memory_bytes", json_int(stats.memory_bytes));
	json_set(object, "memory_max_bytes", json_int(stats.memory_max_bytes));
	json_set(object, "memory_policy", json_text(stats.policy));
	json_set(object, "store", json_text(stats.version));
	puts(json_format(object));
	json_free(object);
	return CTL_OK;
}
