/* A whole small world for tests of decisions: settings read from a file, keys, a private Redis, a
 * user. world_start(extra settings) ... world_stop(). */
#ifndef DOORWARD_TESTS_WORLD_H
#define DOORWARD_TESTS_WORLD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/auth.h"
#include "auth/keys.h"
#include "auth/remembered.h"
#include "auth/rules.h"
#include "auth/user.h"
#include "base/arena.h"
#include "base/log.h"
#include "base/settings.h"
#include "redis.h"
#include "store/store.h"

static struct {
	char folder[64];
	struct settings *settings;
	struct auth auth;
	struct caller caller;
} world;

static inline void world_fail(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(2);
}

/* Reads the settings with `extra` lines (whole sections) at their end. */
static inline void world_settings(const char *extra)
{
	char path[128], error[1024] = "";
	FILE *file;

	snprintf(path, sizeof path, "%s/doorward.conf", world.folder);
	file = fopen(path, "w");
	if (!file)
		world_fail(path, "cannot be written");
	fprintf(file, "[store]\nurl = %s\ntimeout_ms = 2000\n[token]\nkeys_dir = %s/keys\n%s\n",
		redis_url(), world.folder, extra);
	fclose(file);
	settings_free(world.settings);
	world.settings = settings_load(path, error, sizeof error);
	if (!world.settings)
		world_fail("settings", error);
	rules_free((struct rules *)(uintptr_t)world.auth.rules);
	world.auth.rules = rules_parse(world.settings, error, sizeof error);
	if (!world.auth.rules)
		world_fail("rules", error);
	world.auth.settings = world.settings;
}

/* Another browser: every later call is made by it. */
static inline void world_be(const char *address, const char *agent)
{
	world.caller.address = address;
	world.caller.agent = agent;
	world.caller.deadline = deadline_in_ms(5000);
}

static inline void world_start(const char *extra)
{
	char path[128], error[1024] = "";
	struct store_config config;

	snprintf(world.folder, sizeof world.folder, "/tmp/doorward-world-XXXXXX");
	if (!mkdtemp(world.folder))
		world_fail("mkdtemp", world.folder);
	redis_start();
	snprintf(path, sizeof path, "%s/keys", world.folder);
	if (!keys_make(path, CRYPTO_ES256, 0, NULL, error, sizeof error))
		world_fail("keys_make", error);
	world_settings(extra);
	world.auth.keys = keys_load(path, error, sizeof error);
	if (!world.auth.keys)
		world_fail("keys", error);
	config = (struct store_config){ .url = redis_url(), .prefix = "dw:", .timeout_ms = 2000 };
	world.auth.store = store_new(&config, error, sizeof error);
	if (!world.auth.store)
		world_fail("store", error);
	world.auth.remembered = remembered_new(64);
	world.caller.arena = arena_new(64 * 1024 * 1024);
	world_be("192.0.2.7", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0");
	log_open("/dev/null", LOG_FORMAT_JSON, LOG_LEVEL_ERROR);
}

static inline void world_remove_folder(const char *path)
{
	DIR *folder = opendir(path);
	const struct dirent *entry;

	while (folder && (entry = readdir(folder)) != NULL)
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(folder), entry->d_name, 0);
	if (folder)
		closedir(folder);
	rmdir(path);
}

static inline void world_stop(void)
{
	char keys[128];

	remembered_free(world.auth.remembered);
	store_free(world.auth.store);
	keys_free((struct keys *)(uintptr_t)world.auth.keys);
	rules_free((struct rules *)(uintptr_t)world.auth.rules);
	settings_free(world.settings);
	arena_free(world.caller.arena);
	redis_stop();
	snprintf(keys, sizeof keys, "%s/keys", world.folder);
	world_remove_folder(keys);
	world_remove_folder(world.folder);
	memset(&world, 0, sizeof world);
}

/* A user with these roles, freshly made. */
static inline struct user world_user(const char *name, const char *roles)
{
	struct user user = { 0 };

	if (user_add(&world.auth, &world.caller, name, "$argon2id$none", roles) != USER_OK ||
		user_find(&world.auth, &world.caller, name, &user) != USER_OK)
		world_fail("user", name);
	return user;
}

/* One command's answer. */
static inline struct store_value world_redis(struct store_command command)
{
	struct store_value reply = { 0 };

	if (store_run_one(world.auth.store, world.caller.arena, deadline_in_ms(2000), &command,
		    &reply) != STORE_OK)
		world_fail("redis", command.argv[0]);
	return reply;
}

#endif
