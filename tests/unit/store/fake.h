/* A server that only looks like Redis: a thread that takes connections on a unix socket in a
 * temporary folder and does with each what the test says. */
#ifndef DOORWARD_TESTS_STORE_FAKE_H
#define DOORWARD_TESTS_STORE_FAKE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* Talks on one connection, which is closed when it returns. */
typedef void fake_talk(int fd);

static struct {
	int listener;
	pthread_t thread;
	fake_talk *talk;
	char folder[64];
	char path[96];
	char url[112];
	atomic_int connections;
	atomic_int questions; /* reads that brought something */
} fake;

static inline void fake_sleep_ms(long ms)
{
	struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
	nanosleep(&pause, NULL);
}

/* Waits for a question; false when the client has gone. */
static inline bool fake_hear(int fd)
{
	char bytes[8192];
	ssize_t got = recv(fd, bytes, sizeof(bytes), 0);
	if (got > 0)
		atomic_fetch_add(&fake.questions, 1);
	return got > 0;
}

static inline bool fake_send(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
		if (sent <= 0)
			return false;
		bytes += sent;
		len -= (size_t)sent;
	}
	return true;
}

/* Says that, then waits until the client goes. */
static inline void fake_say(int fd, const char *text)
{
	if (fake_hear(fd) && fake_send(fd, text, strlen(text)))
		while (fake_hear(fd))
			continue;
}

static inline void *fake_serve(void *unused)
{
	(void)unused;
	for (;;) {
		int fd = accept(fake.listener, NULL, NULL);
		if (fd < 0)
			return NULL;
		atomic_fetch_add(&fake.connections, 1);
		fake.talk(fd);
		close(fd);
	}
}

static inline void fake_start(fake_talk *talk)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	snprintf(fake.folder, sizeof(fake.folder), "/tmp/doorward-test-XXXXXX");
	if (!mkdtemp(fake.folder))
		abort();
	snprintf(fake.path, sizeof(fake.path), "%s/fake.sock", fake.folder);
	snprintf(fake.url, sizeof(fake.url), "unix:%s", fake.path);
	memcpy(name.sun_path, fake.path, sizeof(fake.path));
	fake.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(fake.listener, (const struct sockaddr *)&name, sizeof(name)) != 0 ||
		listen(fake.listener, 16) != 0)
		abort();
	fake.talk = talk;
	atomic_store(&fake.connections, 0);
	atomic_store(&fake.questions, 0);
	if (pthread_create(&fake.thread, NULL, fake_serve, NULL) != 0)
		abort();
}

static inline void fake_stop(void)
{
	shutdown(fake.listener, SHUT_RDWR);
	pthread_join(fake.thread, NULL);
	close(fake.listener);
	unlink(fake.path);
	rmdir(fake.folder);
}

#endif
