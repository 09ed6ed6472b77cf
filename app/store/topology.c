#include "store/topology_own.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct store_command role = { .argv = { "ROLE" }, .argc = 1, .script = -1 };
static const struct store_command cluster_info = {
	.argv = { "CLUSTER", "INFO" }, .argc = 2, .script = -1
};

struct node *topology_add(struct topology *topology)
{
	size_t index = atomic_load(&topology->nodes);
	if (index == TOPOLOGY_NODES_MAX)
		return NULL;
	struct node *node = calloc(1, sizeof(*node));
	if (!node)
		fatal("out of memory: a node of the store");
	node->index = (unsigned)index;
	pool_init(&node->pool, &topology->config.address.server);
	topology->node[index] = node;
	atomic_store(&topology->nodes, index + 1);
	return node;
}

struct topology *topology_new(const struct topology_config *config)
{
	struct topology *topology = calloc(1, sizeof(*topology));
	if (!topology)
		fatal("out of memory: the store");
	topology->config = *config;
	if (config->address.kind == ADDRESS_CLUSTER)
		topology->cluster = topology_cluster_new();
	(void)topology_add(topology);
	return topology;
}

bool topology_is_one(const struct topology *topology)
{
	return topology->config.address.kind != ADDRESS_CLUSTER;
}

bool topology_is_server(const struct topology *topology)
{
	return topology->config.address.kind == ADDRESS_SERVER;
}

void topology_free(struct topology *topology)
{
	if (!topology)
		return;
	for (size_t i = 0; i < atomic_load(&topology->nodes); i++) {
		pool_wipe(&topology->node[i]->pool);
		free(topology->node[i]);
	}
	topology_cluster_free(topology->cluster);
	free(topology);
}

void topology_name(struct topology *topology, struct node *node, char out[TOPOLOGY_NAME_MAX])
{
	struct target target = topology->config.address.server;
	if (node)
		(void)pool_target(&node->pool, &target);
	const char *at = target.name[0] ? target.name : "of unknown address";
	if (topology->config.address.kind == ADDRESS_SENTINEL)
		(void)snprintf(out, TOPOLOGY_NAME_MAX, "store %s (%s)",
			topology->config.address.master, at);
	else
		(void)snprintf(out, TOPOLOGY_NAME_MAX, "store %s", node ? at : "cluster");
}

struct node *topology_find(struct topology *topology, const struct store_command *command,
	struct node *near, struct wire_call *call, enum wire_result *result)
{
	if (topology->cluster)
		return topology_cluster_find(topology, command, near, call, result);
	return topology->node[0];
}

enum wire_result topology_open(struct topology *topology, struct node *node, struct wire_call *call,
	struct connection *out)
{
	struct target target;
	out->wire = NULL;
	if (topology->config.address.kind == ADDRESS_SENTINEL)
		return topology_sentinel_open(topology, call, out);
	out->node = node;
	out->generation = pool_target(&node->pool, &target);
	return wire_open(&out->wire, &target, &topology->config.login, call);
}

enum wire_result topology_take(struct topology *topology, struct node *node, struct wire_call *call,
	struct connection *out)
{
	if (topology->config.address.kind == ADDRESS_SENTINEL)
		topology_sentinel_confirm(topology, call);
	out->node = node;
	out->wire = pool_take(&node->pool, &out->generation);
	return out->wire ? WIRE_OK : topology_open(topology, node, call, out);
}

void topology_give(struct connection *connection)
{
	pool_give(&connection->node->pool, connection->wire, connection->generation);
	connection->wire = NULL;
}

static bool begins(const char *text, const char *word)
{
	return strncmp(text, word, strlen(word)) == 0;
}

enum topology_advice topology_advise(
	struct topology *topology, struct node **node, const char *error, struct wire_call *call)
{
	switch (topology->config.address.kind) {
	case ADDRESS_SERVER:
		return TOPOLOGY_FINAL;
	case ADDRESS_CLUSTER:
		return topology_cluster_advise(topology, node, error, call);
	case ADDRESS_SENTINEL:
		/* A master no more. */
		if (!begins(error, "READONLY") && !begins(error, "MASTERDOWN"))
			return TOPOLOGY_FINAL;
		topology_sentinel_doubt(topology);
		return TOPOLOGY_DOWN;
	}
	return TOPOLOGY_FINAL;
}

bool topology_lost(struct topology *topology, struct node *node, struct wire_call *call)
{
	switch (topology->config.address.kind) {
	case ADDRESS_SERVER:
		return false;
	case ADDRESS_CLUSTER:
		(void)topology_map_load(topology, node, call);
		return true;
	case ADDRESS_SENTINEL:
		topology_sentinel_doubt(topology);
		return true;
	}
	return false;
}

const struct store_command *topology_proof(const struct topology *topology)
{
	return topology->config.address.kind == ADDRESS_SENTINEL ? &role : NULL;
}

bool topology_is_proof(const struct wire_reply *reply)
{
	const char *name = reply->error ? NULL : store_item_text(&reply->value, 0);
	return name && strcmp(name, "master") == 0;
}

size_t topology_nodes(const struct topology *topology)
{
	return atomic_load(&topology->nodes);
}

unsigned topology_version(const struct topology *topology)
{
	return atomic_load(&topology->version);
}

struct node *topology_node(struct topology *topology, size_t index)
{
	return topology->node[index];
}

bool topology_is_used(const struct topology *topology, size_t index)
{
	return !topology->cluster || atomic_load(&topology->cluster->seat[index].used);
}

void topology_look(struct topology *topology, struct node *node, struct wire_call *call)
{
	if (topology->config.address.kind == ADDRESS_SENTINEL)
		topology_sentinel_doubt(topology);
	else if (topology->cluster)
		(void)topology_map_load(topology, node, call);
}

size_t topology_questions(
	const struct topology *topology, const struct store_command *out[TOPOLOGY_QUESTIONS_MAX])
{
	size_t count = 0;
	if (topology->config.address.kind != ADDRESS_SERVER)
		out[count++] = &role;
	if (topology->cluster)
		out[count++] = &cluster_info;
	return count;
}

bool topology_judge(struct topology *topology, struct connection *control, struct wire_call *call,
	const struct wire_reply *answers, struct topology_view *view)
{
	bool good = true;
	if (topology->config.address.kind != ADDRESS_SERVER)
		good = topology_is_proof(&answers[0]);
	if (topology->config.address.kind == ADDRESS_SENTINEL) {
		if (good)
			topology_sentinel_confirm(topology, call);
		else
			topology_sentinel_doubt(topology);
	}
	if (good && topology->cluster)
		good = topology_cluster_judge(topology, control, call, &answers[1], view);
	return good && pool_generation(&control->node->pool) == control->generation;
}
