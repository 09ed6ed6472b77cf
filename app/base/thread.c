#include "base/thread.h"

#include <sys/resource.h>
#include <time.h>

#include "base/log.h"

void thread_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	if (pthread_condattr_init(&attr) != 0 ||
		pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) != 0 ||
		pthread_cond_init(cond, &attr) != 0)
		fatal("no condition variable for threads");
	pthread_condattr_destroy(&attr);
}

void thread_give_way(int nice)
{
	/* Linux: of this thread only, not of the process. One that is lower already stays there. */
	if (getpriority(PRIO_PROCESS, 0) < nice)
		setpriority(PRIO_PROCESS, 0, nice);
}
