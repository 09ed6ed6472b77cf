/* A bounded line of pointers between threads. */
#ifndef DOORWARD_BASE_QUEUE_H
#define DOORWARD_BASE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

struct queue;

/* at_once: how many of them a thread may take; so many wake no second one. */
struct queue *queue_new(size_t capacity, size_t at_once);
/* What still stands in it is the caller's. queue_free(NULL) does nothing. */
void queue_free(struct queue *queue);

/* At its end, or (what was used last is still in the processor's cache) at its head. Never waits:
 * one more than the capacity is fatal(), whoever puts must know how many there are. */
void queue_put(struct queue *queue, void *item);
void queue_put_first(struct queue *queue, void *item);
/* The head; waits for one. NULL once the queue is closed and empty. */
void *queue_take(struct queue *queue);
/* The head, and what stands right behind it and may join it, `most` at most and no more than
 * at_once; waits for one. How many; 0 once the queue is closed and empty. */
typedef bool queue_joins(const void *item);
size_t queue_take_some(struct queue *queue, void **items, size_t most, queue_joins *joins);
/* Wakes all who wait; what stands in it may still be taken. */
void queue_close(struct queue *queue);

#endif
