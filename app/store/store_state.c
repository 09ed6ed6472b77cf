#include "store/store_state.h"

#include <string.h>

#include "base/arena.h"
#include "store/breaker.h"
#include "store/mirror.h"
#include "store/node.h"
#include "store/store.h"
#include "store/store_own.h"
#include "store/topology.h"

void store_state_read(struct store *store, struct store_state *out)
{
	struct mirror *mirror = store_mirror(store);

	memset(out, 0, sizeof *out);
	for (size_t i = 0; i < topology_nodes(store->topology); i++) {
		const struct node *node = topology_node(store->topology, i);

		if (!node || !topology_is_used(store->topology, i))
			continue;
		out->servers++;
		out->silent += breaker_is_open(&node->breaker);
	}
	if (!mirror)
		return;
	out->mirrored = true;
	out->mirror_is_leased = mirror_is_leased(mirror);
	out->mirror_entries = mirror_count(mirror);
}

unsigned store_next_server(const struct store *store, unsigned server)
{
	for (size_t i = server; i < topology_nodes(store->topology); i++)
		if (topology_is_used(store->topology, i))
			return (unsigned)i + 1;
	return 0;
}

const char *store_server_name(struct store *store, struct arena *arena, unsigned server)
{
	char name[TOPOLOGY_NAME_MAX];

	topology_name(store->topology, topology_node(store->topology, server - 1), name);
	return arena_strdup(arena, name + strlen("store "));
}
