/* inside CONF COUNT, the access token on standard input: the CPU time between the last parameter of
 * a check read and its answer ready to be written, which is what Doorward itself adds to FastCGI.
 * Prints how many of COUNT were let in, and the microseconds of one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "endpoints/site.h"
#include "http/gateway.h"
#include "routes.h"

enum { WARM_UP = 2000, LEASE_WAIT_MS = 500, COOKIE_MAX_BYTES = 8192 };

static const char *params[] = { "AUTH_ROLE=AUTHORIZER", "REQUEST_METHOD=GET",
	"REQUEST_URI=/private/file.txt", "SCRIPT_NAME=/_doorward_check",
	"CONTENT_LENGTH=", "SERVER_PROTOCOL=HTTP/1.1", "SERVER_NAME=127.0.0.1", "SERVER_PORT=80",
	"REQUEST_SCHEME=http", "REMOTE_ADDR=127.0.0.1", "HTTP_HOST=127.0.0.1",
	"HTTP_USER_AGENT=Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0",
	"HTTP_ACCEPT=*/*", "HTTP_ACCEPT_LANGUAGE=en-GB,en;q=0.7",
	"HTTP_ACCEPT_ENCODING=gzip, deflate, br", "HTTP_CONNECTION=keep-alive",
	"HTTP_SEC_FETCH_DEST=empty", "HTTP_SEC_FETCH_MODE=cors", "HTTP_SEC_FETCH_SITE=same-origin",
	NULL /* the cookie */, NULL };

static size_t no_body(void *context, char *into, size_t len)
{
	(void)context, (void)into, (void)len;
	return 0;
}

/* On a thread that accepts, which must not wait; else on one of the pool. */
static bool check(struct arena *arena, enum gateway_patience patience)
{
	struct gateway_call call = { .arena = arena,
		.params = params,
		.takes = GATEWAY_AUTHORIZER,
		.deadline = deadline_in_ms(GATEWAY_REQUEST_MS),
		.patience = patience,
		.read = no_body };
	struct buf out;

	bool let_in = gateway_answer(&call, routes_handle, NULL, &out) &&
		      strncmp(out.data, "Status: 200", 11) == 0;
	arena_reset(arena);
	return let_in;
}

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

int main(int argc, char **argv)
{
	static char cookie[COOKIE_MAX_BYTES];
	struct timespec lease = { .tv_nsec = LEASE_WAIT_MS * 1000000L };
	char error[512];
	size_t count = argc == 3 ? strtoul(argv[2], NULL, 10) : 0, let_in = 0;

	if (count == 0 || !fgets(cookie, sizeof cookie, stdin))
		return 2;
	cookie[strcspn(cookie, "\n")] = '\0';
	for (size_t i = 0; i < sizeof params / sizeof *params - 1; i++)
		if (!params[i])
			params[i] = cookie;
	struct site *site = site_load(argv[1], SITE_DAEMON, error, sizeof error);
	if (!site) {
		fprintf(stderr, "%s\n", error);
		return 1;
	}
	site_replace(site);
	struct arena *arena = arena_new(GATEWAY_ARENA_MAX_BYTES);
	nanosleep(&lease, NULL);
	for (size_t i = 0; i < WARM_UP; i++)
		check(arena, GATEWAY_WAITS);
	double start = cpu_us();
	for (size_t i = 0; i < count; i++)
		let_in += check(arena, GATEWAY_MEMORY_ONLY);
	printf("%zu %.4f\n", let_in, (cpu_us() - start) / (double)count);
	arena_free(arena);
	return 0;
}
