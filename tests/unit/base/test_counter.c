#include "base/counter.h"

#include <pthread.h>

#include "check.h"

enum { THREADS = 4, ROUNDS = 20000 };

static void *count(void *context)
{
	(void)context;
	for (int i = 0; i < ROUNDS; i++) {
		counter_add(COUNTER_STORE_CALLS);
		if (i % 2)
			counter_add(COUNTER_STORE_FAULTS);
	}
	return NULL;
}

static void nothing_is_lost_between_threads(void)
{
	pthread_t thread[THREADS];

	for (int i = 0; i < THREADS; i++)
		CHECK_INT(pthread_create(&thread[i], NULL, count, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	CHECK_INT(counter_get(COUNTER_STORE_CALLS), THREADS * ROUNDS);
	CHECK_INT(counter_get(COUNTER_STORE_FAULTS), THREADS * ROUNDS / 2);
	CHECK_INT(counter_get(COUNTER_MIRROR_HITS), 0);
}

int main(void)
{
	RUN(nothing_is_lost_between_threads);
	return check_result();
}
