/* Where Redis is: a [store] url, taken apart. */
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

/* unix:PATH[?db=N&user=NAME] or redis://[USER@]HOST[:PORT][/N]. False with a sentence in error.
 * A password in the URL is refused: URLs end up in process lists and logs. */
bool target_parse(struct target *out, const char *url, char *error, size_t error_size);

#endif
