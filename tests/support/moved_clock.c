/* Preloaded by the scenario tests: the wall clock that a program sees is ahead of the real one by
 * the seconds that stand in the file $MOVED_CLOCK (eight bytes, host order), which a test may
 * change at any time. The monotonic clock is untouched, unless $MOVED_MONOTONIC is set: then it
 * goes along, and for the program that time has passed.
 *
 * libfaketime cannot be used: under jemalloc, which Redis is linked with, it calls itself for ever.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* When the machine was started, to programs whose monotonic clock is moved: back is never below 0,
 * which Redis takes for a time far ahead. */
enum { LONG_AGO = 10 * 365 * 86400 };

typedef int timed_wait(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);

static _Atomic(int64_t *) ahead;
static bool monotonic_too;
static timed_wait *wait_really;

/* The one that takes today's pthread_cond_t: of more than one version dlsym may give the oldest. */
static timed_wait *find_wait(void)
{
	void *found = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");

	return (timed_wait *)(found ? found : dlsym(RTLD_NEXT, "pthread_cond_timedwait"));
}

/* Before main; until then nothing is moved, and nothing here allocates. */
__attribute__((constructor)) static void moved_clock_open(void)
{
	const char *path = getenv("MOVED_CLOCK"), *more = getenv("MOVED_MONOTONIC");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	wait_really = find_wait();
	if (fd < 0)
		return;
	monotonic_too = more && *more;
	void *page = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
	if (page != MAP_FAILED)
		ahead = page;
	close(fd);
}

static time_t moved_by(clockid_t clock)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
		return ahead ? (time_t)*ahead : 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_BOOTTIME:
		return ahead && monotonic_too ? (time_t)*ahead + LONG_AGO : 0;
	default:
		return 0;
	}
}

int clock_gettime(clockid_t clock, struct timespec *out)
{
	long result = syscall(SYS_clock_gettime, clock, out);

	if (result == 0)
		out->tv_sec += moved_by(clock);
	return (int)result;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	if (clock_gettime(CLOCK_REALTIME, &now) != 0)
		return -1;
	out->tv_sec = now.tv_sec;
	out->tv_usec = now.tv_nsec / 1000;
	return 0;
}

time_t time(time_t *out)
{
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME, &now) != 0)
		return -1;
	if (out)
		*out = now.tv_sec;
	return now.tv_sec;
}

/* The kernel's clock is not moved. All that Doorward waits for is by the monotonic one
 * (base/thread.c). */
int pthread_cond_timedwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict lock,
	const struct timespec *restrict until)
{
	struct timespec real = *until;

	real.tv_sec -= moved_by(CLOCK_MONOTONIC);
	return wait_really(cond, lock, &real);
}
