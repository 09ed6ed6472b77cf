#include "store/pool.h"

void pool_init(struct pool *pool)
{
	pthread_mutex_init(&pool->mutex, NULL);
	pool->count = 0;
}

void pool_wipe(struct pool *pool)
{
	pool_clear(pool);
	pthread_mutex_destroy(&pool->mutex);
}

static struct wire *pop(struct pool *pool)
{
	struct wire *wire = NULL;
	pthread_mutex_lock(&pool->mutex);
	if (pool->count > 0)
		wire = pool->idle[--pool->count];
	pthread_mutex_unlock(&pool->mutex);
	return wire;
}

enum wire_result pool_take(struct pool *pool, struct wire_call *call, struct wire **out)
{
	/* One that the server closed, or spoke on unasked, is found out before it is used: a
	 * command lost on it could not always be sent again. */
	while ((*out = pop(pool))) {
		if (wire_is_quiet(*out))
			return WIRE_OK;
		wire_close(*out);
	}
	return wire_open(out, &pool->target, pool->password, call);
}

void pool_give(struct pool *pool, struct wire *wire)
{
	pthread_mutex_lock(&pool->mutex);
	if (pool->count < POOL_MAX) {
		pool->idle[pool->count++] = wire;
		wire = NULL;
	}
	pthread_mutex_unlock(&pool->mutex);
	wire_close(wire);
}

void pool_clear(struct pool *pool)
{
	struct wire *wire;
	while ((wire = pop(pool)))
		wire_close(wire);
}
