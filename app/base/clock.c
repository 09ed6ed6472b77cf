#include "base/clock.h"

#include "base/log.h"

#include <limits.h>
#include <stdatomic.h>
#include <time.h>

static _Atomic int64_t shift_sec;

/* What this thread has read since its clocks stand still. */
static _Thread_local struct {
	bool on;
	unsigned known; /* bits of those in `at` */
	struct timespec at[CLOCK_BOOTTIME + 1];
} still;

static struct timespec read_clock(clockid_t id)
{
	struct timespec now;
	if (still.on && (still.known & 1U << id))
		return still.at[id];
	if (clock_gettime(id, &now) != 0)
		fatal("clock_gettime: %m");
	if (still.on) {
		still.at[id] = now;
		still.known |= 1U << id;
	}
	return now;
}

void clock_stand_still(void)
{
	still.on = true;
	still.known = 0;
}

void clock_go_on(void)
{
	still.on = false;
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

/* Goes on while the machine is suspended. */
static int64_t boot_ms(void)
{
	struct timespec now = read_clock(CLOCK_BOOTTIME);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The store's clock less boot_ms(); and when that was found, 0: never. */
static _Atomic int64_t agreed_offset_ms;
static _Atomic int64_t learnt_at_ms;

int64_t clock_agreed_sec(void)
{
	if (atomic_load(&learnt_at_ms) == 0)
		return clock_now_sec();
	return (boot_ms() + atomic_load(&agreed_offset_ms)) / 1000 + atomic_load(&shift_sec);
}

void clock_learn_ms(int64_t store_now_ms)
{
	int64_t now = boot_ms();
	if (store_now_ms <= 0)
		return;
	atomic_store(&agreed_offset_ms, store_now_ms - now);
	atomic_store(&learnt_at_ms, now > 0 ? now : 1);
}

bool clock_is_learnt(int64_t max_age_ms)
{
	int64_t at = atomic_load(&learnt_at_ms);
	return at != 0 && boot_ms() - at <= max_age_ms;
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
