#include "ctl/ctl_redis.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/settings.h"
#include "ctl/ctl_doctor.h"
#include "ctl/ctl_info.h"
#include "ctl/ctl_sweep.h"
#include "store/store.h"

enum { ERROR_MAX = 1024, FULL_PERCENT = 90, OLDEST_MAJOR = 7, TIMEOUT_MS = 5000 };

/* What CONFIG GET says of a name; NULL when it is not there. */
static const char *config_of(const struct store_value *reply, const char *name)
{
	for (size_t i = 0; i + 1 < reply->count; i += 2)
		if (strcmp(reply->item[i].text, name) == 0)
			return reply->item[i + 1].text;
	return NULL;
}

static bool ask(struct ctl_doctor *doctor, struct store_command command, struct store_value *reply)
{
	struct ctl *ctl = doctor->ctl;

	ctl_renew(ctl);
	command.server = doctor->redis;
	return store_run_one(ctl->auth.store, ctl->caller.arena, ctl->caller.deadline, &command,
		       reply) == STORE_OK;
}

/* Once for all masters of a Cluster: the first is named. */
__attribute__((format(printf, 3, 4))) static void add(
	struct ctl_doctor *doctor, enum ctl_remedy_code code, const char *format, ...)
{
	char text[ERROR_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (!ctl_finding_has(&doctor->findings, code))
		ctl_finding_add(&doctor->findings, code, "%s", text);
}

static void check_clock(struct ctl_doctor *doctor)
{
	int64_t there = ctl_sweep_now(doctor->ctl);
	int64_t apart = there - clock_now_sec();

	if (there > 0 && llabs((long long)apart) > CTL_DOCTOR_CLOCK_SEC)
		add(doctor, CTL_REMEDY_CLOCK,
			"the clock of Redis is %lld seconds %s that of this machine.",
			llabs((long long)apart), apart > 0 ? "ahead of" : "behind");
}

static void check_memory(struct ctl_doctor *doctor, const char *info)
{
	struct arena *arena = doctor->ctl->caller.arena;
	const char *policy = ctl_info_text(arena, info, "maxmemory_policy");
	int64_t used = ctl_info_int(arena, info, "used_memory");
	int64_t most = ctl_info_int(arena, info, "maxmemory");

	if (*policy && strcmp(policy, "noeviction") != 0)
		add(doctor, CTL_REMEDY_REDIS_EVICTS,
			"%s throws keys away when its memory is full (maxmemory-policy %s): sessions, users, revocations.",
			doctor->redis_name, policy);
	if (most > 0 && used / FULL_PERCENT >= most / 100)
		add(doctor, CTL_REMEDY_REDIS_FULL, "%s uses %lld of the %lld bytes that it may.",
			doctor->redis_name, (long long)used, (long long)most);
}

static void check_version(struct ctl_doctor *doctor, const char *info)
{
	struct arena *arena = doctor->ctl->caller.arena;
	const char *version = ctl_info_text(arena, info, "redis_version");

	/* Valkey says a Redis version as well: that which it is compatible with. */
	if (*version && strtol(version, NULL, 10) < OLDEST_MAJOR)
		add(doctor, CTL_REMEDY_REDIS_OLD, "%s is Redis %s.",
			doctor->redis == 0 ? "this" : doctor->redis_name, version);
}

/* save NULL: not known. */
static void check_persistence(struct ctl_doctor *doctor, const char *info, const char *save)
{
	struct arena *arena = doctor->ctl->caller.arena;
	bool appends = ctl_info_int(arena, info, "aof_enabled") != 0;

	if (!appends && save && *save)
		add(doctor, CTL_REMEDY_REDIS_NOT_PERSISTENT,
			"%s only takes a snapshot now and then: its restart brings back sessions that were ended since, and loses those that were begun.",
			doctor->redis_name);
	else if (!appends)
		add(doctor, CTL_REMEDY_REDIS_NOT_PERSISTENT,
			"%s writes nothing to disk: its restart signs everybody out and loses all users.",
			doctor->redis_name);
	if (strcmp(ctl_info_text(arena, info, "aof_last_write_status"), "err") == 0 ||
		strcmp(ctl_info_text(arena, info, "aof_last_bgrewrite_status"), "err") == 0 ||
		((!save || *save) &&
			strcmp(ctl_info_text(arena, info, "rdb_last_bgsave_status"), "err") == 0))
		add(doctor, CTL_REMEDY_REDIS_WRITE_ERRORS, "%s could not write to its disk.",
			doctor->redis_name);
}

/* Addresses in a list as redis.conf has it: "* -::*", "127.0.0.1 -::1". */
static bool is_bound_beyond(struct arena *arena, const char *bind)
{
	char *rest = arena_strdup(arena, bind);
	const char *address;

	while ((address = strsep(&rest, " ")) != NULL) {
		address += *address == '-';
		if (*address && strncmp(address, "127.", 4) != 0 && strcmp(address, "::1") != 0 &&
			strcmp(address, "localhost") != 0)
			return true;
	}
	return *bind == '\0';
}

static bool is_on(const char *value)
{
	return value && strcmp(value, "yes") == 0;
}

/* The unix socket that everybody may write to, on this machine. */
static bool is_socket_open(const char *path)
{
	struct stat file;

	return path && *path && stat(path, &file) == 0 && (file.st_mode & S_IWOTH);
}

/* For who gives no password. */
static void check_entrance(struct ctl_doctor *doctor, const struct store_value *config)
{
	struct arena *arena = doctor->ctl->caller.arena;
	const char *port = config_of(config, "port"), *bind = config_of(config, "bind");
	bool listens = port && strcmp(port, "0") != 0;
	bool beyond = listens && bind && is_bound_beyond(arena, bind) &&
		      !is_on(config_of(config, "protected-mode"));

	if (beyond)
		add(doctor, CTL_REMEDY_REDIS_OPEN,
			"%s listens on %s, port %s, beyond this machine, and asks for no password: whoever reaches it can be anybody here.",
			doctor->redis_name, *bind ? bind : "*", port);
	else if (is_socket_open(config_of(config, "unixsocket")))
		add(doctor, CTL_REMEDY_REDIS_OPEN,
			"the socket of Redis, %s, is open to every user of this machine, and no password is asked for.",
			config_of(config, "unixsocket"));
	else if (listens)
		add(doctor, CTL_REMEDY_REDIS_NO_PASSWORD,
			"every user of the machine of %s can connect to its port %s: no password is asked for.",
			doctor->redis_name, port);
}

/* The flags of "default": on, nopass. That is who connects without a password. */
static bool lets_in_unasked(const struct store_value *user)
{
	bool on = false, nopass = false;

	for (size_t i = 0; i + 1 < user->count; i += 2) {
		const struct store_value *flags = &user->item[i + 1];

		if (strcmp(user->item[i].text, "flags") != 0)
			continue;
		for (size_t k = 0; k < flags->count; k++) {
			on = on || strcmp(flags->item[k].text, "on") == 0;
			nopass = nopass || strcmp(flags->item[k].text, "nopass") == 0;
		}
	}
	return on && nopass;
}

/* Of the one that doctor->redis is. first: what cannot be looked at is said. */
static void check_configuration(struct ctl_doctor *doctor, bool first)
{
	struct store_value info = { 0 }, config = { 0 }, user = { 0 };
	bool configured = ask(doctor,
		store_read("CONFIG", "GET", "save", "port", "bind", "protected-mode", "unixsocket",
			NULL),
		&config);

	if (ask(doctor, store_read("INFO", NULL), &info)) {
		check_version(doctor, info.text);
		check_memory(doctor, info.text);
		check_persistence(
			doctor, info.text, configured ? config_of(&config, "save") : NULL);
	} else if (first) {
		ctl_finding_unseen(&doctor->findings,
			"the memory and persistence of Redis: it does not allow INFO.");
	}
	bool known =
		configured && ask(doctor, store_read("ACL", "GETUSER", "default", NULL), &user);
	if (!known && first)
		ctl_finding_unseen(&doctor->findings,
			"who can connect to Redis: it does not allow CONFIG GET and ACL GETUSER here.");
	else if (known && lets_in_unasked(&user))
		check_entrance(doctor, &config);
}

/* Each master of a Cluster, or the only one. */
static void check_servers(struct ctl_doctor *doctor)
{
	struct store *store = doctor->ctl->auth.store;
	struct arena *arena = doctor->ctl->caller.arena;
	unsigned first = store_next_server(store, 0);
	bool several = store_next_server(store, first) != 0;

	for (unsigned at = first; at != 0; at = store_next_server(store, at)) {
		if (several) {
			doctor->redis = at;
			doctor->redis_name = arena_printf(
				arena, "Redis at %s", store_server_name(store, arena, at));
		}
		check_configuration(doctor, at == first);
	}
	doctor->redis = 0;
}

void ctl_redis_check(struct ctl_doctor *doctor)
{
	struct ctl *ctl = doctor->ctl;
	struct store_value reply = { 0 };
	char error[ERROR_MAX] = "";

	doctor->redis_name = "Redis";
	ctl->auth.store = store_open(ctl->settings, TIMEOUT_MS, error, sizeof error);
	if (ctl->auth.store)
		doctor->store_answers = ask(doctor, store_read("PING", NULL), &reply);
	if (!doctor->store_answers) {
		ctl_finding_add(&doctor->findings, CTL_REMEDY_STORE_UNAVAILABLE,
			"Redis at %s does not answer%s%s.", ctl->settings->store.url,
			*error ? ": " : "", error);
		return;
	}
	check_clock(doctor);
	check_servers(doctor);
}
