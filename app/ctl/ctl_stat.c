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

/* One Redis: the only one, or a master of a Cluster. */
struct server {
	const char *name, *policy, *version;
	int64_t memory_bytes, memory_max_bytes; /* 0: no limit */
};

struct stats {
	int64_t users, sessions, events;
	struct server all; /* their sum */
	struct server *server;
	size_t servers;
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

static bool read_server(struct ctl *ctl, unsigned at, struct server *out)
{
	struct arena *arena = ctl->caller.arena;
	struct store_value replies[2] = { 0 };
	struct store_command commands[2] = { store_read("INFO", "memory", NULL),
		store_read("INFO", "server", NULL) };

	commands[0].server = commands[1].server = at;
	if (store_run(ctl->auth.store, arena, ctl->caller.deadline, commands, replies, 2) !=
		STORE_OK)
		return false;
	out->name = store_server_name(ctl->auth.store, arena, at);
	out->memory_bytes = ctl_info_int(arena, replies[0].text, "used_memory");
	out->memory_max_bytes = ctl_info_int(arena, replies[0].text, "maxmemory");
	out->policy = ctl_info_text(arena, replies[0].text, "maxmemory_policy");
	const char *valkey = ctl_info_text(arena, replies[1].text, "valkey_version");
	out->version = *valkey ? arena_printf(arena, "Valkey %s", valkey)
			       : arena_printf(arena, "Redis %s",
					 ctl_info_text(arena, replies[1].text, "redis_version"));
	return true;
}

/* The sum has a limit when each has one; of their policies it has the first that throws away. */
static void add_server(struct server *sum, const struct server *server, bool first)
{
	if (first) {
		*sum = *server;
		return;
	}
	bool limited = sum->memory_max_bytes > 0 && server->memory_max_bytes > 0;

	sum->memory_bytes += server->memory_bytes;
	sum->memory_max_bytes = limited ? sum->memory_max_bytes + server->memory_max_bytes : 0;
	if (strcmp(sum->policy, "noeviction") == 0)
		sum->policy = server->policy;
}

static bool read_servers(struct ctl *ctl, struct stats *out)
{
	const struct store *store = ctl->auth.store;
	size_t count = 0;

	for (unsigned at = 0; (at = store_next_server(store, at)) != 0;)
		count++;
	out->server = arena_alloc(ctl->caller.arena, (count + 1) * sizeof *out->server);
	for (unsigned at = 0; out->servers < count && (at = store_next_server(store, at)) != 0;) {
		struct server *server = &out->server[out->servers++];

		if (!read_server(ctl, at, server))
			return false;
		add_server(&out->all, server, out->servers == 1);
	}
	return out->servers > 0;
}

/* First, as it finds the masters of a Cluster. */
static bool count_events(struct ctl *ctl, int64_t *out)
{
	struct arena *arena = ctl->caller.arena;
	struct store_value reply = { 0 };
	struct store_command command =
		store_read("XLEN", store_key(ctl->auth.store, arena, "events"), NULL);

	if (store_run_one(ctl->auth.store, arena, ctl->caller.deadline, &command, &reply) !=
		STORE_OK)
		return false;
	*out = reply.integer;
	return true;
}

static const char *megabytes(struct arena *arena, int64_t bytes)
{
	return arena_printf(arena, "%.1f MiB", (double)bytes / (1 << 20));
}

static const char *memory_words(struct arena *arena, const struct server *server)
{
	const char *max = server->memory_max_bytes > 0 ? megabytes(arena, server->memory_max_bytes)
						       : "no limit";

	return arena_printf(arena, "%s of %s, when full: %s",
		megabytes(arena, server->memory_bytes), max, server->policy);
}

static void print_stats(struct arena *arena, const struct stats *stats)
{
	printf("%-12s %lld\n", "users", (long long)stats->users);
	printf("%-12s %lld\n", "sessions", (long long)stats->sessions);
	printf("%-12s %lld\n", "events", (long long)stats->events);
	ctl_output_field("memory", memory_words(arena, &stats->all));
	ctl_output_field("store", stats->all.version);
	for (size_t i = 0; stats->servers > 1 && i < stats->servers; i++) {
		const struct server *server = &stats->server[i];

		ctl_output_field("master", arena_printf(arena, "%s: %s, %s", server->name,
						   memory_words(arena, server), server->version));
	}
}

static struct json *server_json(const struct server *server)
{
	struct json *object = json_set(json_object(), "address", json_text(server->name));

	json_set(object, "memory_bytes", json_int(server->memory_bytes));
	json_set(object, "memory_max_bytes", json_int(server->memory_max_bytes));
	json_set(object, "memory_policy", json_text(server->policy));
	json_set(object, "store", json_text(server->version));
	return object;
}

static void print_json(const struct stats *stats)
{
	struct json *object = json_set(json_object(), "users", json_int(stats->users));
	struct json *servers = json_array();

	json_set(object, "sessions", json_int(stats->sessions));
	json_set(object, "events", json_int(stats->events));
	json_set(object, "memory_bytes", json_int(stats->all.memory_bytes));
	json_set(object, "memory_max_bytes", json_int(stats->all.memory_max_bytes));
	json_set(object, "memory_policy", json_text(stats->all.policy));
	json_set(object, "store", json_text(stats->all.version));
	for (size_t i = 0; i < stats->servers; i++)
		json_add(servers, server_json(&stats->server[i]));
	json_set(object, "servers", servers);
	puts(json_format(object));
	json_free(object);
}

enum ctl_status ctl_stat_show(struct ctl *ctl)
{
	struct stats stats = { 0 };

	ctl_renew_for_walk(ctl);
	if (!count_events(ctl, &stats.events) || !read_servers(ctl, &stats) ||
		!count_users(ctl, &stats.users) ||
		!scan_each(&ctl->auth, &ctl->caller, "session:{", count_keys, &stats.sessions))
		return ctl_fault(ctl);
	if (ctl->json)
		print_json(&stats);
	else
		print_stats(ctl->caller.arena, &stats);
	return CTL_OK;
}
