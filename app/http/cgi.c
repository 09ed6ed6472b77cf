#include "http/cgi.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/encode.h"
#include "base/log.h"

extern char **environ;

enum { CGI_DRAIN_MAX_BYTES = 1024 * 1024 };

bool cgi_is_asked(void)
{
	return getenv("GATEWAY_INTERFACE") != NULL;
}

/* No byte past CONTENT_LENGTH is asked for (RFC 3875 section 4.2): a server may keep the stream
 * open, and the read would wait for ever. */
static size_t cgi_read(void *context, char *into, size_t len)
{
	size_t *left = context;
	ssize_t got;

	if (len > *left)
		len = *left;
	if (len == 0)
		return 0;
	do
		got = read(STDIN_FILENO, into, len);
	while (got < 0 && errno == EINTR);
	if (got <= 0)
		return 0;
	*left -= (size_t)got;
	return (size_t)got;
}

static size_t cgi_content_length(void)
{
	const char *text = getenv("CONTENT_LENGTH");
	long long length = 0;

	/* What is no number is refused when the body is asked for. */
	if (!text || !encode_parse_uint(text, 0, LLONG_MAX, &length))
		return 0;
	return (size_t)length;
}

/* A body that nobody read: the web server may still be writing it, and gives up on the answer when
 * it cannot. */
static void cgi_drain(size_t *left)
{
	char waste[4096];
	size_t total = 0;

	while (total < CGI_DRAIN_MAX_BYTES && cgi_read(left, waste, sizeof waste) > 0)
		total += sizeof waste;
}

static bool cgi_write(const char *data, size_t len)
{
	while (len > 0) {
		ssize_t put = write(STDOUT_FILENO, data, len);

		if (put < 0 && errno != EINTR)
			return false;
		if (put > 0) {
			data += put;
			len -= (size_t)put;
		}
	}
	return true;
}

int cgi_run(gateway_handler *handle, void *context)
{
	size_t left = cgi_content_length();
	struct arena *arena = arena_new(GATEWAY_ARENA_MAX_BYTES);
	struct buf out;
	/* A CGI answer is a page; as a check's answer nothing of it would be understood. */
	struct gateway_call call = { .arena = arena,
		.params = (const char *const *)environ,
		.takes = GATEWAY_RESPONDER,
		.deadline = deadline_in_ms(GATEWAY_REQUEST_MS),
		.patience = GATEWAY_WAITS,
		.read = cgi_read,
		.read_context = &left };

	if (!gateway_answer(&call, handle, context, &out))
		fatal("a request was handed on");
	cgi_drain(&left);
	bool sent = cgi_write(out.data, out.len);
	arena_free(arena);
	return sent ? EXIT_SUCCESS : EXIT_FAILURE;
}
