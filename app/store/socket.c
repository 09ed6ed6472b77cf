#include "store/socket.h"

#include "base/log.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* Where a failure is told. */
struct report {
	char *text;
	size_t size;
};

static int fail(struct report report, const char *what, const char *why)
{
	(void)snprintf(report.text, report.size, "%s: %s", what, why);
	return -1;
}

static int fail_errno(struct report report, const char *what)
{
	char words[100];
	return fail(report, what, strerror_r(errno, words, sizeof(words)));
}

short socket_wait(int fd, short events, struct deadline deadline)
{
	for (;;) {
		struct pollfd ask = { .fd = fd, .events = events };
		int left_ms = deadline_left_ms(deadline);
		int ready = poll(&ask, 1, left_ms);
		if (ready > 0)
			return ask.revents;
		if (ready == 0 && left_ms == 0)
			return 0;
		if (ready < 0 && errno != EINTR)
			fatal("poll: %m");
	}
}

/* A lookup in the background (getaddrinfo_a). One that neither ends in time nor can be cancelled
 * keeps its memory until the resolver is done with it, and is freed by a later lookup. */
struct lookup {
	struct gaicb request;
	struct addrinfo hints;
	char host[256];
	char port[8];
	struct lookup *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct lookup *abandoned;

static void lookup_free(struct lookup *lookup)
{
	if (lookup->request.ar_result)
		freeaddrinfo(lookup->request.ar_result);
	free(lookup);
}

static void lookup_abandon(struct lookup *lookup)
{
	pthread_mutex_lock(&lock);
	lookup->next = abandoned;
	abandoned = lookup;
	pthread_mutex_unlock(&lock);
}

static void free_finished(void)
{
	pthread_mutex_lock(&lock);
	for (struct lookup **at = &abandoned; *at;) {
		struct lookup *lookup = *at;
		if (gai_error(&lookup->request) == EAI_INPROGRESS) {
			at = &lookup->next;
			continue;
		}
		*at = lookup->next;
		lookup_free(lookup);
	}
	pthread_mutex_unlock(&lock);
}

static struct lookup *lookup_new(const struct target *target)
{
	struct lookup *lookup = calloc(1, sizeof(*lookup));
	if (!lookup)
		fatal("out of memory: a name lookup");
	memcpy(lookup->host, target->host, sizeof(lookup->host));
	memcpy(lookup->port, target->port, sizeof(lookup->port));
	lookup->hints.ai_socktype = SOCK_STREAM;
	lookup->request.ar_name = lookup->host;
	lookup->request.ar_service = lookup->port;
	lookup->request.ar_request = &lookup->hints;
	return lookup;
}

/* The result of getaddrinfo(3), EAI_INPROGRESS when the deadline passed. */
static int lookup_wait(struct lookup *lookup, struct deadline deadline)
{
	struct gaicb *requests[] = { &lookup->request };
	int failed = getaddrinfo_a(GAI_NOWAIT, requests, 1, NULL);
	if (failed)
		return failed;
	for (;;) {
		int left_ms = deadline_left_ms(deadline);
		int state = gai_error(&lookup->request);
		if (state != EAI_INPROGRESS || left_ms == 0)
			return state;
		struct timespec wait = { .tv_sec = left_ms / 1000,
			.tv_nsec = left_ms % 1000 * 1000000L };
		const struct gaicb *const waiting[] = { &lookup->request };
		(void)gai_suspend(waiting, 1, &wait);
	}
}

static struct addrinfo *resolve(
	const struct target *target, struct deadline deadline, struct report report)
{
	struct addrinfo numeric = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST };
	struct addrinfo *found = NULL;
	if (getaddrinfo(target->host, target->port, &numeric, &found) == 0)
		return found;

	free_finished();
	struct lookup *lookup = lookup_new(target);
	int state = lookup_wait(lookup, deadline);
	if (state == EAI_INPROGRESS && gai_cancel(&lookup->request) == EAI_NOTCANCELED) {
		lookup_abandon(lookup);
		(void)fail(report, "looking up the host name", "takes too long");
		return NULL;
	}
	found = lookup->request.ar_result;
	lookup->request.ar_result = NULL;
	lookup_free(lookup);
	if (!found)
		(void)fail(report, "looking up the host name",
			state == EAI_INPROGRESS ? "takes too long" : gai_strerror(state));
	return found;
}

/* An interrupted connect goes on by itself, like one in progress. */
static int finish_connect(int fd, struct deadline deadline, struct report report)
{
	if (errno != EINPROGRESS && errno != EINTR)
		return fail_errno(report, "connect");
	if (!socket_wait(fd, POLLOUT, deadline))
		return fail(report, "connect", "takes too long");
	int failure = 0;
	socklen_t len = sizeof(failure);
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &len) == 0)
		errno = failure;
	return errno ? fail_errno(report, "connect") : 0;
}

static int open_one(const struct addrinfo *to, struct deadline deadline, struct report report)
{
	int fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail_errno(report, "socket");
	if (connect(fd, to->ai_addr, to->ai_addrlen) != 0 &&
		finish_connect(fd, deadline, report) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int open_unix(const struct target *target, struct deadline deadline, struct report report)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	_Static_assert(sizeof(name.sun_path) == sizeof(target->path), "the path of a unix socket");
	memcpy(name.sun_path, target->path, sizeof(name.sun_path));
	struct addrinfo to = { .ai_family = AF_UNIX,
		.ai_addr = (struct sockaddr *)&name,
		.ai_addrlen = sizeof(name) };
	return open_one(&to, deadline, report);
}

/* Small commands must not wait for each other's ACK; a peer that vanished must be noticed. */
static void set_options(int fd)
{
	int on = 1, idle_sec = 30, interval_sec = 10, probes = 3;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_sec, sizeof(idle_sec));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_sec, sizeof(interval_sec));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
}

static int open_tcp(const struct target *target, struct deadline deadline, struct report report)
{
	struct addrinfo *all = resolve(target, deadline, report);
	int fd = -1, untried = 0;
	for (const struct addrinfo *to = all; to; to = to->ai_next)
		untried++;
	/* Each gets its part of the time, so that one that swallows packets leaves some. */
	for (const struct addrinfo *to = all; to && fd < 0; to = to->ai_next, untried--)
		fd = open_one(to, deadline_in_ms(deadline_left_ms(deadline) / untried), report);
	if (fd >= 0)
		set_options(fd);
	if (all)
		freeaddrinfo(all);
	return fd;
}

int socket_open(
	const struct target *target, struct deadline deadline, char *error, size_t error_size)
{
	struct report report;
	report.text = error;
	report.size = error_size;
	if (target->path[0])
		return open_unix(target, deadline, report);
	return open_tcp(target, deadline, report);
}
