#include "http/gateway.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/queue.h"
#include "base/thread.h"
#include "http/job.h"
#include "http/response.h"

enum {
	GATEWAY_ANSWER_MAX_BYTES = RESPONSE_HEADERS_MAX_BYTES + RESPONSE_BODY_MAX_BYTES + 1024,
	GATEWAY_POLL_MS = 100,
	GATEWAY_FRONTS_MAX = 2,
	GATEWAY_FRONT_WAIT_MS = 5, /* the peer connected and is about to write */
	GATEWAY_WAITING_MAX = 64, /* more stay in the socket's backlog */
};

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
	struct queue *idle, *waiting;
	atomic_bool stopping;
	atomic_int fronts_running;
};

void gateway_render(const struct response *response, struct buf *out)
{
	buf_init(out, response->headers.arena, GATEWAY_ANSWER_MAX_BYTES);
	if (!response_render(response, out))
		log_error("an answer could not be built: sent 503 instead");
	/* Law 1: an empty answer lets the request in on lighttpd. */
	if (out->len == 0 || !buf_ok(out))
		fatal("an answer without a status");
}

bool gateway_answer(
	const struct gateway_call *call, gateway_handler *handle, void *context, struct buf *out)
{
	struct response response;

	response_init(&response, call->arena);
	if (!handle(call, &response, context))
		return false;
	gateway_render(&response, out);
	return true;
}

static void gateway_finish(struct job *job)
{
	job_send(job);
	job_end(job);
}

/* ---- on a thread that accepts ---- */

/* A peer that has connected writes in the next moment; a slow one is for the pool. */
static bool gateway_comes_soon(const struct job *job)
{
	struct pollfd readable = { .fd = job->peer, .events = POLLIN };

	return poll(&readable, 1, GATEWAY_FRONT_WAIT_MS) == 1 && job_has_come(job);
}

/* True when the job is free again; false when it went to the pool. */
static bool gateway_serve_now(struct gateway *gateway, struct job *job)
{
	bool answered = false;

	if (job_has_come(job) || gateway_comes_soon(job)) {
		if (!job_begin(job, gateway->config.takes))
			return true;
		answered = job->cut || (gateway->config.memory_first &&
					       gateway->config.handle(&job->call, &job->response,
						       gateway->context));
	}
	if (answered)
		gateway_finish(job);
	else
		queue_put(gateway->waiting, job);
	return answered;
}

/* ---- on a thread that may wait ---- */

static void gateway_handle_one(struct gateway *gateway, struct job *job)
{
	/* Nothing written would mean "let it in". */
	if (!job->cut && !gateway->config.handle(&job->call, &job->response, gateway->context))
		fatal("a request was handed on twice");
}

static void gateway_handle_many(struct gateway *gateway, struct job *const jobs[], size_t count)
{
	const struct gateway_call *calls[GATEWAY_TOGETHER_MAX];
	struct response *responses[GATEWAY_TOGETHER_MAX];

	for (size_t i = 0; i < count; i++) {
		calls[i] = &jobs[i]->call;
		responses[i] = &jobs[i]->response;
	}
	gateway->config.handle_many(calls, responses, count, gateway->context);
}

/* False when there is no request. */
static bool gateway_begin_waiting(struct gateway *gateway, struct job *job)
{
	bool slow = !job->begun && !job_has_come(job);

	if (slow)
		job_wait_for_peer(job);
	if (!job->begun && !job_begin(job, gateway->config.takes))
		return false;
	if (!slow && !job_is_check(job))
		job_wait_for_peer(job);
	return true;
}

static void gateway_serve_waiting(struct gateway *gateway, struct job *const jobs[], size_t count)
{
	if (!gateway_begin_waiting(gateway, jobs[0]))
		return;
	for (size_t i = 0; i < count; i++)
		jobs[i]->call.may_wait = true;
	if (count > 1)
		gateway_handle_many(gateway, jobs, count);
	else
		gateway_handle_one(gateway, jobs[0]);
	/* The answers may stand in each other's memory: it goes when all are made. */
	for (size_t i = 0; i < count; i++)
		job_send(jobs[i]);
	for (size_t i = 0; i < count; i++)
		job_end(jobs[i]);
}

/* ---- accepting ---- */

static void gateway_pause(void)
{
	static const struct timespec moment = { .tv_nsec = 10 * 1000 * 1000 };

	nanosleep(&moment, NULL);
}

