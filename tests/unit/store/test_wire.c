#include "check.h"

#include "base/arena.h"
#include "store/fake.h"
#include "store/wire.h"

/* One allocation of more ends the test: what a server announces must not be believed. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "max_allocation_size_mb=64";
}

enum { TIME_MS = 150, LONG_TIME_MS = 20000, ARENA_BYTES = 1 << 20 };

static struct arena *arena;
static struct wire_call call;
static struct wire_reply reply;

/* Asks the fake once on a new connection. */
static enum wire_result ask(int64_t time_ms, long pause_ms)
{
	struct target target;
	struct wire *wire = NULL;
	struct store_command get = { .argv = { "GET", "key" }, .argc = 2, .script = -1 };
	const struct store_command *commands[] = { &get };
	memset(&reply, 0, sizeof(reply));
	arena_reset(arena);
	call = (struct wire_call){ .arena = arena, .deadline = deadline_in_ms(time_ms) };
	struct wire_login login = { .password = NULL };
	if (target_parse_unix(&target, fake.path))
		abort();
	enum wire_result result = wire_open(&wire, &target, &login, &call);
	/* Until the fake has spoken or hung up, however busy the machine is. */
	for (int i = 0; pause_ms > 0 && i < 1000 && wire && wire_is_quiet(wire); i++)
		fake_sleep_ms(10);
	if (pause_ms > 0)
		fake_sleep_ms(pause_ms);
	if (result == WIRE_OK)
		result = wire_exchange(wire, &call, commands, &reply, 1);
	wire_close(wire);
	return result;
}

static enum wire_result ask_fake(fake_talk *talk)
{
	fake_start(talk);
	enum wire_result result = ask(TIME_MS, 0);
	fake_stop();
	return result;
}

static void say_reply(int fd)
{
	fake_say(fd, "$5\r\nhe\r\no\r\n");
}

static void a_reply_may_hold_any_bytes(void)
{
	CHECK_INT(ask_fake(say_reply), WIRE_OK);
	CHECK_INT(reply.value.type, STORE_TEXT);
	CHECK_TEXT(reply.value.text, "he\r\no");
	CHECK_INT(reply.value.len, 5);
	CHECK(!reply.error);
}

static void say_error_within(int fd)
{
	fake_say(fd, "*2\r\n:1\r\n*1\r\n-ERR inside\r\n");
}

static void say_error_before(int fd)
{
	fake_say(fd, "*2\r\n-ERR no\r\n:1\r\n");
}

static void an_error_inside_a_list_is_an_error(void)
{
	CHECK_INT(ask_fake(say_error_within), WIRE_OK);
	CHECK_TEXT(reply.error, "ERR inside");
	CHECK_INT(ask_fake(say_error_before), WIRE_OK);
	CHECK_TEXT(reply.error, "ERR no");
}

