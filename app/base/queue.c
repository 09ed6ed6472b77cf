#include "base/queue.h"

#include "base/log.h"
#include "base/thread.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

enum {
	QUEUE_MOMENT_NS = 500000,
	QUEUE_LONG = 2, /* times at_once, for each round under way */
};

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	size_t capacity, first, count, at_once;
	queue_joins *joins;
	size_t waiting, woken; /* threads; the woken are among the waiting until they run */
	size_t watching; /* of the waiting: for how long a round takes */
	size_t rounds; /* under way, of things that join */
	int64_t began_ns; /* the last of them */
	bool closed;
	void *item[];
};

struct queue *queue_new(size_t capacity, size_t at_once, queue_joins *joins)
{
	struct queue *queue = calloc(1, sizeof *queue + capacity * sizeof queue->item[0]);

	if (!queue)
		fatal("out of memory: a queue of %zu", capacity);
	queue->capacity = capacity;
	queue->at_once = at_once;
	queue->joins = joins;
	pthread_mutex_init(&queue->lock, NULL);
	thread_cond_init(&queue->filled);
	return queue;
}

void queue_free(struct queue *queue)
{
	if (!queue)
		return;
	pthread_cond_destroy(&queue->filled);
	pthread_mutex_destroy(&queue->lock);
	free(queue);
}

static int64_t queue_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static bool queue_head_joins(const struct queue *queue)
{
	return queue->joins && queue->count > 0 && queue->joins(queue->item[queue->first]);
}

/* Is the head for whoever is there, rather than for the thread that is on its way back? */
static bool queue_may_take(const struct queue *queue)
{
	if (queue->count == 0)
		return false;
	return queue->rounds == 0 || !queue_head_joins(queue) ||
	       queue->count > queue->rounds * queue->at_once * QUEUE_LONG ||
	       queue_now_ns() - queue->began_ns >= QUEUE_MOMENT_NS;
}

/* A thread for what those that are on their way cannot take, or to watch how long that is. */
static void queue_wake(struct queue *queue)
{
	if (queue->waiting <= queue->woken || queue->count <= queue->woken * queue->at_once)
		return;
	if (queue->watching > 0 && !queue_may_take(queue))
		return;
	queue->woken++;
	pthread_cond_signal(&queue->filled);
}

static void queue_add(struct queue *queue, void *item, bool at_head)
{
	pthread_mutex_lock(&queue->lock);
	if (queue->count == queue->capacity)
		fatal("a queue of %zu is full", queue->capacity);
	if (at_head)
		queue->first = (queue->first + queue->capacity - 1) % queue->capacity;
	queue->item[(queue->first + (at_head ? 0 : queue->count)) % queue->capacity] = item;
	queue->count++;
	queue_wake(queue);
	pthread_mutex_unlock(&queue->lock);
}

void queue_put(struct queue *queue, void *item)
{
	queue_add(queue, item, false);
}

void queue_put_first(struct queue *queue, void *item)
{
	queue_add(queue, item, true);
}

static void queue_watch(struct queue *queue)
{
	int64_t ns = queue->began_ns + QUEUE_MOMENT_NS;
	struct timespec until = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };

	queue->watching++;
	pthread_cond_timedwait(&queue->filled, &queue->lock, &until);
	queue->watching--;
}

static void queue_wait(struct queue *queue)
{
	queue->waiting++;
	if (queue->count > 0)
		queue_watch(queue);
	else
		pthread_cond_wait(&queue->filled, &queue->lock);
	queue->waiting--;
	if (queue->woken > 0)
		queue->woken--;
}

/* The head, and what joins it. */
static size_t queue_take_those(struct queue *queue, void **items, size_t most)
{
	size_t taken = 0;

	while (queue->count > 0 && taken < most && (taken == 0 || queue_head_joins(queue))) {
		items[taken++] = queue->item[queue->first];
		queue->first = (queue->first + 1) % queue->capacity;
		queue->count--;
	}
	return taken;
}

size_t queue_take_some(struct queue *queue, struct queue_round *round, void **items, size_t most)
{
	pthread_mutex_lock(&queue->lock);
	queue->rounds -= round->together;
	while (!queue->closed && !queue_may_take(queue))
		queue_wait(queue);
	most = most < queue->at_once ? most : queue->at_once;
	round->together = most > 1 && queue_head_joins(queue);
	size_t taken = queue_take_those(queue, items, round->together ? most : 1);
	if (round->together) {
		queue->rounds++;
		queue->began_ns = queue_now_ns();
	}
	queue_wake(queue);
	pthread_mutex_unlock(&queue->lock);
	return taken;
}

void *queue_take(struct queue *queue)
{
	struct queue_round round = { .together = false };
	void *item = NULL;

	return queue_take_some(queue, &round, &item, 1) == 1 ? item : NULL;
}

void *queue_take_now(struct queue *queue)
{
	void *item = NULL;

	pthread_mutex_lock(&queue->lock);
	queue_take_those(queue, &item, 1);
	pthread_mutex_unlock(&queue->lock);
	return item;
}

void queue_close(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->closed = true;
	pthread_cond_broadcast(&queue->filled);
	pthread_mutex_unlock(&queue->lock);
}
