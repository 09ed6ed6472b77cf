/* What /auth/metrics says of the store: told without asking it. */
#include "store/store_state.h"

#include "base/arena.h"
#include "base/counter.h"
#include "base/log.h"
#include "check.h"
#include "redis.h"
#include "store/store.h"

static struct store *store;
static struct arena *arena;

static enum store_result look_up(void)
{
	struct store_command command = store_read("HGET", "dw:realm", "ver", NULL);
	struct store_value reply = { 0 };

	command.mirrored = true;
	return store_look_up(store, arena, deadline_in_ms(500), &command, &reply, 1);
}

static struct store_state state(void)
{
	struct store_state out;

	store_state_read(store, &out);
	return out;
}

static void it_is_one_server_that_answers(void)
{
	CHECK_INT(look_up(), STORE_OK);
	CHECK_INT(state().servers, 1);
	CHECK_INT(state().silent, 0);
	CHECK(!state().mirrored);
	CHECK_INT(state().mirror_entries, 0);
	CHECK_INT(counter_get(COUNTER_STORE_CALLS), 1);
	CHECK_INT(counter_get(COUNTER_MIRROR_MISSES), 0);
}

static void what_is_mirrored_is_counted(void)
{
	struct store_mirror_config config = {
		.max_entries = 1000, .heartbeat_ms = 20, .lease_ms = 200
	};

	store_start_mirror(store, &config);
	for (int i = 0; i < 200 && !state().mirror_is_leased; i++)
		redis_sleep_ms(10);
	uint64_t calls = counter_get(COUNTER_STORE_CALLS);
	CHECK_INT(look_up(), STORE_OK);
	CHECK_INT(look_up(), STORE_OK);
	CHECK(state().mirrored && state().mirror_is_leased);
	CHECK_INT(state().mirror_entries, 1);
	CHECK_INT(counter_get(COUNTER_STORE_CALLS), calls + 1);
	CHECK_INT(counter_get(COUNTER_MIRROR_MISSES), 1);
	CHECK_INT(counter_get(COUNTER_MIRROR_HITS), 1);
}

static void one_that_is_gone_is_silent(void)
{
	uint64_t faults = counter_get(COUNTER_STORE_FAULTS);

	redis_kill();
	for (int i = 0; i < 100 && look_up() == STORE_OK; i++)
		redis_sleep_ms(10);
	CHECK_INT(state().silent, 1);
	CHECK(!state().mirror_is_leased);
	CHECK(counter_get(COUNTER_STORE_FAULTS) > faults);
}

int main(void)
{
	char error[256] = "";

	redis_start();
	struct store_config config = { .url = redis_url(), .prefix = "dw:", .timeout_ms = 500 };
	store = store_new(&config, error, sizeof error);
	arena = arena_new(1 << 20);
	log_open("/dev/null", LOG_FORMAT_JSON, LOG_LEVEL_ERROR);
	RUN(it_is_one_server_that_answers);
	RUN(what_is_mirrored_is_counted);
	RUN(one_that_is_gone_is_silent);
	store_free(store);
	arena_free(arena);
	redis_stop();
	return check_result();
}