static void say_http(int fd)
{
	fake_say(fd, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
}

static void a_web_server_is_no_redis(void)
{
	CHECK_INT(ask_fake(say_http), WIRE_FAULT);
	CHECK(strstr(call.why, "Protocol error"));
}

static void say_nested(int fd)
{
	fake_say(fd, "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n");
}

static void say_nested_just_allowed(int fd)
{
	fake_say(fd, "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n");
}

static void say_nested_without_end(int fd)
{
	if (!fake_hear(fd))
		return;
	while (fake_send(fd, "*1\r\n", 4))
		continue;
}

static void a_reply_nested_deeper_than_seven_is_refused(void)
{
	CHECK_INT(ask_fake(say_nested_just_allowed), WIRE_OK);
	CHECK_INT(ask_fake(say_nested), WIRE_FAULT);
	CHECK_TEXT(call.why, "a reply nested too deeply");
	CHECK_INT(ask_fake(say_nested_without_end), WIRE_FAULT);
}

static void say_huge_text(int fd)
{
	fake_say(fd, "$536870912\r\nabc");
}

static void say_long_text(int fd)
{
	static char block[65536];
	memset(block, 'x', sizeof(block));
	if (!fake_hear(fd) || !fake_send(fd, "$536870912\r\n", 12))
		return;
	while (fake_send(fd, block, sizeof(block)))
		continue;
}

static void an_announced_half_gigabyte_is_not_allocated(void)
{
	CHECK_INT(ask_fake(say_huge_text), WIRE_LATE);
	fake_start(say_long_text);
	CHECK_INT(ask(LONG_TIME_MS, 0), WIRE_FAULT);
	fake_stop();
	CHECK_TEXT(call.why, "a reply that is too long");
}

static void say_huge_list(int fd)
{
	fake_say(fd, "*1000000000\r\n:1\r\n");
}

static void say_huge_lists(int fd)
{
	fake_say(fd, "*200000\r\n*200000\r\n*200000\r\n:1\r\n");
}

static void an_announced_milliard_of_items_is_not_allocated(void)
{
	CHECK_INT(ask_fake(say_huge_list), WIRE_FAULT);
	CHECK_TEXT(call.why, "a reply of too many items");
	CHECK_INT(ask_fake(say_huge_lists), WIRE_FAULT);
	CHECK_TEXT(call.why, "a reply that is too long");
}

static void say_lists_in_lists(int fd)
{
	fake_say(fd, "*4\r\n*2\r\n:7\r\n*1\r\n+in\r\n$-1\r\n*0\r\n$3\r\nout\r\n");
}

static void lists_in_lists_keep_their_order(void)
{
	CHECK_INT(ask_fake(say_lists_in_lists), WIRE_OK);
	const struct store_value *list = reply.value.item;
	CHECK_INT(reply.value.count, 4);
	CHECK_INT(list[0].count, 2);
	CHECK_INT(list[0].item[0].integer, 7);
	CHECK_TEXT(store_item_text(&list[0].item[1], 0), "in");
	CHECK_INT(list[1].type, STORE_NIL);
	CHECK_INT(list[2].type, STORE_LIST);
	CHECK_INT(list[2].count, 0);
	CHECK_TEXT(store_item_text(&reply.value, 3), "out");
}

static void say_too_much_for_the_arena(int fd)
{
	static char text[ARENA_BYTES + 64];
	int head = snprintf(text, sizeof(text), "$%d\r\n", ARENA_BYTES);
	memset(text + head, 'x', ARENA_BYTES);
	memcpy(text + head + ARENA_BYTES, "\r\n", 3);
	fake_say(fd, text);
}

static void a_reply_that_the_arena_cannot_hold_is_refused(void)
{
	CHECK_INT(ask_fake(say_too_much_for_the_arena), WIRE_FAULT);
	CHECK_TEXT(call.why, "a reply that is too long");
}

static void say_half(int fd)
{
	if (fake_hear(fd))
		fake_send(fd, "$10\r\nabc", 8);
}

static void half_a_reply_and_the_end_is_no_reply(void)
{
	CHECK_INT(ask_fake(say_half), WIRE_CLOSED);
	CHECK(call.sent);
}

static void say_nothing(int fd)
{
	(void)fd;
}

static void writing_to_a_server_that_hung_up_does_not_end_the_program(void)
{
	fake_start(say_nothing);
	CHECK_INT(ask(LONG_TIME_MS, 50), WIRE_CLOSED);
	fake_stop();
	CHECK(!call.sent);
}

static void say_refusal(int fd)
{
	fake_send(fd, "-ERR max number of clients reached\r\n", 36);
}

static void the_reason_of_a_server_that_hung_up_is_told(void)
{
	fake_start(say_refusal);
	CHECK_INT(ask(LONG_TIME_MS, 50), WIRE_FAULT);
	fake_stop();
	CHECK_TEXT(call.why, "ERR max number of clients reached");
}

static void say_two_replies(int fd)
{
	fake_say(fd, "+OK\r\n+MORE\r\n");
}

static void a_second_answer_to_one_question_is_refused(void)
{
	CHECK_INT(ask_fake(say_two_replies), WIRE_FAULT);
	CHECK_TEXT(call.why, "an answer to no question");
}

static void say_resp3(int fd)
{
	fake_say(fd, "%1\r\n+a\r\n+b\r\n");
}

static void say_push(int fd)
{
	fake_say(fd, ">2\r\n+invalidate\r\n+b\r\n");
}

static void types_of_resp3_are_refused(void)
{
	CHECK_INT(ask_fake(say_resp3), WIRE_FAULT);
	CHECK_INT(ask_fake(say_push), WIRE_FAULT);
}

static void say_drops(int fd)
{
	const char *text = "$1000\r\n";
	if (!fake_hear(fd))
		return;
	for (size_t i = 0; fake_send(fd, i < strlen(text) ? text + i : "x", 1); i++)
		fake_sleep_ms(20);
}

static void the_deadline_holds_against_a_server_that_drips(void)
{
	int64_t start_ms = clock_mono_ms();
	CHECK_INT(ask_fake(say_drops), WIRE_LATE);
	int64_t took_ms = clock_mono_ms() - start_ms;
	CHECK(took_ms >= TIME_MS && took_ms < TIME_MS * 40);
	CHECK_TEXT(call.why, "no answer in time");
}

static void say_empty_lists_without_end(int fd)
{
	if (!fake_hear(fd) || !fake_send(fd, "*200000\r\n", 9))
		return;
	while (fake_send(fd, "*0\r\n", 4))
		continue;
}

static void the_deadline_holds_against_a_server_that_never_pauses(void)
{
	int64_t start_ms = clock_mono_ms();
	enum wire_result result = ask_fake(say_empty_lists_without_end);
	CHECK(result == WIRE_LATE || result == WIRE_FAULT);
	CHECK(clock_mono_ms() - start_ms < TIME_MS * 40);
}

/* Within a text, within a list: the first part stands in the arena meanwhile. */
static void a_message_that_comes_in_two_parts_is_whole_in_the_end(void)
{
	static const char text[] = "*3\r\n$7\r\nmessage\r\n*2\r\n$3\r\none\r\n$3\r\ntwo\r\n:5\r\n";
	struct wire_login login = { .password = NULL };
	for (size_t first = 1; first < sizeof(text) - 1; first++) {
		struct wire *wire = NULL;
		int ends[2];
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
			abort();
		arena_reset(arena);
		call = (struct wire_call){ .arena = arena, .deadline = deadline_in_ms(1) };
		CHECK_INT(wire_attach(&wire, ends[0], &login, &call), WIRE_OK);
		CHECK(fake_send(ends[1], text, first));
		CHECK_INT(wire_receive(wire, &call, &reply), WIRE_LATE);
		CHECK(fake_send(ends[1], text + first, sizeof(text) - 1 - first));
		call.deadline = deadline_in_ms(LONG_TIME_MS);
		CHECK_INT(wire_receive(wire, &call, &reply), WIRE_OK);
		CHECK_INT(reply.value.count, 3);
		CHECK_TEXT(store_item_text(&reply.value, 0), "message");
		CHECK_TEXT(store_item_text(&reply.value.item[1], 0), "one");
		CHECK_TEXT(store_item_text(&reply.value.item[1], 1), "two");
		CHECK_INT(store_item_int(&reply.value, 2, 0), 5);
		wire_close(wire);
		close(ends[1]);
	}
}

static void nothing_is_sent_when_no_time_is_left(void)
{
	struct target target;
	struct wire *wire = NULL;
	struct store_command set = { .argv = { "SET", "a", "b" }, .argc = 3, .script = -1 };
	const struct store_command *commands[] = { &set };
	fake_start(say_reply);
	call = (struct wire_call){ .arena = arena, .deadline = deadline_in_ms(TIME_MS) };
	struct wire_login login = { .password = NULL };
	CHECK(!target_parse_unix(&target, fake.path));
	CHECK_INT(wire_open(&wire, &target, &login, &call), WIRE_OK);
	call.deadline = deadline_in_ms(0);
	CHECK_INT(wire_exchange(wire, &call, commands, &reply, 1), WIRE_LATE);
	CHECK(!call.sent);
	wire_close(wire);
	fake_stop();
	CHECK_INT(atomic_load(&fake.questions), 0);
}

static void a_socket_that_is_not_there_is_told_in_words(void)
{
	fake_start(say_nothing);
	fake_stop();
	CHECK_INT(ask(TIME_MS, 0), WIRE_UNREACHABLE);
	CHECK_TEXT(call.why, "connect: No such file or directory");
}

static void the_version_of_hiredis_is_known(void)
{
	CHECK(strncmp(wire_version(), "hiredis ", 8) == 0);
	CHECK(strchr(wire_version(), '.'));
}

int main(void)
{
	arena = arena_new(ARENA_BYTES);
	RUN(a_reply_may_hold_any_bytes);
	RUN(an_error_inside_a_list_is_an_error);
	RUN(a_web_server_is_no_redis);
	RUN(a_reply_nested_deeper_than_seven_is_refused);
	RUN(an_announced_half_gigabyte_is_not_allocated);
	RUN(an_announced_milliard_of_items_is_not_allocated);
	RUN(lists_in_lists_keep_their_order);
	RUN(a_reply_that_the_arena_cannot_hold_is_refused);
	RUN(half_a_reply_and_the_end_is_no_reply);
	RUN(writing_to_a_server_that_hung_up_does_not_end_the_program);
	RUN(the_reason_of_a_server_that_hung_up_is_told);
	RUN(a_second_answer_to_one_question_is_refused);
	RUN(types_of_resp3_are_refused);
	RUN(the_deadline_holds_against_a_server_that_drips);
	RUN(the_deadline_holds_against_a_server_that_never_pauses);
	RUN(a_message_that_comes_in_two_parts_is_whole_in_the_end);
	RUN(nothing_is_sent_when_no_time_is_left);
	RUN(a_socket_that_is_not_there_is_told_in_words);
	RUN(the_version_of_hiredis_is_known);
	arena_free(arena);
	return check_result();
}
