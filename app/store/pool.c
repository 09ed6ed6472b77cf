#include "store/pool.h"

void pool_init(struct pool *pool, const struct target *target)
{
	pthread_mutex_init(&pool->mutex, NULL);
	pool->target = *target;
	pool->generation = 1;
	pool->count = 0;
}

void pool_wipe(struct pool *pool)
{
	pool_clear(pool);
	pthread_mutex_destroy(&pool->mutex);
}

static struct wire *pop(struct pool *pool, unsigned *generation)
{
	struct wire *wire = NULL;
	pthread_mutex_lock(&pool->mutex);
	if (pool->count > 0)
		wire = pool->idle[--pool->count];
	*generation = pool->generation;
	pthread_mutex_unlock(&pool->mutex);
	return wire;
}

struct wire *pool_take(struct pool *pool, unsigned *generation)
{
	struct wire *wire;
	/* One that the server closed, or spoke on unasked, is found out before it is used: a
	 * command lost on it could not always be sent again. */
	while ((wire = pop(pool, generation)) && !wire_is_quiet(wire))
		wire_close(wire);
	return wire;
}

void pool_give(struct pool *pool, struct wire *wire, unsigned generation)
{
	pthread_mutex_lock(&pool->mutex);
	if (pool->count < POOL_MAX && generation == pool->generation) {
		pool->idle[pool->count++] = wire;
		wire = NULL;
	}
	pthread_mutex_unlock(&pool->mutex);
	wire_close(wire);
}

void pool_clear(struct pool *pool)
{
	struct wire *wire;
	unsigned generation;
	while ((wire = pop(pool, &generation)))
		wire_close(wire);
}

/* Takes what is idle out of the pool, whose mutex is held, to be closed after. */
static size_t empty(struct pool *pool, struct wire *idle[POOL_MAX])
{
	size_t count = pool->count;
	for (size_t i = 0; i < count; i++)
		idle[i] = pool->idle[i];
	pool->count = 0;
	return count;
}

static void close_all(struct wire *const *idle, size_t count)
{
	for (size_t i = 0; i < count; i++)
		wire_close(idle[i]);
}

void pool_renew(struct pool *pool, const struct target *target)
{
	struct wire *old[POOL_MAX];
	pthread_mutex_lock(&pool->mutex);
	size_t count = empty(pool, old);
	pool->generation++;
	if (target)
		pool->target = *target;
	pthread_mutex_unlock(&pool->mutex);
	close_all(old, count);
}

bool pool_renew_from(struct pool *pool, unsigned *generation)
{
	struct wire *old[POOL_MAX];
	size_t count = 0;
	pthread_mutex_lock(&pool->mutex);
	bool same = pool->generation == *generation;
	if (same) {
		count = empty(pool, old);
		*generation = ++pool->generation;
	}
	pthread_mutex_unlock(&pool->mutex);
	close_all(old, count);
	return same;
}

unsigned pool_target(struct pool *pool, struct target *out)
{
	pthread_mutex_lock(&pool->mutex);
	*out = pool->target;
	unsigned generation = pool->generation;
	pthread_mutex_unlock(&pool->mutex);
	return generation;
}

unsigned pool_generation(struct pool *pool)
{
	pthread_mutex_lock(&pool->mutex);
	unsigned generation = pool->generation;
	pthread_mutex_unlock(&pool->mutex);
	return generation;
}
