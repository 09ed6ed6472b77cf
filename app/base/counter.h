/* What this process has done so far, as numbers that only rise, for /auth/metrics. Any thread may
 * count; it costs one relaxed addition. */
#ifndef DOORWARD_BASE_COUNTER_H
#define DOORWARD_BASE_COUNTER_H

#include <stdint.h>

enum counter {
	COUNTER_MIRROR_HITS, /* checks for which the store was not asked */
	COUNTER_MIRROR_MISSES,
	COUNTER_STORE_CALLS, /* round trips, those that failed too */
	COUNTER_STORE_FAULTS,
	COUNTERS
};

void counter_add(enum counter counter);
uint64_t counter_get(enum counter counter);

#endif
