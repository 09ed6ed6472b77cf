/* The connections that nobody uses at the moment. Any number of threads may call. */
#ifndef DOORWARD_STORE_POOL_H
#define DOORWARD_STORE_POOL_H

#include <pthread.h>
#include <stddef.h>

#include "store/target.h"
#include "store/wire.h"

enum { POOL_MAX = 64 };

struct pool {
	struct target target;
	const char *password; /* borrowed; NULL: none */
	pthread_mutex_t mutex;
	struct wire *idle[POOL_MAX];
	size_t count;
};

/* The target and the password are set by the caller. */
void pool_init(struct pool *pool);
void pool_wipe(struct pool *pool);
/* An idle connection, or a new one. */
enum wire_result pool_take(struct pool *pool, struct wire_call *call, struct wire **out);
/* Only after WIRE_OK; otherwise wire_close. */
void pool_give(struct pool *pool, struct wire *wire);
/* Closes all that are idle. */
void pool_clear(struct pool *pool);

#endif
