#include "auth/gate.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

/* What a work function finds and leaves in its argument. */
struct note {
	char secret[16];
	int left_ms; /* so much of a processor it takes */
	int nice;
	pid_t thread;
};

static atomic_int began;
static atomic_bool hogging;

static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void work(void *argument)
{
	struct note *note = argument;
	double until = cpu_ms() + note->left_ms;

	atomic_fetch_add(&began, 1);
	while (cpu_ms() < until)
		;
	note->nice = getpriority(PRIO_PROCESS, 0);
	note->thread = gettid();
	note->secret[0]++;
}

static void a_hash_is_computed_on_a_thread_that_others_go_before(void)
{
	struct note note = { .secret = "a" };

	gate_set_places(1, 0);
	CHECK(gate_run(work, &note, sizeof note));
	CHECK_TEXT(note.secret, "b");
	CHECK_INT(note.nice, 19);
	CHECK(note.thread != gettid());
	CHECK_INT(getpriority(PRIO_PROCESS, 0), 0);
}

static void without_a_place_nothing_is_computed(void)
{
	struct note note = { .secret = "a" };

	gate_set_places(0, 0);
	CHECK(!gate_run(work, &note, sizeof note));
	CHECK_TEXT(note.secret, "a");
	gate_set_places(1, 0);
}

static void *hog(void *unused)
{
	(void)unused;
	while (atomic_load(&hogging))
		;
	return NULL;
}

enum { HOGS = 4, WORK_MS = 300, TRIES_MAX = 600 };

/* On one processor that others want: the lowest priority would take half a minute. */
static void on_a_busy_machine_a_hash_takes_the_priority_of_its_caller(void)
{
	struct note note = { .secret = "a", .left_ms = WORK_MS }, next = note, after = note;
	pthread_t thread[HOGS];
	cpu_set_t one, all;
	struct timespec moment = { .tv_nsec = 50 * 1000 * 1000 };

	CPU_ZERO(&one);
	CHECK_INT(sched_getaffinity(0, sizeof all, &all), 0);
	for (size_t i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
		if (CPU_ISSET(i, &all))
			CPU_SET(i, &one);
	CHECK_INT(sched_setaffinity(0, sizeof one, &one), 0);
	atomic_store(&hogging, true);
	for (int i = 0; i < HOGS; i++)
		CHECK_INT(pthread_create(&thread[i], NULL, hog, NULL), 0);
	atomic_store(&began, 0);

	CHECK(gate_run(work, &note, sizeof note));
	CHECK_TEXT(note.secret, "b");
	CHECK_INT(note.nice, 0);
	CHECK_INT(note.thread, gettid());
	CHECK_INT(atomic_load(&began), 2);
	/* As long as the first is still about it, nobody else waits for such a thread. */
	CHECK(gate_run(work, &next, sizeof next));
	CHECK_INT(next.thread, gettid());
	CHECK_INT(atomic_load(&began), 3);

	atomic_store(&hogging, false);
	for (int i = 0; i < HOGS; i++)
		pthread_join(thread[i], NULL);
	after.left_ms = 0;
	for (int i = 0; i < TRIES_MAX && after.nice != 19; i++) {
		nanosleep(&moment, NULL);
		CHECK(gate_run(work, &after, sizeof after));
	}
	CHECK_INT(after.nice, 19);
	CHECK_INT(sched_setaffinity(0, sizeof all, &all), 0);
}

static void hashes_that_only_crowd_each_other_are_left_where_they_are(void)
{
	CHECK_INT(gate_share_ms(1000, 1, 2), 250);
	CHECK_INT(gate_share_ms(2000, 2, 2), 500);
	CHECK_INT(gate_share_ms(1000, 4, 1), 125);
	/* Each has a thirty-second part of a processor. */
	CHECK_INT(gate_share_ms(1000, 64, 2), 15);
}

int main(void)
{
	RUN(a_hash_is_computed_on_a_thread_that_others_go_before);
	RUN(without_a_place_nothing_is_computed);
	RUN(hashes_that_only_crowd_each_other_are_left_where_they_are);
	RUN(on_a_busy_machine_a_hash_takes_the_priority_of_its_caller);
	return check_result();
}
