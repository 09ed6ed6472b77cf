/* A stream socket to Redis, opened within a deadline. Non-blocking, close-on-exec. */
#ifndef DOORWARD_STORE_SOCKET_H
#define DOORWARD_STORE_SOCKET_H

#include <stddef.h>

#include "base/clock.h"
#include "store/target.h"

/* Looks the host up, tries its addresses in turn. -1 with a sentence in error, at the latest when
 * the deadline passes. */
int socket_open(
	const struct target *target, struct deadline deadline, char *error, size_t error_size);
/* Waits until the socket can do one of events (poll(2)); returns revents, 0 when time is up. */
short socket_wait(int fd, short events, struct deadline deadline);

#endif