static void gateway_accept_failed(const struct gateway *gateway, int error)
{
	struct pollfd readable = { .fd = gateway->descriptor, .events = POLLIN };

	switch (error) {
	case EAGAIN: /* another process that has the socket too made it non-blocking */
		poll(&readable, 1, GATEWAY_POLL_MS);
		return;
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

static int gateway_accept(struct gateway_thread *thread)
{
	struct gateway *gateway = thread->gateway;
	int peer = -1;

	atomic_store(&thread->accepting, true);
	if (!atomic_load(&gateway->stopping))
		peer = accept4(gateway->descriptor, NULL, NULL, SOCK_CLOEXEC);
	int error = errno;
	atomic_store(&thread->accepting, false);
	if (peer < 0 && !atomic_load(&gateway->stopping))
		gateway_accept_failed(gateway, error);
	return peer;
}

static void gateway_work_front(struct gateway_thread *thread)
{
	struct gateway *gateway = thread->gateway;
	struct job *job = NULL;

	while (!atomic_load(&gateway->stopping)) {
		if (!job && !(job = queue_take(gateway->idle)))
			break;
		if ((job->peer = gateway_accept(thread)) < 0)
			continue;
		if (!gateway->config.handle_many)
			gateway_serve_waiting(gateway, &job, 1);
		else if (!gateway_serve_now(gateway, job))
			job = NULL;
	}
	atomic_fetch_sub(&gateway->fronts_running, 1);
}

/* A page may take long, and who is not read yet may be slow: nobody waits for them. */
static bool gateway_may_join(const void *item)
{
	const struct job *job = item;

	return job->begun && job_is_check(job);
}

/* What has gathered while all threads were busy is answered together: the busier, the more. */
static void gateway_work_waiting(struct gateway *gateway)
{
	struct queue_round round = { .together = false };
	void *items[GATEWAY_TOGETHER_MAX];
	struct job *jobs[GATEWAY_TOGETHER_MAX];
	size_t count;

	while ((count = queue_take_some(
			gateway->waiting, &round, items, gateway->config.together())) > 0) {
		for (size_t i = 0; i < count; i++)
			jobs[i] = items[i];
		gateway_serve_waiting(gateway, jobs, count);
		for (size_t i = 0; i < count; i++)
			queue_put_first(gateway->idle, jobs[i]);
	}
}

static void *gateway_work(void *argument)
{
	struct gateway_thread *thread = argument;

	if (thread->gateway->config.nice)
		thread_give_way(thread->gateway->config.nice);
	if (thread->front)
		gateway_work_front(thread);
	else
		gateway_work_waiting(thread->gateway);
	return NULL;
}

/* ---- its life ---- */

static void gateway_wake(int unused)
{
	(void)unused; /* only to interrupt accept */
}

static void gateway_init_once(void)
{
	struct sigaction wake = { .sa_handler = gateway_wake };

	job_start_library();
	sigaction(SIGUSR2, &wake, NULL); /* without SA_RESTART */
}

/* A second one only where it finds a processor of its own: two take turns, and pay for it. */
static int gateway_count_fronts(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN) > GATEWAY_FRONTS_MAX ? GATEWAY_FRONTS_MAX : 1;
}

static void gateway_make_jobs(struct gateway *gateway)
{
	size_t count = (size_t)gateway->threads + GATEWAY_WAITING_MAX;

	gateway->job = calloc(count, sizeof *gateway->job);
	gateway->thread = calloc((size_t)gateway->threads, sizeof *gateway->thread);
	if (!gateway->job || !gateway->thread)
		fatal("out of memory");
	gateway->idle = queue_new(count, 1, NULL);
	gateway->waiting = queue_new(count, GATEWAY_TOGETHER_MAX, gateway_may_join);
	for (size_t i = 0; i < count; i++) {
		job_init(&gateway->job[i]);
		queue_put(gateway->idle, &gateway->job[i]);
	}
}

struct gateway *gateway_start(int descriptor, const struct gateway_config *config, void *context)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct gateway *gateway = calloc(1, sizeof *gateway);

	pthread_once(&once, gateway_init_once);
	if (!gateway)
		fatal("out of memory");
	/* An inherited one may be non-blocking; ours must wait. */
	int flags = fcntl(descriptor, F_GETFL);
	if (flags >= 0 && (flags & O_NONBLOCK))
		fcntl(descriptor, F_SETFL, flags & ~O_NONBLOCK);
	gateway->descriptor = descriptor;
	gateway->config = *config;
	gateway->context = context;
	gateway->fronts = config->handle_many ? gateway_count_fronts() : config->threads;
	gateway->threads = config->threads + (config->handle_many ? gateway->fronts : 0);
	gateway_make_jobs(gateway);
	atomic_store(&gateway->fronts_running, gateway->fronts);
	for (int i = 0; i < gateway->threads; i++) {
		gateway->thread[i].gateway = gateway;
		gateway->thread[i].front = i < gateway->fronts;
		if (pthread_create(
			    &gateway->thread[i].id, NULL, gateway_work, &gateway->thread[i]) != 0)
			fatal("a thread could not be started");
	}
	return gateway;
}

/* A signal can come between a thread's look at `stopping` and its accept, so it is sent until the
 * thread is gone. shutdown() on the socket would do too, but an inherited one is shared with other
 * processes. */
static void gateway_stop_fronts(struct gateway *gateway)
{
	atomic_store(&gateway->stopping, true);
	queue_close(gateway->idle);
	while (atomic_load(&gateway->fronts_running) > 0) {
		for (int i = 0; i < gateway->fronts; i++)
			if (atomic_load(&gateway->thread[i].accepting))
				pthread_kill(gateway->thread[i].id, SIGUSR2);
		gateway_pause();
	}
}

void gateway_stop(struct gateway *gateway)
{
	if (!gateway)
		return;
	gateway_stop_fronts(gateway);
	queue_close(gateway->waiting);
	for (int i = 0; i < gateway->threads; i++)
		pthread_join(gateway->thread[i].id, NULL);
	for (int i = 0; i < gateway->threads + GATEWAY_WAITING_MAX; i++)
		job_free(&gateway->job[i]);
	queue_free(gateway->idle);
	queue_free(gateway->waiting);
	free(gateway->thread);
	free(gateway->job);
	free(gateway);
}
