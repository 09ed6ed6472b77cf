/* Redirections, and what a keeper of the mirror must know of its node. */
#include "store/topology_own.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct topology_cluster *topology_cluster_new(void)
{
	struct topology_cluster *cluster = calloc(1, sizeof(*cluster));
	if (!cluster)
		fatal("out of memory: the map of the cluster");
	pthread_mutex_init(&cluster->mutex, NULL);
	for (size_t i = 0; i < TOPOLOGY_SLOTS; i++)
		atomic_store(&cluster->slot[i], TOPOLOGY_NO_NODE);
	return cluster;
}

void topology_cluster_free(struct topology_cluster *cluster)
{
	if (!cluster)
		return;
	pthread_mutex_destroy(&cluster->mutex);
	free(cluster);
}

/* ---- SCAN ---- */

static bool is_scan(const struct topology *topology, const struct store_command *command)
{
	return topology->cluster && strcasecmp(command->argv[0], "SCAN") == 0;
}

/* The first node in use from that one on; NULL after the last. */
static struct node *used_from(struct topology *topology, size_t index)
{
	for (; index < topology_nodes(topology); index++)
		if (topology_is_used(topology, index))
			return topology->node[index];
	return NULL;
}

/* Of "NODE/CURSOR"; the first is "0". */
static size_t scan_node(const struct store_command *command)
{
	const char *cursor = command->argc > 1 ? command->argv[1] : "0";
	return strchr(cursor, '/') ? (size_t)strtoul(cursor, NULL, 10) : 0;
}

const struct store_command *topology_put_cursor(
	struct topology *topology, const struct store_command *command, struct arena *arena)
{
	const char *slash = is_scan(topology, command) && command->argc > 1
				    ? strchr(command->argv[1], '/')
				    : NULL;
	if (!slash)
		return command;
	struct store_command *copy = arena_alloc(arena, sizeof(*copy));
	*copy = *command;
	copy->argv[1] = slash + 1;
	return copy;
}

void topology_get_cursor(struct topology *topology, const struct node *node,
	const struct store_command *command, struct wire_call *call, struct wire_reply *reply)
{
	const char *cursor = store_item_text(&reply->value, 0);
	if (!is_scan(topology, command) || !cursor || reply->value.count != 2)
		return;
	size_t index = node->index;
	if (strcmp(cursor, "0") == 0) {
		const struct node *next = used_from(topology, index + 1);
		if (!next)
			return;
		index = next->index;
	}
	struct store_value *items = arena_alloc(call->arena, 2 * sizeof(*items));
	items[0] = reply->value.item[0];
	items[1] = reply->value.item[1];
	items[0].text = arena_printf(call->arena, "%zu/%s", index, cursor);
	items[0].len = strlen(items[0].text);
	reply->value.item = items;
}

/* ---- the node of a key ---- */

/* One that the map names, rather one that answers. */
static struct node *find_any(struct topology *topology)
{
	struct node *found = NULL;
	for (size_t i = 0; i < topology_nodes(topology); i++) {
		struct node *node = topology->node[i];
		if (!topology_is_used(topology, i) ||
			!atomic_load(&topology->cluster->seat[i].named))
			continue;
		if (!breaker_is_open(&node->breaker))
			return node;
		found = node;
	}
	return found;
}

static struct node *find_known(
	struct topology *topology, const struct store_command *command, struct node *near)
{
	const char *key = topology_key(command);
	if (is_scan(topology, command))
		return used_from(topology, scan_node(command));
	if (command->server > 0 && command->server <= topology_nodes(topology) &&
		topology_is_used(topology, command->server - 1))
		return topology->node[command->server - 1];
	if (!key)
		return near ? near : find_any(topology);
	unsigned index = atomic_load(&topology->cluster->slot[topology_slot(key)]);
	return index == TOPOLOGY_NO_NODE ? NULL : topology->node[index];
}

