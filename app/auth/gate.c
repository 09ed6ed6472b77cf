#include "auth/gate.h"

#include <pthread.h>
#include <time.h>

#include "base/log.h"

enum { GATE_WAIT_SEC = 3 };

static struct {
	pthread_mutex_t lock;
	pthread_cond_t left; /* on the monotonic clock */
	int64_t places, taken, waiters, waiting;
} gate = { .lock = PTHREAD_MUTEX_INITIALIZER };

static pthread_once_t gate_once = PTHREAD_ONCE_INIT;

static void gate_prepare(void)
{
	pthread_condattr_t attr;

	if (pthread_condattr_init(&attr) != 0 ||
		pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) != 0 ||
		pthread_cond_init(&gate.left, &attr) != 0)
		fatal("no condition variable for password hashing");
	pthread_condattr_destroy(&attr);
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

bool gate_enter(void)
{
	struct timespec until;
	int waited = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += GATE_WAIT_SEC;
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

void gate_leave(void)
{
	pthread_mutex_lock(&gate.lock);
	gate.taken--;
	pthread_cond_signal(&gate.left);
	pthread_mutex_unlock(&gate.lock);
}
