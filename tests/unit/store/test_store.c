#include "store/ask.h"
#include "store/fake.h"

static void what_is_written_can_be_read(void)
{
	begin();
	CHECK_TEXT(say(store_write("SET", "a", "one", NULL)), "OK");
	CHECK_TEXT(say_get("a"), "one");
	CHECK_TEXT(say(store_write("INCR", "n", NULL)), ":1");
	CHECK_TEXT(say(store_write("DECRBY", "n", "5", NULL)), ":-4");
	CHECK_TEXT(say(store_write("RPUSH", "l", "x", "y", NULL)), ":2");
	CHECK_TEXT(say(store_read("LRANGE", "l", "0", "-1", NULL)), "list of 2");
}

static void a_missing_key_is_nil_and_no_fault(void)
{
	struct store_value reply;
	begin();
	CHECK_INT(run(store_read("GET", "absent", NULL), &reply), STORE_OK);
	CHECK_INT(reply.type, STORE_NIL);
	CHECK_TEXT(reply.text, "");
	CHECK_TEXT(say(store_read("SMEMBERS", "absent", NULL)), "list of 0");
}

static void any_value_stays_one_argument(void)
{
	const char *values[] = { "a\r\nFLUSHALL\r\n", "%s%n%b%s", "", " ", "*1\r\n$4\r\nPING\r\n",
		"\"'\\", "$-1" };
	begin();
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		CHECK_TEXT(say(store_write("SET", values[i], values[i], NULL)), "OK");
		CHECK_TEXT(say_get(values[i]), values[i]);
	}
	CHECK_TEXT(say(store_read("DBSIZE", NULL)), ":7");
}

static void a_long_value_comes_back_whole(void)
{
	enum { LEN = 3000000 };
	char *text = arena_alloc(arena, LEN + 1);
	memset(text, 'x', LEN);
	begin();
	text = arena_alloc(arena, LEN + 1);
	memset(text, 'y', LEN);
	CHECK_TEXT(say(store_write("SET", "long", text, NULL)), "OK");
	CHECK(strcmp(say_get("long"), text) == 0);
}

static void replies_come_in_the_order_of_the_commands(void)
{
	enum { COUNT = 200 };
	static struct store_command commands[COUNT];
	static struct store_value replies[COUNT];
	begin();
	for (int i = 0; i < COUNT; i++)
		commands[i] = store_read("ECHO", arena_printf(arena, "text %d", i), NULL);
	CHECK_INT(
		store_run(store, arena, deadline_in_ms(5000), commands, replies, COUNT), STORE_OK);
	for (int i = 0; i < COUNT; i++)
		CHECK_TEXT(replies[i].text, arena_printf(arena, "text %d", i));
}

static void items_of_a_list_are_read_by_type(void)
{
	struct store_value reply;
	begin();
	(void)say(store_write("HSET", "h", "text", "abc", "n", "-42", "big", "9999999999999999999",
		"odd", "12x", NULL));
	struct store_command get =
		store_read("HMGET", "h", "text", "n", "absent", "big", "odd", NULL);
	CHECK_INT(run(get, &reply), STORE_OK);
	CHECK_TEXT(store_item_text(&reply, 0), "abc");
	CHECK_TEXT(store_item_text(&reply, 2), NULL);
	CHECK_TEXT(store_item_text(&reply, 9), NULL);
	CHECK_INT(store_item_int(&reply, 1, 7), -42);
	CHECK_INT(store_item_int(&reply, 0, 7), 7);
	CHECK_INT(store_item_int(&reply, 2, 7), 7);
	CHECK_INT(store_item_int(&reply, 3, 7), 7);
	CHECK_INT(store_item_int(&reply, 4, 7), 7);
	CHECK_INT(store_item_int(&reply, 9, 7), 7);
	CHECK_INT(run(store_read("TIME", NULL), &reply), STORE_OK);
	CHECK(store_item_int(&reply, 0, 0) > 1700000000);
}

static void keys_of_one_user_share_a_hash_tag(void)
{
	begin();
	CHECK_TEXT(store_key_user(store, arena, "u1"), "dw:user:{u1}");
	CHECK_TEXT(store_key_session(store, arena, "u1", "h"), "dw:session:{u1}:h");
	CHECK_TEXT(store_key_seen(store, arena, "u1", "h"), "dw:seen:{u1}:h");
	CHECK_TEXT(store_key_deny(store, arena, "u1", "j"), "dw:deny:{u1}:j");
	CHECK_TEXT(store_key_sessions(store, arena, "u1"), "dw:sessions:{u1}");
	CHECK_TEXT(store_key(store, arena, "realm"), "dw:realm");
}

static void an_error_reply_is_a_fault_of_the_whole_call(void)
{
	struct store_value replies[3];
	begin();
	(void)say(store_write("SET", "text", "x", NULL));
	struct store_command commands[3] = { store_read("GET", "text", NULL),
		store_read("HGET", "text", "f", NULL), store_read("GET", "text", NULL) };
	CHECK_INT(store_run(store, arena, deadline_in_ms(5000), commands, replies, 3), STORE_FAULT);
	for (int i = 0; i < 3; i++) {
		CHECK_INT(replies[i].type, STORE_NIL);
		CHECK_TEXT(replies[i].text, "");
	}
	CHECK_TEXT(say_get("text"), "x");
}

