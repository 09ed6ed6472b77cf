/* Two clocks and the request's deadline.
 *
 * Wall time (seconds since 1970) is for what is written into tokens and compared with them.
 * Monotonic time is for how long something may take: a step of the wall clock never lengthens or
 * shortens a wait. What several nodes must agree on uses Redis' TIME instead of either. */
#ifndef DOORWARD_BASE_CLOCK_H
#define DOORWARD_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

int64_t clock_now_sec(void);
int64_t clock_mono_ms(void);
/* For tests: every later clock_now_sec is that much ahead (or, negative, behind). */
void clock_shift_sec(int64_t seconds);

/* One per request, over all that it does (a time-out per read does not bound a dripping peer). */
struct deadline {
	int64_t at_mono_ms;
};
struct deadline deadline_in_ms(int64_t ms);
/* Never negative; 0 means it has passed. Fits poll(2). */
int deadline_left_ms(struct deadline deadline);

#endif
