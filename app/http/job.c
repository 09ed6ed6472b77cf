#include "http/job.h"

#include <fastcgi.h>
#include <fcgiapp.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "http/record.h"

enum {
	JOB_PEER_SEC = 5, /* a web server that stops in the middle of a request */
	JOB_DRAIN_MAX_BYTES = 1024 * 1024,
	JOB_PEEK_BYTES = 12 * 1024,
};

/* libfcgi would take SIGTERM and SIGUSR1 for itself where nobody did before: ours stay. */
void job_start_library(void)
{
	/* libfcgi takes 8 KB for each stream of each request. At such a size malloc first joins all
	 * small pieces that were given back: there shall be none that wait for it. */
	mallopt(M_MXFAST, 0);
	struct sigaction term, usr1;

	sigaction(SIGTERM, NULL, &term);
	sigaction(SIGUSR1, NULL, &usr1);
	/* Its close waits up to 2 s for the peer; we only meet it on malformed requests. */
	setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "5", 0);
	if (FCGX_Init() != 0)
		fatal("libfcgi does not start");
	sigaction(SIGTERM, &term, NULL);
	sigaction(SIGUSR1, &usr1, NULL);
	signal(SIGPIPE, SIG_IGN);
}

void job_init(struct job *job)
{
	*job = (struct job){ .peer = -1, .fcgi = calloc(1, sizeof *job->fcgi) };
	if (!job->fcgi)
		fatal("out of memory: a request");
	FCGX_InitRequest(job->fcgi, -1, FCGI_FAIL_ACCEPT_ON_INTR);
}

void job_free(struct job *job)
{
	arena_free(job->call.arena);
	free(job->fcgi);
}

bool job_has_come(const struct job *job)
{
	unsigned char bytes[JOB_PEEK_BYTES];
	ssize_t got = recv(job->peer, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);

	return got > 0 && record_is_whole(bytes, (size_t)got);
}

void job_wait_for_peer(const struct job *job)
{
	struct timeval limit = { .tv_sec = JOB_PEER_SEC };

	setsockopt(job->peer, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	setsockopt(job->peer, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

bool job_is_check(const struct job *job)
{
	return job->call.takes == GATEWAY_AUTHORIZER || job->fcgi->role == FCGI_AUTHORIZER;
}

static size_t job_read(void *context, char *into, size_t len)
{
	FCGX_Request *fcgi = context;
	int got = FCGX_GetStr(into, (int)len, fcgi->in);

	return got > 0 ? (size_t)got : 0;
}

/* We accept and close ourselves, since libfcgi's close lingers in poll: it gets the descriptor in
 * ipcFd, is told to keep the connection, and so leaves it to us. Without a listening socket (-1) it
 * cannot go on to accept by itself when a request is malformed. */
bool job_begin(struct job *job, enum gateway_takes takes)
{
	struct arena *arena = job->call.arena;

	job->fcgi->keepConnection = 1;
	job->fcgi->ipcFd = job->peer;
	if (FCGX_Accept_r(job->fcgi) != 0)
		return false;
	job->begun = true;
	/* Parameters cut off by a lost connection are handed over as if whole (libfcgi 2.4.2): what
	 * is missing might be the cookie, or the role. */
	job->cut = FCGX_GetError(job->fcgi->in) != 0;
	job->call =
		(struct gateway_call){ .arena = arena ? arena : arena_new(GATEWAY_ARENA_MAX_BYTES),
			.params = (const char *const *)job->fcgi->envp,
			.takes = takes,
			.deadline = deadline_in_ms(GATEWAY_REQUEST_MS),
			.read = job_read,
			.read_context = job->fcgi };
	response_init(&job->response, job->call.arena);
	return true;
}

/* A body that nobody read would reset the connection under the web server's hands. */
static void job_drain(struct job *job)
{
	char waste[4096];
	size_t total = 0, got = 1;

	while (got > 0 && total < JOB_DRAIN_MAX_BYTES) {
		got = job_read(job->fcgi, waste, sizeof waste);
		total += got;
	}
}

void job_send(struct job *job)
{
	struct buf out;

	gateway_render(&job->response, &out);
	/* mod_fcgid and mod_authnz_fcgi send an authorizer no body record: a read would block. */
	if (job->fcgi->role == FCGI_RESPONDER && !job->cut)
		job_drain(job);
	FCGX_PutStr(out.data, (int)out.len, job->fcgi->out);
}

void job_end(struct job *job)
{
	job->fcgi->keepConnection = 1; /* BEGIN_REQUEST overwrote it */
	FCGX_Finish_r(job->fcgi);
	if (job->fcgi->ipcFd >= 0)
		close(job->fcgi->ipcFd);
	job->fcgi->ipcFd = -1;
	job->begun = false;
	arena_reset(job->call.arena);
}
