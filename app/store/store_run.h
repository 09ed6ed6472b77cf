/* One store_run, for store_run.c and store_batch.c only. */
#ifndef DOORWARD_STORE_STORE_RUN_H
#define DOORWARD_STORE_STORE_RUN_H

#include "store/store_own.h"

/* Commands that stay together: a transaction, or a write and the WAIT for its replicas. */
struct store_unit {
	size_t from, end;
	struct node *node; /* NULL: not known yet */
	bool asking;
	bool loaded; /* the scripts, for it */
	bool done;
};

/* One store_run. */
struct store_run {
	struct store *store;
	struct store_command *commands;
	struct wire_reply *replies;
	size_t count;
	struct store_unit *units;
	size_t unit_count;
	struct wire_call call;
	bool patient; /* had time enough that lateness is the store's fault */
	bool broke; /* a connection did, once */
	bool pause; /* before the next try */
	bool down; /* the node that answered last can serve nobody */
	/* The node whose breaker was passed, how, and what came of it. */
	struct node *entered;
	int64_t entered_at_ms;
	enum breaker_pass pass;
	enum wire_result failed;
};

/* Sends what is still to be done at that node, with ASKING and scripts where they are needed, and
 * sorts the answers: units are done, or know where to go next. */
enum wire_result store_batch_run(struct store_run *run, struct node *node, struct wire *wire);
bool store_batch_is_repeatable(const struct store_run *run, const struct store_unit *unit);

#endif
