#include <pthread.h>
#include <time.h>

#include "base/queue.h"
#include "check.h"

static int items[4];

static void what_is_put_first_is_taken_before_what_waits(void)
{
	struct queue *queue = queue_new(3, 1, NULL);

	for (int round = 0; round < 5; round++) {
		queue_put(queue, &items[0]);
		queue_put(queue, &items[1]);
		queue_put_first(queue, &items[2]);
		CHECK(queue_take(queue) == &items[2]);
		CHECK(queue_take(queue) == &items[0]);
		queue_put(queue, &items[3]);
		CHECK(queue_take(queue) == &items[1]);
		CHECK(queue_take(queue) == &items[3]);
	}
	queue_free(queue);
}

static void taken_now_there_is_the_head_or_nothing(void)
{
	struct queue *queue = queue_new(2, 1, NULL);

	CHECK(queue_take_now(queue) == NULL);
	queue_put(queue, &items[0]);
	queue_put(queue, &items[1]);
	CHECK(queue_take_now(queue) == &items[0]);
	CHECK(queue_take(queue) == &items[1]);
	CHECK(queue_take_now(queue) == NULL);
	queue_free(queue);
}

static void what_stands_in_a_closed_queue_may_still_be_taken(void)
{
	struct queue *queue = queue_new(2, 1, NULL);

	queue_put(queue, &items[0]);
	queue_close(queue);
	CHECK(queue_take(queue) == &items[0]);
	CHECK(queue_take(queue) == NULL);
	queue_free(queue);
}

static bool is_small(const void *item)
{
	return item != &items[3];
}

/* By a thread that has never taken any before. */
static size_t take(struct queue *queue, void **taken, size_t most)
{
	struct queue_round first = { .together = false };

	return queue_take_some(queue, &first, taken, most);
}

