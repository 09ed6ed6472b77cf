/* A bounded line of pointers between threads. */
#ifndef DOORWARD_BASE_QUEUE_H
#define DOORWARD_BASE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

struct queue;

/* May it be taken together with others of which the same is true? */
typedef bool queue_joins(const void *item);
/* at_once: how many of them a thread may take. joins NULL: each is taken alone. */
struct queue *queue_new(size_t capacity, size_t at_once, queue_joins *joins);
/* What still stands in it is the caller's. queue_free(NULL) does nothing. */
void queue_free(struct queue *queue);

/* At its end, or (what was used last is still in the processor's cache) at its head. Never waits:
 * one more than the capacity is fatal(), whoever puts must know how many there are. */
void queue_put(struct queue *queue, void *item);
void queue_put_first(struct queue *queue, void *item);
/* The head; waits for one. NULL once the queue is closed and empty. */
void *queue_take(struct queue *queue);
/* The same without waiting: NULL when nothing stands there. */
void *queue_take_now(struct queue *queue);

/* A thread's last taking, of things that join; zero before the first. */
struct queue_round {
	bool together;
};
/* Ends the thread's last round and begins a new one: the head, and what stands right behind it and
 * joins it, `most` at most and no more than at_once; waits for one. How many; 0 once the queue is
 * closed and empty.
 *
 * While a round of things that join is under way, those that come wait for its thread to return,
 * and so go together: the busier, the more. Not if the line grows long, nor if it takes longer than
 * a moment (half a millisecond). A round begun with `most` 1 keeps nobody waiting. */
size_t queue_take_some(struct queue *queue, struct queue_round *round, void **items, size_t most);
/* Wakes all who wait; what stands in it may still be taken. */
void queue_close(struct queue *queue);

#endif