static const char *const errors[] = { "-LOADING Redis is loading the dataset in memory\r\n",
	"-READONLY You can't write against a read only replica.\r\n",
	"-NOAUTH Authentication required.\r\n", "-WRONGTYPE Operation against a key\r\n",
	"-OOM command not allowed when used memory > 'maxmemory'.\r\n",
	"-MOVED 3999 127.0.0.1:6381\r\n", "-\r\n" };
enum { ERRORS = sizeof(errors) / sizeof(errors[0]) };

static void say_next_error(int fd)
{
	fake_say(fd, errors[(atomic_load(&fake.connections) - 1) % ERRORS]);
}

static void every_error_reply_is_a_fault_and_opens_no_breaker(void)
{
	struct store_value reply;
	fake_start(say_next_error);
	struct store *asked = new_store(fake.url, NULL);
	for (int i = 0; i < ERRORS; i++)
		CHECK_INT(run_on(asked, store_read("GET", "a", NULL), &reply), STORE_FAULT);
	store_free(asked);
	fake_stop();
	CHECK_INT(atomic_load(&fake.questions), ERRORS);
}

static void a_read_only_server_is_a_fault_and_no_answer(void)
{
	begin();
	CHECK_TEXT(redis_command("REPLICAOF 127.0.0.1 1"), "+OK");
	CHECK_TEXT(say(store_write("SET", "a", "b", NULL)), "fault");
	CHECK_TEXT(redis_command("REPLICAOF NO ONE"), "+OK");
	CHECK_TEXT(say(store_write("SET", "a", "b", NULL)), "OK");
}

static void the_password_is_needed_and_used(void)
{
	struct store_value reply;
	begin();
	CHECK_TEXT(redis_command("CONFIG SET requirepass pass%sword"), "+OK");
	struct store *with = new_store(redis_url(), "pass%sword");
	struct store *wrong = new_store(redis_url(), "password");
	CHECK_TEXT(say_get("a"), "fault"); /* NOAUTH */
	CHECK_INT(run_on(wrong, store_read("GET", "a", NULL), &reply), STORE_FAULT);
	CHECK_INT(run_on(with, store_read("GET", "a", NULL), &reply), STORE_OK);
	CHECK_INT(run_on(with, store_write("CONFIG", "SET", "requirepass", "", NULL), &reply),
		STORE_OK);
	CHECK_TEXT(say_get("a"), "nil");
	store_free(with);
	store_free(wrong);
}

static void a_named_user_signs_in_and_may_do_only_what_it_may(void)
{
	struct store_value reply;
	begin();
	CHECK_TEXT(redis_command("ACL SETUSER doorward on >s3cret ~dw:* +get"), "+OK");
	const char *url = arena_printf(arena, "%s?user=doorward", redis_url());
	struct store *named = new_store(url, "s3cret");
	CHECK_INT(run_on(named, store_read("GET", "dw:a", NULL), &reply), STORE_OK);
	CHECK_INT(run_on(named, store_read("GET", "other", NULL), &reply), STORE_FAULT);
	CHECK_INT(run_on(named, store_write("SET", "dw:a", "x", NULL), &reply), STORE_FAULT);
	CHECK_INT(run_on(named, store_read("GET", "dw:a", NULL), &reply), STORE_OK);
	store_free(named);
	CHECK_TEXT(redis_command("ACL DELUSER doorward"), ":1");
	CHECK(!new_store(url, NULL));
}

static void the_database_of_the_url_is_used(void)
{
	struct store_value reply;
	begin();
	struct store *third = new_store(arena_printf(arena, "%s?db=3", redis_url()), NULL);
	CHECK_INT(run_on(third, store_write("SET", "a", "in 3", NULL), &reply), STORE_OK);
	CHECK_TEXT(say_get("a"), "nil");
	CHECK_INT(run_on(third, store_read("GET", "a", NULL), &reply), STORE_OK);
	CHECK_TEXT(reply.text, "in 3");
	store_free(third);
}

static void nothing_runs_when_no_time_is_left(void)
{
	struct store_value reply;
	struct store_command incr = store_write("INCR", "n", NULL);
	begin();
	CHECK_INT(store_run_one(store, arena, deadline_in_ms(0), &incr, &reply), STORE_FAULT);
	CHECK_TEXT(say_get("n"), "nil");
}

static void one_argument_too_many_ends_the_program(void)
{
	int status = 0;
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		struct store_command command = store_read("DEL", NULL);
		for (int i = 0; i < STORE_ARGS_MAX; i++)
			store_arg(&command, "key");
		_exit(0);
	}
	waitpid(child, &status, 0);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 70);
}

int main(void)
{
	ask_start();
	RUN(what_is_written_can_be_read);
	RUN(a_missing_key_is_nil_and_no_fault);
	RUN(any_value_stays_one_argument);
	RUN(a_long_value_comes_back_whole);
	RUN(replies_come_in_the_order_of_the_commands);
	RUN(items_of_a_list_are_read_by_type);
	RUN(keys_of_one_user_share_a_hash_tag);
	RUN(an_error_reply_is_a_fault_of_the_whole_call);
	RUN(every_error_reply_is_a_fault_and_opens_no_breaker);
	RUN(a_read_only_server_is_a_fault_and_no_answer);
	RUN(the_password_is_needed_and_used);
	RUN(a_named_user_signs_in_and_may_do_only_what_it_may);
	RUN(the_database_of_the_url_is_used);
	RUN(nothing_runs_when_no_time_is_left);
	RUN(one_argument_too_many_ends_the_program);
	return ask_stop();
}
