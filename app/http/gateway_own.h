/* The inside of a gateway, for gateway*.c only. */
#ifndef DOORWARD_HTTP_GATEWAY_OWN_H
#define DOORWARD_HTTP_GATEWAY_OWN_H

#include <pthread.h>
#include <stdatomic.h>

#include "http/gateway.h"

struct job;
struct queue;

struct gateway_thread {
	pthread_t id;
	struct gateway *gateway;
	atomic_bool accepting; /* a signal may interrupt it without harm */
	bool front;
};

struct gateway {
	int descriptor;
	struct gateway_config config;
	void *context;
	int fronts, threads; /* the fronts are the first of all threads */
	struct gateway_thread *thread;
	struct job *job;
	size_t jobs;
	struct queue *idle, *waiting;
	atomic_bool stopping;
	atomic_int fronts_running;
};

/* Accepts until the gateway stops; answers what takes no time, the rest goes to `waiting`. */
void gateway_work_front(struct gateway_thread *thread);
/* Answers those of a pool's thread, however long it takes; they are free afterwards. */
void gateway_serve_waiting(struct gateway *gateway, struct job *const jobs[], size_t count);
/* Has them handled, with the patience of their calls. */
void gateway_handle_many(
	struct gateway *gateway, struct job *const jobs[], bool answered[], size_t count);
void gateway_pause(void);

#endif
