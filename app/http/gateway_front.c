/* The threads that accept: what they answer themselves, and what goes to the pool. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/queue.h"
#include "http/gateway_own.h"
#include "http/job.h"

enum { GATEWAY_FRONT_WAIT_MS = 5 }; /* the peer connected and is about to write */

/* ---- accepting ---- */

static void gateway_accept_failed(int error)
{
	switch (error) {
	case EAGAIN:
	case EINTR:
	case ECONNABORTED:
	case EPROTO: /* what became of a connection before it was accepted: accept(2) */
	case ENETDOWN:
	case ENOPROTOOPT:
	case EHOSTDOWN:
	case ENONET:
	case EHOSTUNREACH:
	case EOPNOTSUPP:
	case ENETUNREACH:
		return;
	case EPERM: /* a firewall */
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		log_error("accept: %s", strerror(error));
		gateway_pause();
		return;
	default:
		/* A process that lives and answers nothing is worse than one that is restarted. */
		fatal("accept: %s: this socket takes no more requests", strerror(error));
	}
}

/* The peer, or -1. Not blocking (ours, or made so by another process that has the socket too) it
 * waits only if it may. */
static int gateway_accept(struct gateway_thread *thread, bool may_wait)
{
	struct gateway *gateway = thread->gateway;
	struct pollfd readable = { .fd = gateway->descriptor, .events = POLLIN };
	int peer = -1, error = EINTR;

	atomic_store(&thread->accepting, true);
	if (!atomic_load(&gateway->stopping)) {
		peer = accept4(gateway->descriptor, NULL, NULL, SOCK_CLOEXEC);
		error = errno;
		if (peer < 0 && error == EAGAIN && may_wait)
			poll(&readable, 1, -1);
	}
	atomic_store(&thread->accepting, false);
	if (peer < 0 && may_wait)
		gateway_accept_failed(error);
	return peer;
}

/* ---- one request ---- */

static void gateway_finish(struct job *job)
{
	job_send(job);
	job_end(job);
}

/* A peer that has connected writes in the next moment; a slow one is for the pool. */
static bool gateway_comes_soon(const struct job *job)
{
	struct pollfd readable = { .fd = job->peer, .events = POLLIN };

	return poll(&readable, 1, GATEWAY_FRONT_WAIT_MS) == 1 && job_has_come(job);
}

/* What became of an accepted connection. */
enum gateway_taken {
	GATEWAY_OVER, /* it is closed, the job free */
	GATEWAY_HANDED_ON, /* it and its job are the pool's */
	GATEWAY_BEGUN,
};

static enum gateway_taken gateway_take_in(struct gateway *gateway, struct job *job, bool has_come)
{
	if (!has_come && !gateway_comes_soon(job)) {
		queue_put(gateway->waiting, job);
		return GATEWAY_HANDED_ON;
	}
	if (!job_begin(job, gateway->config.takes))
		return GATEWAY_OVER;
	if (!job->cut)
		return GATEWAY_BEGUN;
	gateway_finish(job);
	return GATEWAY_OVER;
}

/* True when the job is free again; false when it went to the pool. */
static bool gateway_serve_known(struct gateway *gateway, struct job *job)
{
	enum gateway_taken taken = gateway_take_in(gateway, job, job_has_come(job));

	if (taken != GATEWAY_BEGUN)
		return taken == GATEWAY_OVER;
	job->call.patience = GATEWAY_MEMORY_ONLY;
	if (!gateway->config.handle(&job->call, &job->response, gateway->context)) {
		queue_put(gateway->waiting, job);
		return false;
	}
	gateway_finish(job);
	return true;
}

/* ---- several ---- */

/* The first `count` have begun; of the others, some are there for later. */
struct gathered {
	struct job *job[GATEWAY_TOGETHER_MAX];
	size_t count, most;
};

