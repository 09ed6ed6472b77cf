/* Which node serves which slot: CLUSTER SLOTS. Masters that serve none yet are nodes as well
 * (CLUSTER NODES): a slot on its way to one has keys there before it is theirs. */
#include "store/topology_own.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FRESH_MS = 20, DENIED_MS = 500, GONE_MS = 10000 };

/* One answer of a node, while it is taken over. */
struct map {
	struct topology *topology;
	const struct target *from; /* who says so */
	long long epoch;
	uint8_t slot[TOPOLOGY_SLOTS];
	bool named[TOPOLOGY_NODES_MAX];
	bool denied[TOPOLOGY_NODES_MAX]; /* a replica, or failed */
	bool full; /* more masters than we can hold */
};

struct node *topology_map_find(struct topology *topology, const char *host, const char *port)
{
	struct target target;
	for (size_t i = 0; i < topology_nodes(topology); i++) {
		if (!topology_is_used(topology, i))
			continue;
		(void)pool_target(&topology->node[i]->pool, &target);
		if (strcmp(target.host, host) == 0 && strcmp(target.port, port) == 0)
			return topology->node[i];
	}
	return NULL;
}

/* The node of that id, else one out of use, else a new one. */
static struct node *find_seat(struct topology *topology, const char *id)
{
	struct node *unused = NULL;
	for (size_t i = 0; i < topology_nodes(topology); i++) {
		const struct topology_seat *seat = &topology->cluster->seat[i];
		if (!atomic_load(&seat->used))
			unused = unused ? unused : topology->node[i];
		else if (strcmp(seat->id, id) == 0)
			return topology->node[i];
	}
	return unused ? unused : topology_add(topology);
}

static struct node *name_node(struct map *map, const char *id, const char *host, const char *port)
{
	struct topology *topology = map->topology;
	struct target target, wanted = topology->config.address.server;
	/* "" and "?": as the one that was asked. */
	if (!host || !*host || strcmp(host, "?") == 0)
		host = map->from->host;
	if (strlen(id) >= sizeof(topology->cluster->seat[0].id) ||
		!target_set_host(&wanted, host, port))
		return NULL;
	struct node *node = find_seat(topology, id);
	if (!node) {
		map->full = true;
		return NULL;
	}
	struct topology_seat *seat = &topology->cluster->seat[node->index];
	bool used = atomic_load(&seat->used);
	/* What an older map says of a node that is known may have changed since. */
	if (used && map->epoch < topology->cluster->epoch)
		return node;
	(void)pool_target(&node->pool, &target);
	if (!used || strcmp(target.name, wanted.name) != 0)
		pool_renew(&node->pool, &wanted);
	map->named[node->index] = true;
	seat->named_epoch =
		map->epoch > seat->named_epoch || !used ? map->epoch : seat->named_epoch;
	if (used)
		return node;
	(void)snprintf(seat->id, sizeof(seat->id), "%s", id);
	atomic_store(&seat->alive_ms, clock_mono_ms());
	breaker_reset(&node->breaker);
	atomic_store(&seat->used, true);
	atomic_fetch_add(&topology->version, 1);
	return node;
}

/* [[first, last, [host, port, id, ...], replicas ...], ...] */
static bool take_slots(struct map *map, const struct store_value *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct store_value *range = &list->item[i];
		int64_t first = store_item_int(range, 0, -1), last = store_item_int(range, 1, -1);
		if (range->count < 3 || first < 0 || last < first || last >= TOPOLOGY_SLOTS)
			return false;
		const struct store_value *master = &range->item[2];
		const char *id = store_item_text(master, 2);
		char port[24];
		(void)snprintf(port, sizeof(port), "%lld", (long long)store_item_int(master, 1, 0));
		struct node *node =
			id ? name_node(map, id, store_item_text(master, 0), port) : NULL;
		for (int64_t slot = first; node && slot <= last; slot++)
			map->slot[slot] = (uint8_t)node->index;
	}
	return list->count > 0;
}

/* The node in use of that id; NULL when there is none. */
static const struct node *find_id(const struct topology *topology, const char *id)
{
	for (size_t i = 0; i < topology_nodes(topology); i++) {
		const struct topology_seat *seat = &topology->cluster->seat[i];
		if (atomic_load(&seat->used) && strcmp(seat->id, id) == 0)
			return topology->node[i];
	}
	return NULL;
}

/* ID IP:PORT@BUS[,NAME] FLAGS ...: a master that CLUSTER SLOTS did not name. */
static void take_line(struct map *map, const char *line, size_t len)
{
	char text[512], id[64], address[300], flags[100], *colon;
	len = len < sizeof(text) ? len : sizeof(text) - 1;
	memcpy(text, line, len);
	text[len] = '\0';
	if (sscanf(text, "%63s %299s %99s", id, address, flags) != 3 || strstr(flags, "noaddr") ||
		strstr(flags, "handshake"))
		return;
	const struct node *known = find_id(map->topology, id);
	if (known && map->named[known->index])
		return;
	if (!strstr(flags, "master") || (strstr(flags, "fail") && !strstr(flags, "fail?"))) {
		if (known)
			map->denied[known->index] = true;
		return;
	}
	address[strcspn(address, "@,")] = '\0';
	if (!(colon = strrchr(address, ':')))
		return;
	*colon = '\0';
	(void)name_node(map, id, address, colon + 1);
}

static void take_nodes(struct map *map, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");
		take_line(map, text, len);
		text += len + (text[len] == '\n');
	}
}

/* A node that is named no more: the map may be older than the one that named it. So only when it is
 * newer for sure, or when nobody has heard of the node for a while: a short one where the map says
 * what became of it. */
