#include "http/gateway.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/queue.h"
#include "base/thread.h"
#include "http/gateway_own.h"
#include "http/job.h"
#include "http/response.h"

enum {
	GATEWAY_ANSWER_MAX_BYTES = RESPONSE_HEADERS_MAX_BYTES + RESPONSE_BODY_MAX_BYTES + 1024,
	GATEWAY_FRONTS_MAX = 2,
	GATEWAY_WAITING_MAX = 64, /* more stay in the socket's backlog */
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

/* ---- on a thread that may wait ---- */

static void gateway_handle_one(struct gateway *gateway, struct job *job)
{
	/* Nothing written would mean "let it in". */
	if (!job->cut && !gateway->config.handle(&job->call, &job->response, gateway->context))
		fatal("a request was handed on twice");
}

void gateway_handle_many(
	struct gateway *gateway, struct job *const jobs[], bool answered[], size_t count)
{
	const struct gateway_call *calls[GATEWAY_TOGETHER_MAX];
	struct response *responses[GATEWAY_TOGETHER_MAX];

	for (size_t i = 0; i < count; i++) {
		calls[i] = &jobs[i]->call;
		responses[i] = &jobs[i]->response;
	}
	gateway->config.handle_many(calls, responses, answered, count, gateway->context);
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

void gateway_serve_waiting(struct gateway *gateway, struct job *const jobs[], size_t count)
{
	bool answered[GATEWAY_TOGETHER_MAX];

	if (!gateway_begin_waiting(gateway, jobs[0]))
		return;
	for (size_t i = 0; i < count; i++)
		jobs[i]->call.patience = GATEWAY_WAITS;
	if (count > 1) {
		gateway_handle_many(gateway, jobs, answered, count);
		for (size_t i = 0; i < count; i++)
			if (!answered[i])
				fatal("a request was handed on twice");
	} else {
		gateway_handle_one(gateway, jobs[0]);
	}
	/* The answers may stand in each other's memory: it goes when all are made. */
	for (size_t i = 0; i < count; i++)
		job_send(jobs[i]);
	for (size_t i = 0; i < count; i++)
		job_end(jobs[i]);
}

void gateway_pause(void)
{
	static const struct timespec moment = { .tv_nsec = 10 * 1000 * 1000 };

	nanosleep(&moment, NULL);
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
	size_t count = gateway->jobs;

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
	/* An inherited one may be either. Who gathers must not wait with others in hand. */
	int flags = fcntl(descriptor, F_GETFL);
	if (flags >= 0)
		fcntl(descriptor, F_SETFL,
			config->at_once ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
	gateway->descriptor = descriptor;
	gateway->config = *config;
	gateway->context = context;
	gateway->fronts = config->handle_many ? gateway_count_fronts() : config->threads;
	gateway->threads = config->threads + (config->handle_many ? gateway->fronts : 0);
	/* Who gathers has some in hand. */
	gateway->jobs = (size_t)gateway->threads + GATEWAY_WAITING_MAX +
			(config->at_once ? (size_t)gateway->fronts * GATEWAY_TOGETHER_MAX : 0);
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
	for (size_t i = 0; i < gateway->jobs; i++)
		job_free(&gateway->job[i]);
	queue_free(gateway->idle);
	queue_free(gateway->waiting);
	free(gateway->thread);
	free(gateway->job);
	free(gateway);
}
