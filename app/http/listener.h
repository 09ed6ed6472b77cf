/* Listening sockets, as the settings write them: "unix:PATH [mode=0660] [group=NAME]",
 * "HOST:PORT" or "[V6]:PORT", or "systemd:NAME" for one that systemd opened. */
#ifndef DOORWARD_HTTP_LISTENER_H
#define DOORWARD_HTTP_LISTENER_H

#include <stdbool.h>
#include <stddef.h>

/* The descriptor, or -1 with a sentence in error. A unix socket left over by a dead process is
 * replaced; one that answers is an error. Mode 0660 unless said otherwise: whoever can connect can
 * pretend to be the web server. */
int listener_open(const char *spec, char *error, size_t error_size);
/* Closes, and removes the path of a unix socket. */
void listener_close(const char *spec, int descriptor);
/* True when the descriptor is a socket that listens (descriptor 0 as FastCGI hands it over). */
bool listener_is_listening(int descriptor);
/* True when an address that is not loopback can reach it: it has no password of its own. */
bool listener_is_exposed(int descriptor);

#endif
