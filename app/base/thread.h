/* What pthreads leaves to be said anew by each who uses it. */
#ifndef DOORWARD_BASE_THREAD_H
#define DOORWARD_BASE_THREAD_H

#include <pthread.h>

/* One whose timed waits go by the monotonic clock: no step of the wall clock lengthens them. */
void thread_cond_init(pthread_cond_t *cond);
/* Others go before this thread, as setpriority(2) has it. Where that is refused, all are equal. */
void thread_give_way(int nice);

#endif
