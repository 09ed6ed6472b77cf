/* The inside of a topology, for topology*.c only. */
#ifndef DOORWARD_STORE_TOPOLOGY_OWN_H
#define DOORWARD_STORE_TOPOLOGY_OWN_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "store/topology.h"

/* 255: TOPOLOGY_NODES_MAX is less. */
enum { TOPOLOGY_SLOTS = 16384, TOPOLOGY_NO_NODE = 255 };

/* What is known of the node that is a master of the cluster. Its address is in its pool. */
struct topology_seat {
	atomic_bool used;
	char id[64]; /* of the cluster's */
	long long named_epoch; /* of the latest map that named it */
	atomic_bool named; /* in the latest map */
	_Atomic int64_t alive_ms; /* when its keeper last heard of it */
};

struct topology_cluster {
	pthread_mutex_t mutex; /* the map is being changed */
	_Atomic uint8_t slot[TOPOLOGY_SLOTS]; /* index of a node, or TOPOLOGY_NO_NODE */
	struct topology_seat seat[TOPOLOGY_NODES_MAX];
	long long epoch; /* the highest seen */
	atomic_bool loading;
	_Atomic int64_t loaded_ms; /* 0: never */
	/* 1 + index of a node that did not answer when no time was left to ask another. */
	_Atomic unsigned doubted;
	struct breaker breaker; /* of finding any node */
};

struct topology_sentinel {
	_Atomic size_t best; /* the one that answered last */
	_Atomic int64_t asked_ms; /* when the address was last confirmed; 0: it is in doubt */
	atomic_bool known;
};

struct topology {
	struct topology_config config;
	struct node *node[TOPOLOGY_NODES_MAX];
	_Atomic size_t nodes;
	_Atomic unsigned version;
	struct topology_cluster *cluster; /* NULL in the others */
	struct topology_sentinel sentinel;
};

/* Adds an unused node at the end; NULL when there are too many. */
struct node *topology_add(struct topology *topology);

/* ---- topology_slot.c: what the protocol of the cluster says ---- */

/* CRC16 of what is between the first { and the next }, or of the whole key. */
unsigned topology_slot(const char *key);
/* The key that says where a command goes; NULL when any node will do. */
const char *topology_key(const struct store_command *command);
struct topology_redirect {
	bool asking; /* ASK, not MOVED */
	unsigned slot;
	char host[256]; /* "": the host of the node that said so */
	char port[8];
};
/* Of "MOVED 3999 127.0.0.1:6381" or "ASK 3999 127.0.0.1:6381". */
bool topology_parse_redirect(struct topology_redirect *out, const char *error);
/* "cluster_known_nodes:6" and the like in CLUSTER INFO; -1 when it is not there. */
long long topology_info(const char *info, const char *name);

/* ---- topology_sentinel.c ---- */

enum wire_result topology_sentinel_open(
	struct topology *topology, struct wire_call *call, struct connection *out);
/* The address is in doubt. */
void topology_sentinel_doubt(struct topology *topology);
/* Asks again when the last time is a while ago. */
void topology_sentinel_confirm(struct topology *topology, struct wire_call *call);

/* ---- topology_cluster.c, topology_map.c ---- */

struct topology_cluster *topology_cluster_new(void);
void topology_cluster_free(struct topology_cluster *cluster);
struct node *topology_cluster_find(struct topology *topology, const struct store_command *command,
	struct node *near, struct wire_call *call, enum wire_result *result);
enum topology_advice topology_cluster_advise(
	struct topology *topology, struct node **node, const char *error, struct wire_call *call);
bool topology_cluster_judge(struct topology *topology, struct connection *control,
	struct wire_call *call, const struct wire_reply *answers, struct topology_view *view);
/* Asks the nodes that are known, then the seeds, for the map. `avoid` may be NULL. */
bool topology_map_load(struct topology *topology, const struct node *avoid, struct wire_call *call);
/* Asks this one, on a connection to `from`. */
bool topology_map_load_from(struct topology *topology, struct wire *wire, const struct target *from,
	struct wire_call *call);
/* The node at that address; NULL when none is known there. */
struct node *topology_map_find(struct topology *topology, const char *host, const char *port);

#endif
