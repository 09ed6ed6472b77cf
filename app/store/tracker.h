/* Keeps a mirror true: for each node of the store, two connections to Redis and a thread.
 *
 * One subscribes to __redis__:invalidate; the other switches CLIENT TRACKING on with REDIRECT to
 * the first, BCAST and the prefixes of the keys that are mirrored (RESP2, so any hiredis will do).
 * Both answer a request every heartbeat_ms; the mirror's lease ends lease_ms after the last
 * answered one was sent, so a revocation is seen in well under a millisecond normally, and never
 * later than the lease, whatever breaks. On any fault: lease to 0, flush, connect anew. What is
 * asked at a heartbeat also tells whether the node is still where its keys are written
 * (topology.h).
 *
 * A new connection of a tracker makes all others to that node old: what the mirror keeps is never
 * read from another server than the one that tells of changes. */
#ifndef DOORWARD_STORE_TRACKER_H
#define DOORWARD_STORE_TRACKER_H

#include <stdint.h>

struct mirror;
struct topology;
struct tracker_set;

struct tracker_config {
	struct topology *topology; /* borrowed until tracker_stop */
	const char *prefix; /* of every key, such as "dw:"; borrowed */
	int64_t heartbeat_ms, lease_ms;
};

struct tracker_set *tracker_start(struct mirror *mirror, const struct tracker_config *config);
/* Ends the threads. tracker_stop(NULL) does nothing. */
void tracker_stop(struct tracker_set *set);

#endif
