#include "base/queue.h"

#include "base/log.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	size_t capacity, first, count, at_once;
	size_t waiting, woken; /* threads; the woken are among the waiting until they run */
	bool closed;
	void *item[];
};

struct queue *queue_new(size_t capacity, size_t at_once)
{
	struct queue *queue = calloc(1, sizeof *queue + capacity * sizeof queue->item[0]);

	if (!queue)
		fatal("out of memory: a queue of %zu", capacity);
	queue->capacity = capacity;
	queue->at_once = at_once;
	pthread_mutex_init(&queue->lock, NULL);
	pthread_cond_init(&queue->filled, NULL);
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

/* A thread for what those that are on their way cannot take. */
static void queue_wake(struct queue *queue)
{
	if (queue->waiting <= queue->woken || queue->count <= queue->woken * queue->at_once)
		return;
	queue->woken++;
	pthread_cond_signal(&queue->filled);
}

static void queue_make_room(struct queue *queue)
{
	if (queue->count == queue->capacity)
		fatal("a queue of %zu is full", queue->capacity);
	queue->count++;
	queue_wake(queue);
}

void queue_put(struct queue *queue, void *item)
{
	pthread_mutex_lock(&queue->lock);
	queue_make_room(queue);
	queue->item[(queue->first + queue->count - 1) % queue->capacity] = item;
	pthread_mutex_unlock(&queue->lock);
}

void queue_put_first(struct queue *queue, void *item)
{
	pthread_mutex_lock(&queue->lock);
	queue_make_room(queue);
	queue->first = (queue->first + queue->capacity - 1) % queue->capacity;
	queue->item[queue->first] = item;
	pthread_mutex_unlock(&queue->lock);
}

static void queue_wait(struct queue *queue)
{
	queue->waiting++;
	pthread_cond_wait(&queue->filled, &queue->lock);
	queue->waiting--;
	if (queue->woken > 0)
		queue->woken--;
}

size_t queue_take_some(struct queue *queue, void **items, size_t most, queue_joins *joins)
{
	size_t taken = 0;

	pthread_mutex_lock(&queue->lock);
	while (queue->count == 0 && !queue->closed)
		queue_wait(queue);
	most = most < queue->at_once ? most : queue->at_once;
	while (queue->count > 0 && taken < most) {
		void *head = queue->item[queue->first];

		if (taken > 0 && (!joins(items[0]) || !joins(head)))
			break;
		items[taken++] = head;
		queue->first = (queue->first + 1) % queue->capacity;
		queue->count--;
	}
	queue_wake(queue);
	pthread_mutex_unlock(&queue->lock);
	return taken;
}

void *queue_take(struct queue *queue)
{
	void *item = NULL;

	return queue_take_some(queue, &item, 1, NULL) == 1 ? item : NULL;
}

void queue_close(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->closed = true;
	pthread_cond_broadcast(&queue->filled);
	pthread_mutex_unlock(&queue->lock);
}
