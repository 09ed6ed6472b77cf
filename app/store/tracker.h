/* Keeps a mirror true: two connections to Redis and a thread.
 *
 * One subscribes to __redis__:invalidate; the other switches CLIENT TRACKING on with REDIRECT to
 * the first, BCAST and the prefixes of the keys that are mirrored (RESP2, so any hiredis will do).
 * Both answer a request every heartbeat_ms; the mirror's lease ends lease_ms after the last
 * answered one was sent, so a revocation is seen in well under a millisecond normally, and never
 * later than the lease, whatever breaks. On any fault: lease to 0, flush, connect anew. */
#ifndef DOORWARD_STORE_TRACKER_H
#define DOORWARD_STORE_TRACKER_H

#include <stdint.h>

#include "store/target.h"

struct mirror;
struct tracker;

struct tracker_config {
	struct target target;
	const char *password; /* borrowed until tracker_stop; NULL: none */
	const char *prefix; /* of every key, such as "dw:"; borrowed */
	int64_t heartbeat_ms, lease_ms;
};

struct tracker *tracker_start(struct mirror *mirror, const struct tracker_config *config);
/* Ends the thread. tracker_stop(NULL) does nothing. */
void tracker_stop(struct tracker *tracker);

#endif
