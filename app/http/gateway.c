#include "http/gateway.h"

#include <errno.h>
#include <fcntl.h>
#include <fastcgi.h>
#include <fcgiapp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/queue.h"
#include "http/record.h"
#include "http/response.h"

enum {
	GATEWAY_ANSWER_MAX_BYTES = RESPONSE_HEADERS_MAX_BYTES + RESPONSE_BODY_MAX_BYTES + 1024,
	GATEWAY_PEER_SEC = 5, /* a web server that stops in the middle of a request */
	GATEWAY_DRAIN_MAX_BYTES = 1024 * 1024,
	GATEWAY_POLL_MS = 100,
	GATEWAY_FRONTS_MAX = 2,
	GATEWAY_FRONT_WAIT_MS = 5, /* the peer connected and is about to write */
	GATEWAY_PEEK_BYTES = 12 * 1024,
	GATEWAY_WAITING_MAX = 64, /* more stay in the socket's backlog */
};

/* A connection and its request, while it goes from one thread to another. */
struct gateway_job {
	int peer;
	bool begun; /* the parameters are read */
	struct deadline deadline; /* from then on */
	struct arena *arena; /* made when first needed */
	FCGX_Request fcgi;
};

struct gateway_thread {
	pthread_t id;
	struct gateway *gateway;
	atomic_bool accepting; /* a signal may interrupt it without harm */
	bool front;
};

struct gateway {
	int descriptor;
	enum gateway_takes takes;
	gateway_handler *handle;
	void *context;
	bool memory_first;
	int fronts, threads; /* the fronts are the first of all threads */
	struct gateway_thread *thread;
	struct gateway_job *job;
	struct queue *idle, *waiting;
	atomic_bool stopping;
	atomic_int fronts_running;
};

bool gateway_answer(
	const struct gateway_call *call, gateway_handler *handle, void *context, struct buf *out)
{
	struct response response;

	response_init(&response, call->arena);
	if (!handle(call, &response, context))
		return false;
	buf_init(out, call->arena, GATEWAY_ANSWER_MAX_BYTES);
	if (!response_render(&response, out))
		log_error("an answer could not be built: sent 503 instead");
	/* Law 1: an empty answer lets the request in on lighttpd. */
	if (out->len == 0 || !buf_ok(out))
		fatal("an answer without a status");
	return true;
}

static size_t gateway_read(void *context, char *into, size_t len)
{
	FCGX_Request *fcgi = context;
	int got = FCGX_GetStr(into, (int)len, fcgi->in);

	return got > 0 ? (size_t)got : 0;
}

/* A body that nobody read would reset the connection under the web server's hands. */
static void gateway_drain(FCGX_Request *fcgi)
{
	char waste[4096];
	size_t total = 0, got = 1;

	while (got > 0 && total < GATEWAY_DRAIN_MAX_BYTES) {
		got = gateway_read(fcgi, waste, sizeof waste);
		total += got;
	}
}

/* Reads the parameters. False when there is no request; then libfcgi has closed the descriptor.
 *
 * We accept and close ourselves, since libfcgi's close lingers in poll: it gets the descriptor in
 * ipcFd, is told to keep the connection, and so leaves it to us. Without a listening socket (-1) it
 * cannot go on to accept by itself when a request is malformed. */
static bool gateway_begin(struct gateway_job *job)
{
	job->fcgi.keepConnection = 1;
	job->fcgi.ipcFd = job->peer;
	if (FCGX_Accept_r(&job->fcgi) != 0)
		return false;
	job->begun = true;
	job->deadline = deadline_in_ms(GATEWAY_REQUEST_MS);
	if (!job->arena)
		job->arena = arena_new(GATEWAY_ARENA_MAX_BYTES);
	return true;
}

static void gateway_end(struct gateway_job *job)
{
	job->fcgi.keepConnection = 1; /* BEGIN_REQUEST overwrote it */
	FCGX_Finish_r(&job->fcgi);
	if (job->fcgi.ipcFd >= 0)
		close(job->fcgi.ipcFd);
	job->fcgi.ipcFd = -1;
	job->begun = false;
	arena_reset(job->arena);
}

/* False: to be done again where it may wait. */
static bool gateway_handle(struct gateway *gateway, struct gateway_job *job, bool may_wait)
{
	FCGX_Request *fcgi = &job->fcgi;
	struct buf out;
	struct gateway_call call = { .arena = job->arena,
		.params = (const char *const *)fcgi->envp,
		.takes = gateway->takes,
		.deadline = job->deadline,
		.may_wait = may_wait,
		.read = gateway_read,
		.read_context = fcgi };

	/* Parameters cut off by a lost connection are handed over as if whole (libfcgi 2.4.2): what
	 * is missing might be the cookie, or the role. */
	if (FCGX_GetError(fcgi->in) != 0) {
		FCGX_PutS("Status: 503 Service Unavailable\r\n\r\n", fcgi->out);
		return true;
	}
	if (!gateway_answer(&call, gateway->handle, gateway->context, &out))
		return false;
	/* mod_fcgid and mod_authnz_fcgi send an authorizer no body record: a read would block. */
	if (fcgi->role == FCGI_RESPONDER)
		gateway_drain(fcgi);
	FCGX_PutStr(out.data, (int)out.len, fcgi->out);
	return true;
}

