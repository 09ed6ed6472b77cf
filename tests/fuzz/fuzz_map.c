/* The map of a cluster from a server that lies: CLUSTER SLOTS, NODES and INFO as the input has
 * them. Whatever it says, each slot belongs to a node that is there and in use, or to none. */
#include <sys/socket.h>

#include "base/clock.h"
#include "fuzz/fuzz.h"
#include "store/topology_own.h"

enum { SENT_MAX = 64 * 1024 };

static void judge(struct topology *topology)
{
	size_t nodes = topology_nodes(topology);
	HOLDS(nodes >= 1 && nodes <= TOPOLOGY_NODES_MAX);
	for (size_t slot = 0; slot < TOPOLOGY_SLOTS; slot++) {
		uint8_t index = atomic_load(&topology->cluster->slot[slot]);
		HOLDS(index == TOPOLOGY_NO_NODE || index < nodes);
		HOLDS(index == TOPOLOGY_NO_NODE || topology_is_used(topology, index));
	}
	for (size_t i = 0; i < nodes; i++)
		HOLDS(topology_node(topology, i) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct topology_config config;
	struct wire_login login = { .password = NULL };
	struct wire *wire = NULL;
	char error[400] = "";
	int ends[2];

	fuzz_begin();
	if (size > SENT_MAX)
		return 0;
	HOLDS(address_parse(&config.address, "cluster://127.0.0.1:7000", error, sizeof error));
	struct topology *topology = topology_new(&config);
	HOLDS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
	struct wire_call call = { .arena = fuzz_arena, .deadline = deadline_in_ms(5000) };
	HOLDS(wire_attach(&wire, ends[0], &login, &call) == WIRE_OK);
	HOLDS(size == 0 || send(ends[1], data, size, MSG_NOSIGNAL) == (ssize_t)size);
	HOLDS(shutdown(ends[1], SHUT_WR) == 0);
	if (!topology_map_load_from(topology, wire, &config.address.seed[0], &call))
		HOLDS(*call.why);
	judge(topology);
	wire_close(wire);
	(void)close(ends[1]);
	topology_free(topology);
	return 0;
}
