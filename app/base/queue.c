#include "base/queue.h"

#include "base/log.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	size_t capacity, first, count;
	bool closed;
	void *item[];
};

struct queue *queue_new(size_t capacity)
{
	struct queue *queue = calloc(1, sizeof *queue + capacity * sizeof queue->item[0]);

	if (!queue)
		fatal("out of memory: a queue of %zu", capacity);
	queue->capacity = capacity;
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

static void queue_make_room(struct queue *queue)
{
	if (queue->count == queue->capacity)
		fatal("a queue of %zu is full", queue->capacity);
	queue->count++;
	pthread_cond_signal(&queue->filled);
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

void *queue_take(struct queue *queue)
{
	void *item = NULL;

	pthread_mutex_lock(&queue->lock);
	while (queue->count == 0 && !queue->closed)
		pthread_cond_wait(&queue->filled, &queue->lock);
	if (queue->count > 0) {
		item = queue->item[queue->first];
		queue->first = (queue->first + 1) % queue->capacity;
		queue->count--;
	}
	pthread_mutex_unlock(&queue->lock);
	return item;
}

bool queue_is_empty(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	bool empty = queue->count == 0;
	pthread_mutex_unlock(&queue->lock);
	return empty;
}

void queue_close(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->closed = true;
	pthread_cond_broadcast(&queue->filled);
	pthread_mutex_unlock(&queue->lock);
}