static void drop_unnamed(struct map *map)
{
	struct topology *topology = map->topology;
	for (size_t i = 0; i < topology_nodes(topology); i++) {
		struct topology_seat *seat = &topology->cluster->seat[i];
		int64_t silent_ms = clock_mono_ms() - atomic_load(&seat->alive_ms);
		bool gone = silent_ms > (map->denied[i] ? DENIED_MS : GONE_MS);
		if (!atomic_load(&seat->used) || map->named[i] ||
			(map->epoch <= seat->named_epoch && !gone))
			continue;
		atomic_store(&seat->used, false);
		seat->named_epoch = 0;
		pool_renew(&topology->node[i]->pool, NULL);
		atomic_fetch_add(&topology->version, 1);
	}
}

static bool take_map(struct map *map, const struct wire_reply *replies)
{
	struct topology *topology = map->topology;
	struct topology_cluster *cluster = topology->cluster;
	bool good;
	map->epoch = topology_info(replies[2].value.text, "cluster_current_epoch");
	memset(map->slot, TOPOLOGY_NO_NODE, sizeof(map->slot));
	pthread_mutex_lock(&cluster->mutex);
	good = take_slots(map, &replies[0].value);
	take_nodes(map, replies[1].value.text);
	if (good && map->epoch >= cluster->epoch) {
		cluster->epoch = map->epoch;
		for (size_t i = 0; i < TOPOLOGY_SLOTS; i++)
			atomic_store(&cluster->slot[i], map->slot[i]);
		drop_unnamed(map);
	}
	for (size_t i = 0; i < topology_nodes(topology); i++)
		atomic_store(&cluster->seat[i].named, map->named[i]);
	pthread_mutex_unlock(&cluster->mutex);
	if (map->full)
		log_error("store cluster: more than %d masters; what is on the others is refused",
			TOPOLOGY_NODES_MAX);
	return good;
}

bool topology_map_load_from(struct topology *topology, struct wire *wire, const struct target *from,
	struct wire_call *call)
{
	static const struct store_command ask[] = {
		{ .argv = { "CLUSTER", "SLOTS" }, .argc = 2, .script = -1 },
		{ .argv = { "CLUSTER", "NODES" }, .argc = 2, .script = -1 },
		{ .argv = { "CLUSTER", "INFO" }, .argc = 2, .script = -1 },
	};
	const struct store_command *commands[] = { &ask[0], &ask[1], &ask[2] };
	struct wire_reply replies[3] = { { .error = NULL } };
	bool sent = call->sent;
	enum wire_result result = wire_exchange(wire, call, commands, replies, 3);
	call->sent = sent;
	if (result != WIRE_OK)
		return false;
	for (int i = 0; i < 3; i++)
		if (replies[i].error) {
			(void)snprintf(call->why, sizeof(call->why), "CLUSTER %s: %s",
				ask[i].argv[1], replies[i].error);
			return false;
		}
	struct map *map = calloc(1, sizeof(*map));
	if (!map)
		fatal("out of memory: the map of the cluster");
	map->topology = topology;
	map->from = from;
	bool good = take_map(map, replies);
	free(map);
	if (good)
		atomic_store(&topology->cluster->loaded_ms, clock_mono_ms());
	else
		(void)snprintf(call->why, sizeof(call->why), "the cluster serves no slots");
	return good;
}

/* One of those that may know: nodes in use, then the seeds. False after the last. */
static bool candidate(
	struct topology *topology, size_t at, const struct node *avoid, struct target *out)
{
	const struct address *address = &topology->config.address;
	size_t nodes = topology_nodes(topology);
	out->host[0] = '\0';
	if (at < nodes) {
		if (topology_is_used(topology, at) && topology->node[at] != avoid)
			(void)pool_target(&topology->node[at]->pool, out);
		return true;
	}
	if (at - nodes >= address->seeds)
		return false;
	*out = address->seed[at - nodes];
	memcpy(out->user, address->server.user, sizeof(out->user));
	return true;
}

static bool load(struct topology *topology, const struct node *avoid, struct wire_call *call)
{
	struct target target;
	bool loaded = false;
	for (size_t at = 0; !loaded && candidate(topology, at, avoid, &target); at++) {
		if (!target.host[0])
			continue;
		/* One that hangs leaves some time for others. */
		struct wire_call part = *call;
		struct wire *wire = NULL;
		part.deadline = deadline_in_ms(deadline_left_ms(call->deadline) / 3);
		loaded = wire_open(&wire, &target, &topology->config.login, &part) == WIRE_OK &&
			 topology_map_load_from(topology, wire, &target, &part);
		wire_close(wire);
		if (!loaded)
			(void)snprintf(call->why, sizeof(call->why),
				"no node of the cluster answers: %.80s: %.80s", target.name,
				part.why);
	}
	return loaded;
}

/* One thread at a time; the others wait for what it finds. */
bool topology_map_load(struct topology *topology, const struct node *avoid, struct wire_call *call)
{
	struct topology_cluster *cluster = topology->cluster;
	int64_t start_ms = clock_mono_ms();
	if (deadline_left_ms(call->deadline) == 0) {
		atomic_store(&cluster->doubted, avoid ? avoid->index + 1 : 0);
		return false;
	}
	while (atomic_exchange(&cluster->loading, true)) {
		struct timespec pause = { .tv_nsec = 2 * 1000 * 1000 };
		(void)snprintf(call->why, sizeof(call->why), "no node of the cluster answers");
		if (deadline_left_ms(call->deadline) == 0)
			return false;
		nanosleep(&pause, NULL);
	}
	int64_t loaded_ms = atomic_load(&cluster->loaded_ms);
	bool good = loaded_ms != 0 && start_ms - loaded_ms < FRESH_MS;
	if (!good)
		good = load(topology, avoid, call);
	atomic_store(&cluster->loading, false);
	return good;
}
