#include "base/counter.h"

#include <stdatomic.h>

static atomic_uint_least64_t counter_values[COUNTERS];

void counter_add(enum counter counter)
{
	atomic_fetch_add_explicit(&counter_values[counter], 1, memory_order_relaxed);
}

uint64_t counter_get(enum counter counter)
{
	return atomic_load_explicit(&counter_values[counter], memory_order_relaxed);
}