static void what_may_join_the_head_is_taken_with_it(void)
{
	struct queue *queue = queue_new(8, 3, is_small);
	void *taken[8];

	for (int i = 0; i < 5; i++)
		queue_put(queue, &items[i % 3]);
	queue_put(queue, &items[3]);
	queue_put(queue, &items[0]);
	CHECK_INT(take(queue, taken, 8), 3);
	CHECK(taken[0] == &items[0] && taken[1] == &items[1] && taken[2] == &items[2]);
	CHECK_INT(take(queue, taken, 1), 1);
	CHECK_INT(take(queue, taken, 8), 1);
	CHECK_INT(take(queue, taken, 8), 1);
	CHECK(taken[0] == &items[3]);
	CHECK(queue_take(queue) == &items[0]);
	queue_close(queue);
	CHECK_INT(take(queue, taken, 8), 0);
	queue_free(queue);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void where_nothing_joins_each_is_taken_alone(void)
{
	struct queue *queue = queue_new(3, 3, NULL);
	void *taken[3];

	queue_put(queue, &items[0]);
	queue_put(queue, &items[1]);
	CHECK_INT(take(queue, taken, 3), 1);
	CHECK_INT(take(queue, taken, 3), 1);
	CHECK(taken[0] == &items[1]);
	queue_free(queue);
}

static void what_joins_waits_for_the_round_under_way_but_no_longer_than_a_moment(void)
{
	struct queue *queue = queue_new(8, 3, is_small);
	struct queue_round round = { .together = false };
	void *taken[8];

	queue_put(queue, &items[0]);
	double began = now_ms();
	CHECK_INT(queue_take_some(queue, &round, taken, 8), 1);
	CHECK(round.together);
	queue_put(queue, &items[1]);
	queue_put(queue, &items[2]);
	CHECK_INT(take(queue, taken, 8), 2);
	CHECK(now_ms() - began >= 0.5);
	queue_free(queue);
}

/* What does not join goes to any thread, and so does what joins when the round is over, when none
 * was begun with most 1, and when there are many: it takes no time, however often. */
static void nothing_else_waits_for_a_round(void)
{
	enum { OFTEN = 20000 };
	struct queue *queue = queue_new(16, 3, is_small);
	struct queue_round round = { .together = false };
	void *taken[8];
	double began = now_ms();

	for (int i = 0; i < OFTEN; i++) {
		queue_put(queue, &items[0]);
		CHECK_INT(queue_take_some(queue, &round, taken, 8), 1);
		queue_put(queue, &items[3]);
		CHECK_INT(take(queue, taken, 8), 1);
		queue_put(queue, &items[0]);
		CHECK_INT(queue_take_some(queue, &round, taken, 1), 1);
		CHECK(!round.together);
		queue_put(queue, &items[0]);
		CHECK_INT(take(queue, taken, 1), 1);
		for (int many = 0; many < 8; many++)
			queue_put(queue, &items[0]);
		CHECK_INT(queue_take_some(queue, &round, taken, 1), 1);
		CHECK_INT(queue_take_some(queue, &round, taken, 8), 3);
		queue_put(queue, &items[1]);
		queue_put(queue, &items[1]);
		queue_put(queue, &items[1]);
		CHECK_INT(take(queue, taken, 1), 1);
		CHECK_INT(queue_take_some(queue, &round, taken, 8), 3);
		CHECK_INT(queue_take_some(queue, &round, taken, 8), 3);
	}
	/* Each wait would be half a millisecond. */
	CHECK(now_ms() - began < OFTEN * 0.5);
	queue_free(queue);
}

enum { ROUNDS = 20000, TAKERS = 3 };

struct taker {
	struct queue *queue;
	size_t most;
	long long sum;
};

/* Every third stands alone. */
static bool joins(const void *item)
{
	return *(const int *)item % 3 != 0;
}

static void *take_all(void *argument)
{
	struct taker *taker = argument;
	struct queue_round round = { .together = false };
	void *some[8];
	size_t count;

	while ((count = queue_take_some(taker->queue, &round, some, taker->most)) > 0)
		for (size_t i = 0; i < count; i++)
			taker->sum += *(const int *)some[i];
	return NULL;
}

static void check_threads(size_t at_once)
{
	static int numbers[ROUNDS];
	struct taker taker[TAKERS] = { { NULL, 0, 0 } };
	pthread_t thread[TAKERS];
	struct queue *queue = queue_new(ROUNDS, at_once, joins);
	long long expected = 0, sum = 0;

	for (int i = 0; i < TAKERS; i++) {
		taker[i].queue = queue;
		taker[i].most = at_once;
		pthread_create(&thread[i], NULL, take_all, &taker[i]);
	}
	for (int i = 0; i < ROUNDS; i++) {
		numbers[i] = i;
		expected += i;
		queue_put(queue, &numbers[i]);
	}
	queue_close(queue);
	for (int i = 0; i < TAKERS; i++) {
		pthread_join(thread[i], NULL);
		sum += taker[i].sum;
	}
	CHECK_INT(sum, expected);
	queue_free(queue);
}

static void nothing_is_lost_or_taken_twice_between_threads(void)
{
	check_threads(1);
	check_threads(8);
}

/* Each waits until all of the others are on their way: one that is not woken ends the test by
 * time-out. */
static void *meet(void *argument)
{
	struct queue *queue = argument;
	pthread_barrier_t *barrier = queue_take(queue);

	pthread_barrier_wait(barrier);
	return NULL;
}

static void as_many_threads_wake_as_there_is_work_for(void)
{
	for (int round = 0; round < 500; round++) {
		struct queue *queue = queue_new(TAKERS, 8, NULL);
		pthread_t thread[TAKERS];
		pthread_barrier_t barrier;

		pthread_barrier_init(&barrier, NULL, TAKERS);
		for (int i = 0; i < TAKERS; i++)
			pthread_create(&thread[i], NULL, meet, queue);
		for (int i = 0; i < TAKERS; i++)
			queue_put(queue, &barrier);
		for (int i = 0; i < TAKERS; i++)
			pthread_join(thread[i], NULL);
		pthread_barrier_destroy(&barrier);
		queue_free(queue);
	}
}

int main(void)
{
	RUN(what_is_put_first_is_taken_before_what_waits);
	RUN(taken_now_there_is_the_head_or_nothing);
	RUN(what_stands_in_a_closed_queue_may_still_be_taken);
	RUN(what_may_join_the_head_is_taken_with_it);
	RUN(where_nothing_joins_each_is_taken_alone);
	RUN(what_joins_waits_for_the_round_under_way_but_no_longer_than_a_moment);
	RUN(nothing_else_waits_for_a_round);
	RUN(nothing_is_lost_or_taken_twice_between_threads);
	RUN(as_many_threads_wake_as_there_is_work_for);
	return check_result();
}
