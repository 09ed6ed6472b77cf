/* Where connections come from: one server, the master that sentinels name, or the masters of a
 * cluster. What is here tells others no more than "a connection for this key", and what an error
 * reply means for where the key is. Any number of threads may call. */
#ifndef DOORWARD_STORE_TOPOLOGY_H
#define DOORWARD_STORE_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>

#include "store/address.h"
#include "store/node.h"
#include "store/wire.h"

struct topology;

struct topology_config {
	struct address address;
	struct wire_login login; /* of the servers; borrowed */
	const char *sentinel_user; /* "" means the default user; borrowed */
	const char *sentinel_password; /* NULL: none; borrowed */
};

enum { TOPOLOGY_NODES_MAX = 128 };

struct topology *topology_new(const struct topology_config *config);
/* topology_free(NULL) does nothing. */
void topology_free(struct topology *topology);
/* One server at a time holds all keys: no cluster. */
bool topology_is_one(const struct topology *topology);
/* And always the same one: no sentinels either. */
bool topology_is_server(const struct topology *topology);
/* For logs: "store 127.0.0.1:6379". node: NULL for all of it. */
enum { TOPOLOGY_NAME_MAX = 560 };
void topology_name(struct topology *topology, struct node *node, char out[TOPOLOGY_NAME_MAX]);

/* The node for a command: by its key; commands without one go to `near`, or to any when that is
 * NULL. NULL when none is known: call->why says why, *result is WIRE_UNREACHABLE. */
struct node *topology_find(struct topology *topology, const struct store_command *command,
	struct node *near, struct wire_call *call, enum wire_result *result);
/* In a cluster SCAN's cursor is NODE/CURSOR, so that the next one leads through all nodes. The
 * command to send, in the arena, or the command itself; and the same for the cursor that came. */
const struct store_command *topology_put_cursor(
	struct topology *topology, const struct store_command *command, struct arena *arena);
void topology_get_cursor(struct topology *topology, const struct node *node,
	const struct store_command *command, struct wire_call *call, struct wire_reply *reply);

/* A connection to a node, for one exchange. */
struct connection {
	struct node *node;
	struct wire *wire;
	unsigned generation; /* of the node's address */
};
enum wire_result topology_take(struct topology *topology, struct node *node, struct wire_call *call,
	struct connection *out);
/* Only after WIRE_OK; otherwise wire_close. */
void topology_give(struct connection *connection);
/* A new one, never from the pool. */
enum wire_result topology_open(struct topology *topology, struct node *node, struct wire_call *call,
	struct connection *out);

/* What an error reply says about where the key is. None of those commands ran. */
enum topology_advice {
	TOPOLOGY_FINAL, /* nothing: the error stands */
	TOPOLOGY_MOVED, /* ask *node */
	TOPOLOGY_ASKING, /* ask *node, this once, after ASKING */
	TOPOLOGY_LATER, /* ask again in a moment; *node may be another */
	TOPOLOGY_DOWN /* the same, and the node can serve nobody now */
};
enum topology_advice topology_advise(
	struct topology *topology, struct node **node, const char *error, struct wire_call *call);
/* The node did not answer, or refused to be a master. True when another answer may be had by asking
 * again within the call's deadline. */
bool topology_lost(struct topology *topology, struct node *node, struct wire_call *call);

/* A command that goes along with each exchange, last, and whether its answer says that the server
 * was the right one all the time. NULL: none is needed. */
const struct store_command *topology_proof(const struct topology *topology);
bool topology_is_proof(const struct wire_reply *reply);

/* For those who keep a node's keys mirrored. How many nodes there are, some of them perhaps out of
 * use; and a number that changes when a node comes or goes. */
size_t topology_nodes(const struct topology *topology);
unsigned topology_version(const struct topology *topology);
struct node *topology_node(struct topology *topology, size_t index);
bool topology_is_used(const struct topology *topology, size_t index);
/* Finds nodes when none is known, or when this one cannot be reached. */
void topology_look(struct topology *topology, struct node *node, struct wire_call *call);
/* What a keeper asks a node at each heartbeat. */
enum { TOPOLOGY_QUESTIONS_MAX = 2 };
size_t topology_questions(
	const struct topology *topology, const struct store_command *out[TOPOLOGY_QUESTIONS_MAX]);
/* What a keeper remembers of its node from one heartbeat to the next. Begins as zeros. */
struct topology_view {
	long long epoch, known;
	bool seen;
};
/* False when the answers, or others that it asks for on the wire, say that this is not, or may not
 * be, where the node's keys are written. */
bool topology_judge(struct topology *topology, struct connection *control, struct wire_call *call,
	const struct wire_reply *answers, struct topology_view *view);

#endif
