/* Who the master is, the sentinels say; that it is one, it says itself: a sentinel that was cut off
 * may still name the old one. */
#include "store/topology_own.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>
#include <string.h>

/* After a failover by hand the old master goes on as one for seconds, and what is written there is
 * lost: whoever has connections to it must hear of the new one soon. */
enum { CONFIRM_EVERY_MS = 300, CONFIRM_MS = 50 };

/* Of asking one sentinel: the master's address in *found. */
static enum wire_result ask_one(struct topology *topology, const struct target *sentinel,
	struct wire_call *call, struct target *found)
{
	const struct topology_config *config = &topology->config;
	struct store_command command =
		store_read("SENTINEL", "get-master-addr-by-name", config->address.master, NULL);
	const struct store_command *commands[] = { &command };
	struct wire_login login = { .password = config->sentinel_password,
		.tls = config->login.tls };
	struct target target = *sentinel;
	struct wire_reply reply = { .error = NULL };
	struct wire *wire = NULL;
	(void)snprintf(target.user, sizeof(target.user), "%s", config->sentinel_user);
	enum wire_result result = wire_open(&wire, &target, &login, call);
	if (result == WIRE_OK)
		result = wire_exchange(wire, call, commands, &reply, 1);
	call->sent = false;
	wire_close(wire);
	if (result != WIRE_OK)
		return result;
	const char *host = store_item_text(&reply.value, 0);
	const char *port = store_item_text(&reply.value, 1);
	if (!reply.error && host && port && target_set_host(found, host, port))
		return WIRE_OK;
	(void)snprintf(call->why, sizeof(call->why), "%s",
		reply.error ? reply.error : "it knows no master of that name");
	return WIRE_FAULT;
}

static void use(struct topology *topology, const struct target *found)
{
	struct pool *pool = &topology->node[0]->pool;
	struct target before;
	bool known = atomic_exchange(&topology->sentinel.known, true);
	(void)pool_target(pool, &before);
	atomic_store(&topology->sentinel.asked_ms, clock_mono_ms());
	if (known && strcmp(before.host, found->host) == 0 && strcmp(before.port, found->port) == 0)
		return;
	pool_renew(pool, found);
	if (known)
		log_warn("store %s: the master is now %s, before it was %s",
			topology->config.address.master, found->name, before.name);
}

/* Each gets its part of the time, so that one that hangs leaves some; half of it is left for the
 * master. */
static bool ask(struct topology *topology, struct wire_call *call)
{
	const struct address *address = &topology->config.address;
	size_t first = atomic_load(&topology->sentinel.best);
	struct deadline end = deadline_in_ms(deadline_left_ms(call->deadline) / 2);
	struct target found = address->server;
	for (size_t i = 0; i < address->seeds; i++) {
		size_t at = (first + i) % address->seeds;
		struct wire_call part = *call;
		part.deadline = deadline_in_ms(deadline_left_ms(end) / (int)(address->seeds - i));
		enum wire_result result = ask_one(topology, &address->seed[at], &part, &found);
		if (result == WIRE_OK) {
			atomic_store(&topology->sentinel.best, at);
			use(topology, &found);
			return true;
		}
		(void)snprintf(call->why, sizeof(call->why), "no sentinel answers: %.90s: %.80s",
			address->seed[at].name, part.why);
	}
	return false;
}

void topology_sentinel_doubt(struct topology *topology)
{
	atomic_store(&topology->sentinel.asked_ms, 0);
}

void topology_sentinel_confirm(struct topology *topology, struct wire_call *call)
{
	_Atomic int64_t *asked_ms = &topology->sentinel.asked_ms;
	int64_t now_ms = clock_mono_ms(), before_ms = atomic_load(asked_ms);
	/* In doubt, the next new connection asks. Of many threads one does. */
	if (before_ms == 0 || now_ms - before_ms < CONFIRM_EVERY_MS ||
		!atomic_compare_exchange_strong(asked_ms, &before_ms, now_ms))
		return;
	int64_t left_ms = deadline_left_ms(call->deadline);
	struct wire_call own = { .arena = call->arena,
		.deadline = deadline_in_ms(left_ms < CONFIRM_MS ? left_ms : CONFIRM_MS) };
	(void)ask(topology, &own);
}

/* ROLE of a connection that was just opened. */
static enum wire_result check_role(struct wire *wire, struct wire_call *call)
{
	const struct store_command role = { .argv = { "ROLE" }, .argc = 1, .script = -1 };
	const struct store_command *commands[] = { &role };
	struct wire_reply reply = { .error = NULL };
	enum wire_result result = wire_exchange(wire, call, commands, &reply, 1);
	call->sent = false;
	if (result != WIRE_OK || topology_is_proof(&reply))
		return result;
	(void)snprintf(call->why, sizeof(call->why), "%s",
		reply.error ? reply.error
			    : "it is no master; the sentinels have not decided on one yet");
	return reply.error ? WIRE_FAULT : WIRE_UNREACHABLE;
}

enum wire_result topology_sentinel_open(
	struct topology *topology, struct wire_call *call, struct connection *out)
{
	struct topology_sentinel *sentinel = &topology->sentinel;
	struct target target;
	/* When no sentinel answers, the last master may be one still: it says so itself. */
	if (atomic_load(&sentinel->asked_ms) == 0 && !ask(topology, call) &&
		!atomic_load(&sentinel->known))
		return WIRE_UNREACHABLE;
	out->node = topology->node[0];
	out->generation = pool_target(&out->node->pool, &target);
	enum wire_result result = wire_open(&out->wire, &target, &topology->config.login, call);
	if (result != WIRE_OK)
		return result;
	result = check_role(out->wire, call);
	if (result == WIRE_OK)
		return result;
	wire_close(out->wire);
	out->wire = NULL;
	if (result == WIRE_UNREACHABLE) {
		/* Perhaps another sentinel knows better. */
		atomic_store(&sentinel->best,
			(atomic_load(&sentinel->best) + 1) % topology->config.address.seeds);
		topology_sentinel_doubt(topology);
	}
	return result;
}
