/* FastCGI: takes requests in (job.h), has them answered, sends the answers. Knows nothing of what
 * is decided.
 *
 * The three laws: every answer has a Status (503 until a decision replaces it); it is built whole
 * and written once; a request that cannot be answered ends its connection, never an empty answer.
 *
 * Where checks are asked for (handle_many), one or two threads accept, read, and answer what takes
 * no time: what is known, or what the store says at once (at_once) about all that have come; the
 * rest (a slow store or peer, a signature, a password) goes to a pool: many threads that block in
 * accept cost more than a check, and a change of thread as much as asking the store. A thread of
 * the pool takes the checks that wait together, so that what they ask goes in one round trip.
 * Elsewhere each thread of the pool accepts for itself.
 */
#ifndef DOORWARD_HTTP_GATEWAY_H
#define DOORWARD_HTTP_GATEWAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

struct arena;
struct buf;
struct gateway;
struct response;

/* Which requests a socket takes: a responder request on the authorizer's socket (a forgotten
 * AUTH_ROLE) is refused with 503 and logged, since any 2xx page of ours would mean "let it in". */
enum gateway_takes { GATEWAY_BOTH, GATEWAY_AUTHORIZER, GATEWAY_RESPONDER };

/* For how long its thread may be kept. One that accepts has others waiting. */
enum gateway_patience { GATEWAY_MEMORY_ONLY, GATEWAY_BRIEFLY, GATEWAY_WAITS };

/* A request as it came. All of it lives until the handler returns. */
struct gateway_call {
	struct arena *arena;
	const char *const *params; /* "NAME=value", NULL at the end */
	enum gateway_takes takes;
	struct deadline deadline;
	enum gateway_patience patience;
	/* Reads the body: up to len bytes, 0 at its end. Never for an authorizer. */
	size_t (*read)(void *context, char *into, size_t len);
	void *read_context;
};

/* Answers one request; called by many threads at once. The response is a bare 503 before. False
 * (never with GATEWAY_WAITS) to be called again, with the same call on a thread that waits. */
typedef bool gateway_handler(
	const struct gateway_call *call, struct response *response, void *context);

/* The same for several checks at once, all of the same patience. */
typedef void gateway_handler_many(const struct gateway_call *const calls[],
	struct response *const responses[], bool answered[], size_t count, void *context);

enum {
	GATEWAY_ARENA_MAX_BYTES = 8 * 1024 * 1024,
	GATEWAY_REQUEST_MS = 8000,
	GATEWAY_TOGETHER_MAX = 8
};

struct gateway_config {
	enum gateway_takes takes;
	gateway_handler *handle;
	gateway_handler_many *handle_many; /* NULL: each thread accepts for itself */
	size_t (*together)(void); /* with handle_many: for how many checks at most */
	/* With handle_many: how many checks may be asked about by a thread that accepts, 0 for now
	 * none. NULL: it never asks, but answers from memory. */
	size_t (*at_once)(void);
	int nice; /* thread_give_way() of its threads; 0: none */
	int threads; /* so many requests, or batches of them, may wait at once */
};
/* Starts answering the requests of a listening descriptor. */
struct gateway *gateway_start(int descriptor, const struct gateway_config *config, void *context);
/* Takes no new request, waits until those in hand are answered, frees. NULL does nothing. */
void gateway_stop(struct gateway *gateway);

/* What every way in shares: a response as bytes to send, in its arena. Never empty, always with a
 * Status. */
void gateway_render(const struct response *response, struct buf *out);
/* The handler's answer so, in the call's arena. False as the handler says. */
bool gateway_answer(
	const struct gateway_call *call, gateway_handler *handle, void *context, struct buf *out);

#endif
