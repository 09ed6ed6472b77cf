#include <pthread.h>

#include "base/queue.h"
#include "check.h"

static int items[4];

static void what_is_put_first_is_taken_before_what_waits(void)
{
	struct queue *queue = queue_new(3);

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

static void what_stands_in_a_closed_queue_may_still_be_taken(void)
{
	struct queue *queue = queue_new(2);

	queue_put(queue, &items[0]);
	queue_close(queue);
	CHECK(queue_take(queue) == &items[0]);
	CHECK(queue_take(queue) == NULL);
	queue_free(queue);
}

enum { ROUNDS = 20000, TAKERS = 3 };

struct taker {
	struct queue *queue;
	long long sum;
};

static void *take_all(void *argument)
{
	struct taker *taker = argument;
	const int *item;

	while ((item = queue_take(taker->queue)) != NULL)
		taker->sum += *item;
	return NULL;
}

static void nothing_is_lost_or_taken_twice_between_threads(void)
{
	static int numbers[ROUNDS];
	struct taker taker[TAKERS] = { { NULL, 0 } };
	pthread_t thread[TAKERS];
	struct queue *queue = queue_new(ROUNDS);
	long long expected = 0, sum = 0;

	for (int i = 0; i < TAKERS; i++) {
		taker[i].queue = queue;
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

int main(void)
{
	RUN(what_is_put_first_is_taken_before_what_waits);
	RUN(what_stands_in_a_closed_queue_may_still_be_taken);
	RUN(nothing_is_lost_or_taken_twice_between_threads);
	return check_result();
}
