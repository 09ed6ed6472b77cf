#include "store/store.h"

#include "base/arena.h"
#include "base/crypto.h"
#include "base/log.h"
#include "store/mirror.h"
#include "store/store_own.h"
#include "store/tracker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BRIEF_MS = 5, FORGIVEN_MS = 1000 };

const char *store_version(void)
{
	return wire_version();
}

static char *copy_text(const char *text)
{
	char *copy = strdup(text ? text : "");
	if (!copy)
		fatal("out of memory: the store");
	return copy;
}

static void free_secret(char *secret)
{
	if (secret)
		crypto_wipe(secret, strlen(secret));
	free(secret);
}

static bool is_set(const char *text)
{
	return text && *text;
}

/* What fits the URL, and what does not: a setting that would do nothing is a mistake. */
static bool check_config(const struct store_config *config, const struct address *address,
	char *error, size_t error_size)
{
	const char *why = NULL;
	bool server = address->kind == ADDRESS_SERVER;
	if (address->server.user[0] && !config->password)
		why = "[store] url names a user, but there is no password_file";
	else if (address->kind != ADDRESS_SENTINEL &&
		 (is_set(config->sentinel_user) || config->sentinel_password))
		why = "[store] sentinel_user and sentinel_password_file go with a url of "
		      "sentinel://";
	else if (is_set(config->sentinel_user) && !config->sentinel_password)
		why = "[store] sentinel_user is set, but there is no sentinel_password_file";
	else if (server && address->tls && !is_set(config->tls.ca_file))
		why = "[store] url is rediss://, but there is no tls_ca_file to know the server by";
	else if (server && !address->tls && is_set(config->tls.ca_file))
		why = "[store] tls_ca_file is set, but the url is not encrypted: rediss:// is";
	else if (!is_set(config->tls.ca_file) && is_set(config->tls.cert_file))
		why = "[store] tls_cert_file is set, but there is no tls_ca_file";
	else if (is_set(config->tls.cert_file) != is_set(config->tls.key_file))
		why = "[store] tls_cert_file and tls_key_file go together";
	if (why)
		(void)snprintf(error, error_size, "%s", why);
	return why == NULL;
}

struct store *store_new(const struct store_config *config, char *error, size_t error_size)
{
	struct wire_tls *tls = NULL;
	struct topology_config *topology = calloc(1, sizeof(*topology));
	struct store *store = calloc(1, sizeof(*store));
	if (!topology || !store)
		fatal("out of memory: the store");
	if (!address_parse(&topology->address, config->url, error, error_size) ||
		!check_config(config, &topology->address, error, error_size) ||
		(is_set(config->tls.ca_file) &&
			!(tls = wire_tls_new(&config->tls, error, error_size)))) {
		free(topology);
		free(store);
		return NULL;
	}
	store->tls = tls;
	store->password = config->password ? copy_text(config->password) : NULL;
	store->sentinel_user = copy_text(config->sentinel_user);
	store->sentinel_password =
		config->sentinel_password ? copy_text(config->sentinel_password) : NULL;
	store->prefix = copy_text(config->prefix);
	store->prefix_len = strlen(store->prefix);
	store->timeout_ms = config->timeout_ms > 0 ? config->timeout_ms : 1;
	topology->login = (struct wire_login){ .password = store->password, .tls = tls };
	topology->sentinel_user = store->sentinel_user;
	topology->sentinel_password = store->sentinel_password;
	store->topology = topology_new(topology);
	free(topology);
	pthread_mutex_init(&store->scripts.mutex, NULL);
	complaint_init(&store->complaint);
	return store;
}

void store_free(struct store *store)
{
	if (!store)
		return;
	tracker_stop(store->trackers);
	mirror_free(store->mirror);
	topology_free(store->topology);
	wire_tls_free(store->tls);
	pthread_mutex_destroy(&store->scripts.mutex);
	complaint_wipe(&store->complaint);
	free_secret(store->password);
	free_secret(store->sentinel_password);
	free(store->sentinel_user);
	free(store->prefix);
	free(store);
}

void store_start_mirror(struct store *store, const struct store_mirror_config *config)
{
	struct tracker_config tracker = { .topology = store->topology,
		.prefix = store->prefix,
		.heartbeat_ms = config->heartbeat_ms,
		.lease_ms = config->lease_ms };
	store->mirror = mirror_new(config->max_entries);
	store->trackers = tracker_start(store->mirror, &tracker);
}

struct mirror *store_mirror(struct store *store)
{
	return store->mirror;
}

bool store_is_one_server(const struct store *store)
{
	return topology_is_one(store->topology);
}

bool store_is_quick(const struct store *store)
{
	int64_t slow_at_ms = atomic_load(&store->slow_at_ms);
	if (!topology_is_server(store->topology))
		return false;
	return slow_at_ms == 0 || clock_mono_ms() - slow_at_ms >= FORGIVEN_MS;
}

/* As brief as `outer` is. */
static struct deadline within(int64_t ms, struct deadline outer)
{
	struct deadline own = deadline_in_ms(ms);
	if (own.at_mono_ms < outer.at_mono_ms)
		outer.at_mono_ms = own.at_mono_ms;
	return outer;
}

struct deadline store_deadline(const struct store *store, struct deadline outer)
{
	return within(store->timeout_ms, outer);
}

struct deadline store_brief_deadline(const struct store *store, struct deadline outer)
{
	int64_t ms = store->timeout_ms / 4;
	outer.brief = true;
	return within(ms < BRIEF_MS ? ms : BRIEF_MS, outer);
}

/* Keys. */

const char *store_key(const struct store *store, struct arena *arena, const char *rest)
{
	return arena_join(arena, store->prefix, rest, NULL);
}

/* prefix kind{uid}rest: made four times a check. */
static const char *key_of(const struct store *store, struct arena *arena, const char *kind,
	const char *uid, const char *rest)
{
	size_t prefix_len = store->prefix_len, kind_len = strlen(kind), uid_len = strlen(uid),
	       rest_len = strlen(rest);
	char *key = arena_alloc(arena, prefix_len + kind_len + uid_len + rest_len + 4), *at = key;
	at = mempcpy(at, store->prefix, prefix_len);
	at = mempcpy(at, kind, kind_len);
	*at++ = '{';
	at = mempcpy(at, uid, uid_len);
	*at++ = '}';
	if (rest_len > 0)
		*at++ = ':';
	(void)mempcpy(at, rest, rest_len);
	return key;
}

const char *store_key_user(const struct store *store, struct arena *arena, const char *uid)
{
	return key_of(store, arena, "user:", uid, "");
}

const char *store_key_sessions(const struct store *store, struct arena *arena, const char *uid)
{
	return key_of(store, arena, "sessions:", uid, "");
}

const char *store_key_session(
	const struct store *store, struct arena *arena, const char *uid, const char *handle)
{
	return key_of(store, arena, "session:", uid, handle);
}

const char *store_key_seen(
	const struct store *store, struct arena *arena, const char *uid, const char *handle)
{
	return key_of(store, arena, "seen:", uid, handle);
}

const char *store_key_deny(
	const struct store *store, struct arena *arena, const char *uid, const char *jti)
{
	return key_of(store, arena, "deny:", uid, jti);
}
