/* Listening sockets that a supervisor opened for us and handed over by sd_listen_fds(3):
 * descriptors from 3 on, and the variables LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES. */
#ifndef DOORWARD_HTTP_HANDOVER_H
#define DOORWARD_HTTP_HANDOVER_H

#include <stddef.h>

/* The descriptor of the socket with this name (systemd's FileDescriptorName=), or -1 with a
 * sentence in error. The caller owns it. */
int handover_find(const char *name, char *error, size_t error_size);

#endif
