#include "store/ask.h"

#include "store/complaint.h"

static void the_same_error_is_logged_once_a_second_in_the_words_of_redis(void)
{
	begin();
	(void)say(store_write("SET", "text", "x", NULL));
	clear_log();
	for (int i = 0; i < 50; i++)
		(void)say(store_read("HGET", "text", "f", NULL));
	CHECK_INT(count_in_log("HGET: WRONGTYPE Operation against a key holding"), 1);
	store_free(store);
	store = NULL;
	CHECK_INT(count_in_log("(49 times)"), 1);
}

static void no_argument_and_no_password_is_logged(void)
{
	struct store_value reply;
	begin();
	clear_log();
	CHECK_TEXT(say(store_read("NOSUCH", "s3cret", "s3cret", NULL)), "fault");
	CHECK_INT(count_in_log("NOSUCH: ERR unknown command"), 1);
	struct store *wrong = new_store(redis_url(), "s3cret");
	CHECK_INT(run_on(wrong, store_read("PING", NULL), &reply), STORE_FAULT);
	store_free(wrong);
	CHECK_INT(count_in_log("s3cret"), 0);
}

static void errors_that_take_turns_are_logged_once_each(void)
{
	struct complaint complaint;
	complaint_init(&complaint);
	clear_log();
	for (int i = 0; i < 100; i++)
		complaint_log(&complaint, "error %d", i % 5);
	CHECK_INT(count_in_log("\n"), 5);
	complaint_wipe(&complaint);
	CHECK_INT(count_in_log("(19 times)"), 5);
}

static void a_new_error_takes_the_place_of_the_oldest(void)
{
	struct complaint complaint;
	complaint_init(&complaint);
	clear_log();
	for (int i = 0; i < 20; i++)
		complaint_log(&complaint, "error %d", i);
	CHECK_INT(count_in_log("\n"), 20);
	complaint_wipe(&complaint);
	CHECK_INT(count_in_log("\n"), 20);
}

int main(void)
{
	ask_start();
	RUN(the_same_error_is_logged_once_a_second_in_the_words_of_redis);
	RUN(no_argument_and_no_password_is_logged);
	RUN(errors_that_take_turns_are_logged_once_each);
	RUN(a_new_error_takes_the_place_of_the_oldest);
	return ask_stop();
}
