#include "store/ask.h"

#include <netinet/in.h>
#include <sys/time.h>

static int free_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, len) != 0 ||
		getsockname(fd, (struct sockaddr *)&address, &len) != 0)
		redis_die("a free port");
	close(fd);
	return ntohs(address.sin_port);
}

static void a_host_may_be_a_number_or_a_name(void)
{
	struct store_value reply;
	begin();
	int port = 0;
	/* Somebody else may take it before Redis does. */
	for (int tries = 0; tries < 5 && port == 0; tries++) {
		int candidate = free_port();
		if (strcmp(redis_command(arena_printf(arena, "CONFIG SET port %d", candidate)),
			    "+OK") == 0)
			port = candidate;
	}
	CHECK(port > 0);
	const char *hosts[] = { "127.0.0.1", "localhost" };
	for (size_t i = 0; i < 2; i++) {
		struct store *there =
			new_store(arena_printf(arena, "redis://%s:%d/2", hosts[i], port), NULL);
		CHECK_INT(run_on(there, store_write("SET", "a", "x", NULL), &reply), STORE_OK);
		store_free(there);
	}
	CHECK_TEXT(redis_command("CONFIG SET port 0"), "+OK");
}

static void a_host_that_nobody_knows_is_a_fault_in_time(void)
{
	struct store_value reply;
	timeout_ms = TIME_MS;
	struct store *nowhere = new_store("redis://no-such-host.invalid", NULL);
	timeout_ms = PATIENT_MS;
	int64_t start_ms = clock_mono_ms();
	CHECK_INT(run_on(nowhere, store_read("PING", NULL), &reply), STORE_FAULT);
	CHECK(clock_mono_ms() - start_ms < TIME_MS * 20);
	store_free(nowhere);
}

static void ignore_signal(int number)
{
	(void)number;
}

static void signals_do_not_disturb(void)
{
	struct sigaction handler = { .sa_handler = ignore_signal }, before;
	struct itimerval every = { .it_interval.tv_usec = 300, .it_value.tv_usec = 300 };
	struct itimerval never = { .it_value.tv_usec = 0 };
	begin();
	sigaction(SIGALRM, &handler, &before);
	setitimer(ITIMER_REAL, &every, NULL);
	for (int i = 0; i < 300; i++) {
		/* An error reply closes the connection, so that connecting is disturbed too. */
		CHECK_TEXT(say(store_read("GET", NULL)), "fault");
		CHECK_TEXT(say_get("a"), "nil");
	}
	setitimer(ITIMER_REAL, &never, NULL);
	sigaction(SIGALRM, &before, NULL);
}

int main(void)
{
	ask_start();
	RUN(a_host_may_be_a_number_or_a_name);
	RUN(a_host_that_nobody_knows_is_a_fault_in_time);
	RUN(signals_do_not_disturb);
	return ask_stop();
}