static bool gateway_is_whole(int peer)
{
	unsigned char bytes[GATEWAY_PEEK_BYTES];
	ssize_t got = recv(peer, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);

	return got > 0 && record_is_whole(bytes, (size_t)got);
}

/* A peer that has connected writes in the next moment; a slow one is for the pool. */
static bool gateway_comes_whole(int peer)
{
	struct pollfd readable = { .fd = peer, .events = POLLIN };

	if (gateway_is_whole(peer))
		return true;
	return poll(&readable, 1, GATEWAY_FRONT_WAIT_MS) == 1 && gateway_is_whole(peer);
}

/* On a thread that accepts. True when the job is free again; false when it needs one that waits. */
static bool gateway_serve_now(struct gateway *gateway, struct gateway_job *job)
{
	if (!gateway_comes_whole(job->peer))
		return false;
	if (!gateway_begin(job))
		return true;
	if (!gateway_handle(gateway, job, false))
		return false;
	gateway_end(job);
	return true;
}

static void gateway_serve_waiting(struct gateway *gateway, struct gateway_job *job)
{
	struct timeval limit = { .tv_sec = GATEWAY_PEER_SEC };

	setsockopt(job->peer, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	setsockopt(job->peer, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	if (!job->begun && !gateway_begin(job))
		return;
	/* Nothing written would mean "let it in". */
	if (!gateway_handle(gateway, job, true))
		fatal("a request was handed on twice");
	gateway_end(job);
}

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
	struct gateway_job *job = NULL;

	while (!atomic_load(&gateway->stopping)) {
		if (!job && !(job = queue_take(gateway->idle)))
			break;
		if ((job->peer = gateway_accept(thread)) < 0)
			continue;
		if (!gateway->memory_first) {
			gateway_serve_waiting(gateway, job);
		} else if (!gateway_serve_now(gateway, job)) {
			queue_put(gateway->waiting, job);
			job = NULL;
		}
	}
	atomic_fetch_sub(&gateway->fronts_running, 1);
}

static void gateway_work_waiting(struct gateway *gateway)
{
	struct gateway_job *job;

	while ((job = queue_take(gateway->waiting)) != NULL) {
		gateway_serve_waiting(gateway, job);
		queue_put_first(gateway->idle, job);
	}
}

static void *gateway_work(void *argument)
{
	struct gateway_thread *thread = argument;

	if (thread->front)
		gateway_work_front(thread);
	else
		gateway_work_waiting(thread->gateway);
	return NULL;
}

static void gateway_wake(int unused)
{
	(void)unused; /* only to interrupt accept */
}

/* libfcgi would take SIGTERM and SIGUSR1 for itself where nobody did before: ours stay. */
static void gateway_init_library(void)
{
	struct sigaction term, usr1, wake = { .sa_handler = gateway_wake };

	sigaction(SIGTERM, NULL, &term);
	sigaction(SIGUSR1, NULL, &usr1);
	/* Its close waits up to 2 s for the peer; we only meet it on malformed requests. */
	setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "5", 0);
	if (FCGX_Init() != 0)
		fatal("libfcgi does not start");
	sigaction(SIGTERM, &term, NULL);
	sigaction(SIGUSR1, &usr1, NULL);
	sigaction(SIGUSR2, &wake, NULL); /* without SA_RESTART */
	signal(SIGPIPE, SIG_IGN);
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
	gateway->idle = queue_new(count);
	gateway->waiting = queue_new(count);
	for (size_t i = 0; i < count; i++) {
		FCGX_InitRequest(&gateway->job[i].fcgi, -1, FCGI_FAIL_ACCEPT_ON_INTR);
		queue_put(gateway->idle, &gateway->job[i]);
	}
}

struct gateway *gateway_start(
	int descriptor, const struct gateway_config *config, gateway_handler *handle, void *context)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct gateway *gateway = calloc(1, sizeof *gateway);

	pthread_once(&once, gateway_init_library);
	if (!gateway)
		fatal("out of memory");
	/* An inherited one may be non-blocking; ours must wait. */
	int flags = fcntl(descriptor, F_GETFL);
	if (flags >= 0 && (flags & O_NONBLOCK))
		fcntl(descriptor, F_SETFL, flags & ~O_NONBLOCK);
	gateway->descriptor = descriptor;
	gateway->takes = config->takes;
	gateway->memory_first = config->memory_first;
	gateway->handle = handle;
	gateway->context = context;
	gateway->fronts = config->memory_first ? gateway_count_fronts() : config->threads;
	gateway->threads =
		config->memory_first ? gateway->fronts + config->threads : config->threads;
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
		arena_free(gateway->job[i].arena);
	queue_free(gateway->idle);
	queue_free(gateway->waiting);
	free(gateway->thread);
	free(gateway->job);
	free(gateway);
}
