/* What tests of accounts and sign-ins share: settings in memory, a store on a private Redis, a
 * caller. desk_start() ... desk_stop(). Hashing is set as cheap as libsodium allows. */
#ifndef DOORWARD_TESTS_DESK_H
#define DOORWARD_TESTS_DESK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/auth.h"
#include "auth/user.h"
#include "base/arena.h"
#include "base/log.h"
#include "base/settings.h"
#include "redis.h"
#include "store/store.h"

static struct {
	struct settings settings;
	struct auth auth;
	struct caller caller;
	char log_path[64];
} desk;

/* Another browser: every later call is made from there. */
static inline void desk_be(const char *address)
{
	desk.caller.address = address;
	desk.caller.agent = "Firefox";
	desk.caller.deadline = deadline_in_ms(10000);
}

static inline void desk_start(void)
{
	char error[256] = "";

	desk.settings = (struct settings){
		.users = { .source = SETTINGS_USERS_REDIS, .extra_fields = "" },
		.server = { .responder_threads = 40 },
		.password = { .opslimit = 1, .memlimit_mb = 1, .max_parallel = 4 },
		.throttle = { .per_name = 50,
			.per_address = 100,
			.per_both = 10,
			.window_sec = 900 },
	};
	redis_start();
	struct store_config config = { .url = redis_url(), .prefix = "dw:", .timeout_ms = 5000 };
	desk.auth.settings = &desk.settings;
	desk.auth.store = store_new(&config, error, sizeof error);
	if (!desk.auth.store) {
		fprintf(stderr, "store: %s\n", error);
		exit(2);
	}
	desk.caller.arena = arena_new(64 << 20);
	desk_be("192.0.2.7");
	snprintf(desk.log_path, sizeof desk.log_path, "/tmp/doorward-log-XXXXXX");
	close(mkstemp(desk.log_path));
	log_open(desk.log_path, LOG_FORMAT_JSON, LOG_LEVEL_INFO);
}

static inline void desk_stop(void)
{
	log_open("stderr", LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	store_free(desk.auth.store);
	arena_free(desk.caller.arena);
	unlink(desk.log_path);
	redis_stop();
}

/* Empties store and log, for a test that begins. */
static inline void desk_clear(void)
{
	redis_command("FLUSHALL");
	if (truncate(desk.log_path, 0) != 0)
		exit(2);
	arena_reset(desk.caller.arena);
	desk_be("192.0.2.7");
}

/* All that was logged since desk_clear. */
static inline const char *desk_log(void)
{
	static char text[65536];
	FILE *file = fopen(desk.log_path, "r");
	size_t len = file ? fread(text, 1, sizeof text - 1, file) : 0;

	if (file)
		fclose(file);
	text[len] = '\0';
	return text;
}

/* One command's answer. */
static inline struct store_value desk_redis(struct store_command command)
{
	struct store_value reply = { 0 };

	if (store_run_one(desk.auth.store, desk.caller.arena, deadline_in_ms(5000), &command,
		    &reply) != STORE_OK) {
		fprintf(stderr, "redis: %s failed\n", command.argv[0]);
		exit(2);
	}
	return reply;
}

#endif
