#include "auth/gate.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/thread.h"

enum {
	GATE_WAIT_SEC = 3,
	GATE_NICE = 19, /* setpriority(2): what others leave */
	GATE_PATIENCE_SEC = 1,
	GATE_SHARE = 4, /* that part of the time on a processor is enough */
};

/* Work on a thread of its own. What changes does so under the gate's lock. */
struct gate_job {
	pthread_t thread;
	void (*work)(void *argument);
	size_t bytes;
	bool done, abandoned;
	_Alignas(max_align_t) unsigned char argument[];
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t left, done;
	int64_t places, taken, waiters, waiting;
	int64_t abandoned; /* jobs that nobody waits for any more */
} gate = { .lock = PTHREAD_MUTEX_INITIALIZER };

static pthread_once_t gate_once = PTHREAD_ONCE_INIT;

static void gate_prepare(void)
{
	thread_cond_init(&gate.left);
	thread_cond_init(&gate.done);
}

void gate_set_places(int64_t places, int64_t waiters)
{
	pthread_once(&gate_once, gate_prepare);
	pthread_mutex_lock(&gate.lock);
	gate.places = places;
	gate.waiters = waiters;
	pthread_cond_broadcast(&gate.left);
	pthread_mutex_unlock(&gate.lock);
}

static struct timespec gate_in_sec(int seconds)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += seconds;
	return until;
}

static bool gate_enter(void)
{
	struct timespec until = gate_in_sec(GATE_WAIT_SEC);
	int waited = 0;

	pthread_mutex_lock(&gate.lock);
	bool full = gate.taken >= gate.places;
	if (full && gate.waiting < gate.waiters) {
		gate.waiting++;
		while (gate.taken >= gate.places && waited == 0)
			waited = pthread_cond_timedwait(&gate.left, &gate.lock, &until);
		gate.waiting--;
		full = gate.taken >= gate.places;
	}
	if (!full)
		gate.taken++;
	pthread_mutex_unlock(&gate.lock);
	return !full;
}

static void gate_leave(void)
{
	pthread_mutex_lock(&gate.lock);
	gate.taken--;
	pthread_cond_signal(&gate.left);
	pthread_mutex_unlock(&gate.lock);
}

static void gate_free(struct gate_job *job)
{
	crypto_wipe(job->argument, job->bytes);
	free(job);
}

static void *gate_work(void *argument)
{
	struct gate_job *job = argument;

	thread_give_way(GATE_NICE);
	job->work(job->argument);
	pthread_mutex_lock(&gate.lock);
	bool abandoned = job->abandoned;
	job->done = true;
	gate.abandoned -= abandoned;
	pthread_cond_broadcast(&gate.done);
	pthread_mutex_unlock(&gate.lock);
	if (abandoned)
		gate_free(job);
	return NULL;
}

static bool gate_is_busy(void)
{
	pthread_mutex_lock(&gate.lock);
	bool busy = gate.abandoned > 0;
	pthread_mutex_unlock(&gate.lock);
	return busy;
}

/* NULL: there is no thread for it, or those before got no processor. */
static struct gate_job *gate_begin(void (*work)(void *), const void *argument, size_t bytes)
{
	struct gate_job *job = gate_is_busy() ? NULL : calloc(1, sizeof *job + bytes);
	pthread_attr_t detached;

	if (!job || pthread_attr_init(&detached) != 0) {
		free(job);
		return NULL;
	}
	*job = (struct gate_job){ .work = work, .bytes = bytes };
	memcpy(job->argument, argument, bytes);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	int failed = pthread_create(&job->thread, &detached, gate_work, job);
	pthread_attr_destroy(&detached);
	if (failed) {
		gate_free(job);
		job = NULL;
	}
	return job;
}

int64_t gate_share_ms(int64_t waited_ms, int64_t at_once, int64_t processors)
{
	int64_t part_ms = waited_ms / GATE_SHARE;
	int64_t crowd_ms = waited_ms * processors / (2 * at_once);

	return crowd_ms < part_ms ? crowd_ms : part_ms;
}

/* Has it had its share since it began? A slow machine is not a busy one. Under the lock. */
static bool gate_is_served(const struct gate_job *job, int waited_sec)
{
	int64_t share_ms = gate_share_ms(
		(int64_t)waited_sec * 1000, gate.taken, sysconf(_SC_NPROCESSORS_ONLN));
	clockid_t clock;
	struct timespec used;

	return pthread_getcpuclockid(job->thread, &clock) == 0 &&
	       clock_gettime(clock, &used) == 0 &&
	       used.tv_sec * 1000 + used.tv_nsec / 1000000 >= share_ms;
}

/* False when it was given up. */
static bool gate_wait_for(struct gate_job *job, void *argument)
{
	pthread_mutex_lock(&gate.lock);
	for (int sec = GATE_PATIENCE_SEC; !job->done && !job->abandoned; sec += GATE_PATIENCE_SEC) {
		struct timespec until = gate_in_sec(GATE_PATIENCE_SEC);

		while (!job->done && pthread_cond_timedwait(&gate.done, &gate.lock, &until) == 0)
			;
		job->abandoned = !job->done && !gate_is_served(job, sec);
	}
	bool done = job->done;
	gate.abandoned += !done;
	pthread_mutex_unlock(&gate.lock);
	if (done) {
		memcpy(argument, job->argument, job->bytes);
		gate_free(job);
	}
	return done;
}

bool gate_run(void (*work)(void *argument), void *argument, size_t bytes)
{
	if (!gate_enter())
		return false;
	struct gate_job *job = gate_begin(work, argument, bytes);
	if (!job || !gate_wait_for(job, argument))
		work(argument);
	gate_leave();
	return true;
}
