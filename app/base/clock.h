/* Three clocks and the request's deadline.
 *
 * Wall time (seconds since 1970) is this machine's opinion. Agreed time is the store's, as last
 * learnt, carried on by a clock that no one sets: nodes whose wall clocks differ judge a token
 * alike, and a step of the wall clock revives and kills nothing. Monotonic time is for how long
 * something may take: no step lengthens or shortens a wait. */
#ifndef DOORWARD_BASE_CLOCK_H
#define DOORWARD_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

int64_t clock_now_sec(void);
int64_t clock_mono_ms(void);
/* Agreed time; wall time until the store's was learnt. For what stands in tokens. */
int64_t clock_agreed_sec(void);
/* The store says that it is now that time, in ms since 1970; 0 or less says nothing. */
void clock_learn_ms(int64_t store_now_ms);
/* Was it learnt within the last max_age_ms? */
bool clock_is_learnt(int64_t max_age_ms);
/* From now on each clock stands still for this thread once it was read, until it goes on: one
 * reading instead of many, for what takes microseconds and waits for nothing. */
void clock_stand_still(void);
void clock_go_on(void);
/* For tests: wall and agreed time are from now on that much ahead (or, negative, behind). */
void clock_shift_sec(int64_t seconds);

/* One per request, over all that it does (a time-out per read does not bound a dripping peer). */
struct deadline {
	int64_t at_mono_ms;
	bool brief; /* who waits would rather ask elsewhere: that it passed is no failure of others
		     */
};
struct deadline deadline_in_ms(int64_t ms);
/* Never negative; 0 means it has passed. Fits poll(2). */
int deadline_left_ms(struct deadline deadline);

#endif
