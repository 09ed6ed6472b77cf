/* The connections to one server that nobody uses at the moment. Any number of threads may call.
 *
 * The server may move: each connection carries the generation of the address that it was opened
 * for, and one of an older generation is never used again. */
#ifndef DOORWARD_STORE_POOL_H
#define DOORWARD_STORE_POOL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "store/target.h"
#include "store/wire.h"

enum { POOL_MAX = 64 };

struct pool {
	pthread_mutex_t mutex;
	struct target target;
	unsigned generation;
	struct wire *idle[POOL_MAX]; /* all of this generation */
	size_t count;
};

void pool_init(struct pool *pool, const struct target *target);
void pool_wipe(struct pool *pool);
/* An idle connection that is still good; NULL when there is none. */
struct wire *pool_take(struct pool *pool, unsigned *generation);
/* Only after WIRE_OK; otherwise wire_close. */
void pool_give(struct pool *pool, struct wire *wire, unsigned generation);
/* Closes all that are idle. */
void pool_clear(struct pool *pool);
/* A new generation: at another address, or at the same (NULL). */
void pool_renew(struct pool *pool, const struct target *target);
/* The same unless the generation is another than *generation: false then, else the new one in it.
 */
bool pool_renew_from(struct pool *pool, unsigned *generation);
/* The address and its generation. */
unsigned pool_target(struct pool *pool, struct target *out);
unsigned pool_generation(struct pool *pool);

#endif