struct node *topology_cluster_find(struct topology *topology, const struct store_command *command,
	struct node *near, struct wire_call *call, enum wire_result *result)
{
	struct topology_cluster *cluster = topology->cluster;
	unsigned doubted = atomic_load(&cluster->doubted);
	if (doubted > 0 && atomic_compare_exchange_strong(&cluster->doubted, &doubted, 0))
		(void)topology_map_load(topology, topology->node[doubted - 1], call);
	struct node *node = find_known(topology, command, near);
	if (node)
		return node;
	*result = WIRE_UNREACHABLE;
	int64_t began_ms = clock_mono_ms();
	enum breaker_pass pass = breaker_enter(&cluster->breaker, 1000);
	(void)snprintf(call->why, sizeof(call->why), "no node of the cluster answers");
	if (pass == BREAKER_REFUSE)
		return NULL;
	int64_t open_ms, refused;
	if (topology_map_load(topology, NULL, call)) {
		(void)breaker_close(&cluster->breaker, &open_ms, &refused);
		node = find_known(topology, command, near);
		if (!node)
			(void)snprintf(call->why, sizeof(call->why),
				"no node of the cluster serves the slot of %s", command->argv[0]);
	} else if (breaker_open(&cluster->breaker, began_ms, pass == BREAKER_PROBE)) {
		log_error("store cluster: %s", call->why);
	}
	return node;
}

/* ---- redirections ---- */

/* The node at the address of a redirection; one that is not known yet tells of itself. */
static struct node *find_redirected(struct topology *topology, const struct node *from,
	struct topology_redirect *to, struct wire_call *call)
{
	struct target target;
	(void)pool_target(&topology->node[from->index]->pool, &target);
	const char *host = *to->host ? to->host : target.host;
	struct node *node = topology_map_find(topology, host, to->port);
	struct wire *wire = NULL;
	if (node || !target_set_host(&target, host, to->port))
		return node;
	if (wire_open(&wire, &target, &topology->config.login, call) == WIRE_OK)
		(void)topology_map_load_from(topology, wire, &target, call);
	wire_close(wire);
	return topology_map_find(topology, host, to->port);
}

static bool begins(const char *text, const char *word)
{
	return strncmp(text, word, strlen(word)) == 0;
}

enum topology_advice topology_cluster_advise(
	struct topology *topology, struct node **node, const char *error, struct wire_call *call)
{
	struct topology_redirect to;
	/* Some keys of a slot on its way are here, some there. */
	if (begins(error, "TRYAGAIN"))
		return TOPOLOGY_LATER;
	if (begins(error, "CLUSTERDOWN")) {
		(void)topology_map_load(topology, NULL, call);
		return TOPOLOGY_DOWN;
	}
	if (!topology_parse_redirect(&to, error))
		return TOPOLOGY_FINAL;
	struct node *next = find_redirected(topology, *node, &to, call);
	if (!next)
		return TOPOLOGY_LATER;
	*node = next;
	if (to.asking)
		return TOPOLOGY_ASKING;
	atomic_store(&topology->cluster->slot[to.slot], (uint8_t)next->index);
	return TOPOLOGY_MOVED;
}

/* ---- heartbeats ---- */

/* A change of the cluster shows in the epoch, or in the number of nodes, before any slot goes to a
 * node that is not known here. A master on the wrong side of a partition says state:fail after the
 * time that the cluster allows it, and before the others elect another. */
bool topology_cluster_judge(struct topology *topology, struct connection *control,
	struct wire_call *call, const struct wire_reply *answers, struct topology_view *view)
{
	struct topology_seat *seat = &topology->cluster->seat[control->node->index];
	const char *info = answers->error ? NULL : answers->value.text;
	if (!info || !strstr(info, "cluster_state:ok"))
		return false;
	struct topology_view now = { .epoch = topology_info(info, "cluster_current_epoch"),
		.known = topology_info(info, "cluster_known_nodes"),
		.seen = true };
	if (!view->seen || view->epoch != now.epoch || view->known != now.known) {
		struct target target;
		(void)pool_target(&control->node->pool, &target);
		if (!topology_map_load_from(topology, control->wire, &target, call))
			return false;
		*view = now;
	}
	atomic_store(&seat->alive_ms, clock_mono_ms());
	return atomic_load(&seat->used);
}
