/* argon OPSLIMIT MEMLIMIT_MB THREADS SECONDS: what a password costs at the least. Argon2id checks
 * by libsodium in so many threads; prints how many were done, the seconds, and the CPU seconds. */
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { THREADS_MAX = 64 };

static const char password[] = "correct-horse-battery";
static char hash[crypto_pwhash_STRBYTES];
static atomic_size_t done;
static double until;

static double seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void *work(void *unused)
{
	(void)unused;
	while (seconds(CLOCK_MONOTONIC) < until) {
		if (crypto_pwhash_str_verify(hash, password, strlen(password)) != 0)
			abort();
		atomic_fetch_add(&done, 1);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread[THREADS_MAX];
	size_t threads = argc == 5 ? strtoul(argv[3], NULL, 10) : 0;

	if (threads < 1 || threads > THREADS_MAX || sodium_init() < 0 ||
		crypto_pwhash_str(hash, password, strlen(password), strtoul(argv[1], NULL, 10),
			strtoul(argv[2], NULL, 10) * 1024 * 1024) != 0)
		return 2;
	double start = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
	until = start + strtod(argv[4], NULL);
	for (size_t i = 0; i < threads; i++)
		if (pthread_create(&thread[i], NULL, work, NULL) != 0)
			return 1;
	for (size_t i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	printf("%zu %.6f %.6f\n", done, seconds(CLOCK_MONOTONIC) - start,
		seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
	return 0;
}
