#include "base/clock.h"

#include "base/log.h"

#include <limits.h>
#include <stdatomic.h>
#include <time.h>

static _Atomic int64_t shift_sec;

static struct timespec read_clock(clockid_t id)
{
	struct timespec now;
	if (clock_gettime(id, &now) != 0)
		fatal("clock_gettime: %m");
	return now;
}

int64_t clock_now_sec(void)
{
	return (int64_t)read_clock(CLOCK_REALTIME).tv_sec + atomic_load(&shift_sec);
}

int64_t clock_mono_ms(void)
{
	struct timespec now = read_clock(CLOCK_MONOTONIC);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void clock_shift_sec(int64_t seconds)
{
	atomic_store(&shift_sec, seconds);
}

struct deadline deadline_in_ms(int64_t ms)
{
	return (struct deadline){ .at_mono_ms = clock_mono_ms() + ms };
}

int deadline_left_ms(struct deadline deadline)
{
	int64_t left = deadline.at_mono_ms - clock_mono_ms();
	if (left <= 0)
		return 0;
	return left > INT_MAX ? INT_MAX : (int)left;
}
