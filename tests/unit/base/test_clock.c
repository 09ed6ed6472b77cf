#include "base/clock.h"

#include <pthread.h>
#include <time.h>

#include "check.h"

static void pass_some_time(void)
{
	struct timespec moment = { .tv_nsec = 5 * 1000 * 1000 };

	nanosleep(&moment, NULL);
}

static void a_clock_that_stands_still_goes_on_when_told(void)
{
	clock_stand_still();
	int64_t start_ms = clock_mono_ms();
	pass_some_time();
	CHECK_INT(clock_mono_ms(), start_ms);
	CHECK_INT(deadline_left_ms(deadline_in_ms(3)), 3);
	clock_go_on();
	CHECK(clock_mono_ms() > start_ms);
}

static void standing_still_again_it_shows_the_later_time(void)
{
	clock_stand_still();
	int64_t start_ms = clock_mono_ms();
	clock_go_on();
	pass_some_time();
	clock_stand_still();
	CHECK(clock_mono_ms() > start_ms);
	clock_go_on();
}

static void *read_twice(void *context)
{
	int64_t *passed_ms = context, start_ms = clock_mono_ms();

	pass_some_time();
	*passed_ms = clock_mono_ms() - start_ms;
	return NULL;
}

static void only_the_clocks_of_that_thread_stand_still(void)
{
	pthread_t other;
	int64_t passed_ms = 0;

	clock_stand_still();
	(void)clock_mono_ms();
	CHECK_INT(pthread_create(&other, NULL, read_twice, &passed_ms), 0);
	pthread_join(other, NULL);
	clock_go_on();
	CHECK(passed_ms > 0);
}

int main(void)
{
	RUN(a_clock_that_stands_still_goes_on_when_told);
	RUN(standing_still_again_it_shows_the_later_time);
	RUN(only_the_clocks_of_that_thread_stand_still);
	return check_result();
}