/* Asks about those that have come; what cannot be answered at once goes to the pool. */
static void gateway_ask(struct gateway *gateway, struct gathered *gathered)
{
	struct job **jobs = gathered->job;
	bool answered[GATEWAY_TOGETHER_MAX];
	size_t count = gathered->count;

	for (size_t i = 0; i < count; i++)
		jobs[i]->call.patience = GATEWAY_BRIEFLY;
	gateway_handle_many(gateway, jobs, answered, count);
	/* The answers may stand in each other's memory: it goes when all are sent. */
	for (size_t i = 0; i < count; i++)
		if (answered[i])
			job_send(jobs[i]);
	for (size_t i = 0; i < count; i++) {
		if (answered[i]) {
			job_end(jobs[i]);
			continue;
		}
		queue_put(gateway->waiting, jobs[i]);
		jobs[i] = NULL;
	}
	gathered->count = 0;
}

static void gathered_swap(struct gathered *gathered, size_t a, size_t b)
{
	struct job *job = gathered->job[a];

	gathered->job[a] = gathered->job[b];
	gathered->job[b] = job;
}

/* A job for the next connection. NULL: there is none for now (but some are in hand), or the gateway
 * stops. */
static struct job *gateway_find_job(struct gateway *gateway, struct gathered *gathered)
{
	size_t at = gathered->count, spare = at;

	while (spare < GATEWAY_TOGETHER_MAX && !gathered->job[spare])
		spare++;
	if (spare < GATEWAY_TOGETHER_MAX)
		gathered_swap(gathered, at, spare);
	else
		gathered->job[at] =
			at > 0 ? queue_take_now(gateway->idle) : queue_take(gateway->idle);
	return gathered->job[at];
}

static void gateway_add(struct gateway *gateway, struct gathered *gathered)
{
	size_t at = gathered->count;
	struct job *job = gathered->job[at];
	bool has_come = job_has_come(job);

	/* Nobody waits for the next one's web server. */
	if (!has_come && at > 0) {
		gateway_ask(gateway, gathered);
		gathered_swap(gathered, 0, at);
		at = 0;
	}
	enum gateway_taken taken = gateway_take_in(gateway, job, has_come);
	if (taken == GATEWAY_BEGUN && at == 0 && !(gathered->most = gateway->config.at_once())) {
		queue_put(gateway->waiting, job);
		taken = GATEWAY_HANDED_ON;
	}
	if (taken == GATEWAY_HANDED_ON)
		gathered->job[at] = NULL;
	else if (taken == GATEWAY_BEGUN)
		gathered->count++;
}

static void gateway_work_gathering(struct gateway_thread *thread)
{
	struct gateway *gateway = thread->gateway;
	struct gathered gathered = { .count = 0 };
	struct job *job;

	while (!atomic_load(&gateway->stopping)) {
		if ((job = gateway_find_job(gateway, &gathered)))
			job->peer = gateway_accept(thread, gathered.count == 0);
		bool more = job && job->peer >= 0;
		if (more)
			gateway_add(gateway, &gathered);
		if (gathered.count > 0 && (!more || gathered.count == gathered.most))
			gateway_ask(gateway, &gathered);
	}
	if (gathered.count > 0)
		gateway_ask(gateway, &gathered);
}

static void gateway_work_single(struct gateway_thread *thread)
{
	struct gateway *gateway = thread->gateway;
	struct job *job = NULL;

	while (!atomic_load(&gateway->stopping)) {
		if (!job && !(job = queue_take(gateway->idle)))
			break;
		if ((job->peer = gateway_accept(thread, true)) < 0)
			continue;
		if (!gateway->config.handle_many)
			gateway_serve_waiting(gateway, &job, 1);
		else if (!gateway_serve_known(gateway, job))
			job = NULL;
	}
}

void gateway_work_front(struct gateway_thread *thread)
{
	if (thread->gateway->config.at_once)
		gateway_work_gathering(thread);
	else
		gateway_work_single(thread);
	atomic_fetch_sub(&thread->gateway->fronts_running, 1);
}
