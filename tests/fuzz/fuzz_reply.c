/* What a server that is not Redis may answer: the input is written to a socket and
 * read as three replies. All of a reply that is taken lies in memory of ours, text ends in a NUL,
 * and its copy for the mirror reads the same; whatever is not taken has a reason. */
#include <sys/socket.h>

#include "base/clock.h"
#include "fuzz/fuzz.h"
#include "store/mirror_bytes.h"
#include "store/topology_own.h"
#include "store/wire.h"

enum { REPLIES = 3, SENT_MAX = 64 * 1024, COPY_MAX = 512 * 1024 };

/* All of it is read: the sanitizer sees what does not belong to it. */
static void judge_value(const struct store_value *value, int depth)
{
	HOLDS(value->type <= STORE_LIST && depth < 12);
	HOLDS(value->text && value->text[value->len] == '\0');
	HOLDS(value->type == STORE_TEXT || value->len == 0);
	HOLDS(value->type == STORE_LIST || value->count == 0);
	for (size_t i = 0; i < value->count; i++)
		judge_value(&value->item[i], depth + 1);
	(void)store_value_int(value, 0);
	(void)store_item_text(value, 0);
	(void)store_item_int(value, 1, 0);
}

static bool is_same(const struct store_value *a, const struct store_value *b)
{
	if (a->type != b->type || a->len != b->len || a->count != b->count ||
		(a->type == STORE_INT && a->integer != b->integer) ||
		memcmp(a->text, b->text, a->len) != 0)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (!is_same(&a->item[i], &b->item[i]))
			return false;
	}
	return true;
}

static void judge_copy(const struct store_value *values)
{
	char *bytes = arena_alloc(fuzz_arena, COPY_MAX);
	size_t len = mirror_bytes_put(bytes, COPY_MAX, values, REPLIES);
	const char *exact = fuzz_bytes((const uint8_t *)bytes, len), *at = exact;
	for (int i = 0; i < REPLIES && len > 0; i++) {
		struct store_value again;
		at = mirror_bytes_get(fuzz_arena, at, &again);
		HOLDS(at <= exact + len && is_same(&values[i], &again));
	}
	(void)mirror_bytes_is_nothing(values, REPLIES);
	free((void *)(uintptr_t)exact);
}

static void judge_error(const char *error)
{
	struct topology_redirect redirect;
	if (!topology_parse_redirect(&redirect, error))
		return;
	HOLDS(redirect.slot < TOPOLOGY_SLOTS && *redirect.port);
	HOLDS(strnlen(redirect.host, sizeof redirect.host) < sizeof redirect.host);
	HOLDS(strnlen(redirect.port, sizeof redirect.port) < sizeof redirect.port);
}

static void say(int fd, const uint8_t *data, size_t size)
{
	HOLDS(size == 0 || send(fd, data, size, MSG_NOSIGNAL) == (ssize_t)size);
}

static void judge_replies(const struct wire_reply *replies)
{
	struct store_value values[REPLIES];
	for (int i = 0; i < REPLIES; i++) {
		values[i] = replies[i].value;
		judge_value(&values[i], 0);
		if (replies[i].error)
			judge_error(replies[i].error);
		(void)topology_info(values[i].text, "cluster_known_nodes");
	}
	judge_copy(values);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct store_command get = {
		.argv = { "GET", "key" }, .argc = 2, .script = -1
	};
	const struct store_command *commands[REPLIES] = { &get, &get, &get };
	struct wire_reply replies[REPLIES] = { { .error = NULL } };
	struct wire_login login = { .password = NULL };
	struct wire *wire = NULL;
	int ends[2];

	fuzz_begin();
	if (size > SENT_MAX)
		return 0;
	HOLDS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
	struct wire_call call = { .arena = fuzz_arena, .deadline = deadline_in_ms(5000) };
	HOLDS(wire_attach(&wire, ends[0], &login, &call) == WIRE_OK);
	say(ends[1], data, size);
	HOLDS(shutdown(ends[1], SHUT_WR) == 0);
	enum wire_result result = wire_exchange(wire, &call, commands, replies, REPLIES);
	HOLDS(result != WIRE_LATE && result != WIRE_UNREACHABLE);
	if (result == WIRE_OK)
		judge_replies(replies);
	else
		HOLDS(*call.why && strnlen(call.why, sizeof call.why) < sizeof call.why);
	wire_close(wire);
	(void)close(ends[1]);
	return 0;
}
