/* One server of Redis or a sentinel: where it listens and as whom to sign in. */
#ifndef DOORWARD_STORE_TARGET_H
#define DOORWARD_STORE_TARGET_H

#include <stdbool.h>
#include <stddef.h>

struct target {
	char path[108]; /* of a unix socket; "" means host and port */
	char host[256];
	char port[8];
	char user[128]; /* "" means Redis' default user */
	char database[8]; /* "" means 0 */
	char name[400]; /* for logs: unix:PATH or HOST:PORT */
};

/* These return NULL, or a sentence about what is wrong; never with the text itself, as there may be
 * a password in it. They fill the rest of *out with "". */

/* PATH[?db=N&user=NAME] */
const char *target_parse_unix(struct target *out, const char *text);
/* HOST[:PORT] or [IPv6]:PORT, len bytes. default_port: "6379". */
const char *target_parse_host(
	struct target *out, const char *text, size_t len, const char *default_port);
/* The number of a database, len bytes. */
const char *target_parse_database(struct target *out, const char *text, size_t len);
/* As a server says where another one is. False when that is no address. */
bool target_set_host(struct target *out, const char *host, const char *port);

#endif
