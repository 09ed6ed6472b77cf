/* A bounded line of pointers between threads. */
#ifndef DOORWARD_BASE_QUEUE_H
#define DOORWARD_BASE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

struct queue;

struct queue *queue_new(size_t capacity);
/* What still stands in it is the caller's. queue_free(NULL) does nothing. */
void queue_free(struct queue *queue);

/* At its end, or (what was used last is still in the processor's cache) at its head. Never waits:
 * one more than the capacity is fatal(), whoever puts must know how many there are. */
void queue_put(struct queue *queue, void *item);
void queue_put_first(struct queue *queue, void *item);
/* The head; waits for one. NULL once the queue is closed and empty. */
void *queue_take(struct queue *queue);
/* At this moment. */
bool queue_is_empty(struct queue *queue);
/* Wakes all who wait; what stands in it may still be taken. */
void queue_close(struct queue *queue);

#endif
