#include "http/handover.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HANDOVER_FIRST = 3, HANDOVER_MAX = 16 };

/* How many there are; 0 when they were meant for another process, such as our parent. */
static int handover_count(void)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");

	if (!pid || !count || strtol(pid, NULL, 10) != (long)getpid())
		return 0;
	long found = strtol(count, NULL, 10);
	return found < 0 || found > HANDOVER_MAX ? 0 : (int)found;
}

/* Where name stands in the list "a:b:c", or -1. */
static int handover_place(const char *names, const char *name)
{
	size_t len = strlen(name);

	for (int place = 0;; place++) {
		size_t word = strcspn(names, ":");
		if (word == len && memcmp(names, name, len) == 0)
			return place;
		if (!names[word])
			return -1;
		names += word + 1;
	}
}

int handover_find(const char *name, char *error, size_t error_size)
{
	const char *names = getenv("LISTEN_FDNAMES");
	int count = handover_count(), listens = 0;
	int place = count ? handover_place(names ? names : "", name) : -1;
	socklen_t len = sizeof listens;

	if (place < 0 || place >= count) {
		snprintf(error, error_size,
			"systemd handed over no socket named %s: its socket unit says "
			"FileDescriptorName=%s, and the service names that unit in Sockets=",
			name, name);
		return -1;
	}
	int fd = HANDOVER_FIRST + place;
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) != 0 || !listens ||
		fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
		snprintf(error, error_size, "what systemd handed over as %s does not listen", name);
		return -1;
	}
	return fd;
}
