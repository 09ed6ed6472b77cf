#include "store/ask.h"
#include "store/fake.h"

/* INCR before and after a script, none of them repeatable; the counts show what ran how often. */
static enum store_result run_script(struct store_value replies[3])
{
	struct store_command commands[3] = { store_write("INCR", "before", NULL),
		store_call(STORE_THROTTLE_TAKE, 1, false), store_write("INCR", "after", NULL) };
	store_arg(&commands[1], "throttle");
	store_arg_int(&commands[1], arena, 100);
	store_arg_int(&commands[1], arena, 60);
	return store_run(store, arena, deadline_in_ms(5000), commands, replies, 3);
}

static void check_script_ran(int times)
{
	struct store_value replies[3];
	CHECK_INT(run_script(replies), STORE_OK);
	CHECK_INT(replies[0].integer, times);
	CHECK_INT(store_item_int(&replies[1], 0, -1), 1);
	CHECK_INT(store_item_int(&replies[1], 1, -1), times);
	CHECK_INT(replies[2].integer, times);
}

static void a_script_is_loaded_at_its_first_use(void)
{
	begin();
	(void)redis_command("SCRIPT FLUSH");
	check_script_ran(1);
	check_script_ran(2);
}

static void a_script_that_the_server_forgot_is_loaded_and_nothing_runs_twice(void)
{
	begin();
	check_script_ran(1);
	CHECK_TEXT(redis_command("SCRIPT FLUSH"), "+OK");
	check_script_ran(2);
	check_script_ran(3);
}

static void a_restarted_server_gets_the_scripts_again(void)
{
	begin();
	check_script_ran(1);
	redis_restart();
	check_script_ran(1);
}

static void hang_up(int fd)
{
	(void)fake_hear(fd);
}

static void loading_scripts_counts_as_nothing_sent(void)
{
	struct store_value reply;
	fake_start(hang_up);
	struct store *broken = new_store(fake.url, NULL);
	struct store_command give = store_call(STORE_THROTTLE_GIVE, 1, false);
	store_arg(&give, "throttle");
	CHECK_INT(run_on(broken, give, &reply), STORE_FAULT);
	fake_stop();
	CHECK_INT(atomic_load(&fake.connections), 2);
	store_free(broken);
}

int main(void)
{
	ask_start();
	RUN(a_script_is_loaded_at_its_first_use);
	RUN(a_script_that_the_server_forgot_is_loaded_and_nothing_runs_twice);
	RUN(a_restarted_server_gets_the_scripts_again);
	RUN(loading_scripts_counts_as_nothing_sent);
	return ask_stop();
}
