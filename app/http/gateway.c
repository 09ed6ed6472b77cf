#include "http/gateway.h"

#include <errno.h>
#include <fcntl.h>
#include <fastcgi.h>
#include <fcgiapp.h>
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
#include "http/response.h"

enum {
	GATEWAY_ANSWER_MAX_BYTES = RESPONSE_HEADERS_MAX_BYTES + RESPONSE_BODY_MAX_BYTES + 1024,
	GATEWAY_PEER_SEC = 5, /* a web server that stops in the middle of a request */
	GATEWAY_DRAIN_MAX_BYTES = 1024 * 1024,
};

struct gateway_worker {
	pthread_t thread;
	struct gateway *gateway;
	atomic_bool accepting; /* a signal may interrupt it without harm */
};

struct gateway {
	int descriptor;
	enum gateway_takes takes;
	int threads;
	gateway_handler *handle;
	void *context;
	struct gateway_worker *worker;
	atomic_bool stopping;
	atomic_int running;
};

void gateway_answer(
	const struct gateway_call *call, gateway_handler *handle, void *context, struct buf *out)
{
	struct response response;

	response_init(&response, call->arena);
	handle(call, &response, context);
	buf_init(out, call->arena, GATEWAY_ANSWER_MAX_BYTES);
	if (!response_render(&response, out))
		log_error("an answer could not be built: sent 503 instead");
	/* Law 1: an empty answer lets the request in on lighttpd. */
	if (out->len == 0 || !buf_ok(out))
		fatal("an answer without a status");
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

static void gateway_handle(struct gateway *gateway, FCGX_Request *fcgi, struct arena *arena)
{
	struct buf out;
	struct gateway_call call = { .arena = arena,
		.params = (const char *const *)fcgi->envp,
		.takes = gateway->takes,
		.deadline = deadline_in_ms(GATEWAY_REQUEST_MS),
		.read = gateway_read,
		.read_context = fcgi };

	gateway_answer(&call, gateway->handle, gateway->context, &out);
	/* mod_fcgid and mod_authnz_fcgi send an authorizer no body record: a read would block. */
	if (fcgi->role == FCGI_RESPONDER)
		gateway_drain(fcgi);
	FCGX_PutStr(out.data, (int)out.len, fcgi->out);
}

/* One connection, one request. We accept and close ourselves, since libfcgi's close lingers in
 * poll: it gets the descriptor in ipcFd, is told to keep the connection, and so leaves it to us.
 * With no listening socket of its own (-1) it cannot go on to accept by itself when a request is
 * malformed: then it has closed the descriptor, and that is all. */
static void gateway_serve(
	struct gateway *gateway, int peer, FCGX_Request *fcgi, struct arena *arena)
{
	struct timeval limit = { .tv_sec = GATEWAY_PEER_SEC };

	setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	setsockopt(peer, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	fcgi->keepConnection = 1;
	fcgi->ipcFd = peer;
	if (FCGX_Accept_r(fcgi) != 0)
		return;
	/* Parameters cut off by a lost connection are handed over as if whole (libfcgi 2.4.2): what
	 * is missing might be the cookie, or the role. */
	if (FCGX_GetError(fcgi->in) == 0)
		gateway_handle(gateway, fcgi, arena);
	else
		FCGX_PutS("Status: 503 Service Unavailable\r\n\r\n", fcgi->out);
	fcgi->keepConnection = 1; /* BEGIN_REQUEST overwrote it */
	FCGX_Finish_r(fcgi);
	if (fcgi->ipcFd >= 0)
		close(fcgi->ipcFd);
	fcgi->ipcFd = -1;
	arena_reset(arena);
}

static void gateway_pause(void)
{
	static const struct timespec moment = { .tv_nsec = 10 * 1000 * 1000 };

	nanosleep(&moment, NULL);
}

static void gateway_accept_failed(int error)
{
	switch (error) {
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

static void *gateway_work(void *argument)
{
	struct gateway_worker *worker = argument;
	struct gateway *gateway = worker->gateway;
	struct arena *arena = arena_new(GATEWAY_ARENA_MAX_BYTES);
	FCGX_Request fcgi;

	FCGX_InitRequest(&fcgi, -1, FCGI_FAIL_ACCEPT_ON_INTR);
	while (!atomic_load(&gateway->stopping)) {
		atomic_store(&worker->accepting, true);
		int peer = atomic_load(&gateway->stopping)
				   ? -1
				   : accept4(gateway->descriptor, NULL, NULL, SOCK_CLOEXEC);
		atomic_store(&worker->accepting, false);
		if (atomic_load(&gateway->stopping) && peer < 0)
			break;
		if (peer >= 0)
			gateway_serve(gateway, peer, &fcgi, arena);
		else
			gateway_accept_failed(errno);
	}
	arena_free(arena);
	atomic_fetch_sub(&gateway->running, 1);
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

struct gateway *gateway_start(int descriptor, enum gateway_takes takes, int threads,
	gateway_handler *handle, void *context)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct gateway *gateway = calloc(1, sizeof *gateway);

	pthread_once(&once, gateway_init_library);
	if (!gateway || !(gateway->worker = calloc((size_t)threads, sizeof *gateway->worker)))
		fatal("out of memory");
	/* An inherited one may be non-blocking; ours must wait. */
	int flags = fcntl(descriptor, F_GETFL);
	if (flags >= 0 && (flags & O_NONBLOCK))
		fcntl(descriptor, F_SETFL, flags & ~O_NONBLOCK);
	gateway->descriptor = descriptor;
	gateway->takes = takes;
	gateway->threads = threads;
	gateway->handle = handle;
	gateway->context = context;
	for (int i = 0; i < threads; i++) {
		atomic_fetch_add(&gateway->running, 1);
		gateway->worker[i].gateway = gateway;
		if (pthread_create(&gateway->worker[i].thread, NULL, gateway_work,
			    &gateway->worker[i]) != 0)
			fatal("a thread could not be started");
	}
	return gateway;
}

void gateway_stop(struct gateway *gateway)
{
	if (!gateway)
		return;
	atomic_store(&gateway->stopping, true);
	/* A signal can come between a thread's look at `stopping` and its accept, so it is sent
	 * until the thread is gone. shutdown() on the socket would do too, but an inherited one is
	 * shared with other processes. */
	while (atomic_load(&gateway->running) > 0) {
		for (int i = 0; i < gateway->threads; i++)
			if (atomic_load(&gateway->worker[i].accepting))
				pthread_kill(gateway->worker[i].thread, SIGUSR2);
		gateway_pause();
	}
	for (int i = 0; i < gateway->threads; i++)
		pthread_join(gateway->worker[i].thread, NULL);
	free(gateway->worker);
	free(gateway);
}
