#include "endpoints/metrics.h"

#include <inttypes.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "base/counter.h"
#include "base/settings.h"
#include "endpoints/exchange.h"
#include "http/address.h"
#include "store/store_state.h"

enum metrics_check {
	CHECK_ALLOWED,
	CHECK_ANONYMOUS,
	CHECK_DEGRADED,
	CHECK_REFUSED,
	CHECK_DENIED,
	CHECK_FAULT,
	CHECKS
};
enum { SIGN_INS = CREDENTIALS_FAULT + 1, REFRESHES = ROTATION_FAULT + 1 };

static atomic_uint_least64_t metrics_checks[CHECKS][REASON_COUNT];
static atomic_uint_least64_t metrics_sign_ins[SIGN_INS];
static atomic_uint_least64_t metrics_refreshes[REFRESHES][REASON_COUNT];

static void metrics_add(atomic_uint_least64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static uint64_t metrics_get(const atomic_uint_least64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static enum metrics_check metrics_kind(enum access_result result, const struct access *access)
{
	switch (result) {
	case ACCESS_ALLOWED:
		if (access->degraded)
			return CHECK_DEGRADED;
		return access->anonymous ? CHECK_ANONYMOUS : CHECK_ALLOWED;
	case ACCESS_UNAUTHENTICATED:
		return CHECK_REFUSED;
	case ACCESS_DENIED:
		return CHECK_DENIED;
	case ACCESS_FAULT:
		break;
	}
	return CHECK_FAULT;
}

void metrics_count_check(enum access_result result, const struct access *access)
{
	metrics_add(&metrics_checks[metrics_kind(result, access)][access->reason]);
}

void metrics_count_sign_in(enum credentials_result result)
{
	metrics_add(&metrics_sign_ins[result]);
}

void metrics_count_refresh(enum rotation_result result, enum reason why)
{
	metrics_add(&metrics_refreshes[result][result == ROTATION_REFUSED ? why : REASON_OK]);
}

/* ---- the text ---- */

/* Exposition format 0.0.4: what a family is, before its samples. */
static void metrics_family(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP doorward_%s %s\n# TYPE doorward_%s %s\n", name, help, name, type);
}

static void metrics_single(
	struct buf *out, const char *name, const char *type, const char *help, uint64_t value)
{
	metrics_family(out, name, type, help);
	buf_printf(out, "doorward_%s %" PRIu64 "\n", name, value);
}

/* Of all the pairs of result and reason, those that occurred; and the first, so that there is one.
 */
static void metrics_pairs(struct buf *out, const char *name, const char *const *results,
	const atomic_uint_least64_t (*values)[REASON_COUNT], size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t reason = 0; reason < REASON_COUNT; reason++) {
			uint64_t value = metrics_get(&values[i][reason]);

			if (value > 0 || i + reason == 0)
				buf_printf(out,
					"doorward_%s{result=\"%s\",reason=\"%s\"} %" PRIu64 "\n",
					name, results[i], reason_code((enum reason)reason), value);
		}
}

static void metrics_decisions(struct buf *out)
{
	static const char *const checks[] = { [CHECK_ALLOWED] = "allowed",
		[CHECK_ANONYMOUS] = "anonymous",
		[CHECK_DEGRADED] = "degraded",
		[CHECK_REFUSED] = "refused",
		[CHECK_DENIED] = "denied",
		[CHECK_FAULT] = "fault" };
	static const char *const sign_ins[] = { [CREDENTIALS_OK] = "ok",
		[CREDENTIALS_REFUSED] = "refused",
		[CREDENTIALS_THROTTLED] = "throttled",
		[CREDENTIALS_BUSY] = "busy",
		[CREDENTIALS_FAULT] = "fault" };
	static const char *const refreshes[] = {
		[ROTATION_OK] = "ok", [ROTATION_REFUSED] = "refused", [ROTATION_FAULT] = "fault"
	};

	metrics_family(out, "checks_total", "counter", "Checks, by their result and its reason.");
	metrics_pairs(out, "checks_total", checks, metrics_checks, CHECKS);
	metrics_family(out, "sign_ins_total", "counter", "Sign-in attempts, by their result.");
	for (size_t i = 0; i < SIGN_INS; i++)
		buf_printf(out, "doorward_sign_ins_total{result=\"%s\"} %" PRIu64 "\n", sign_ins[i],
			metrics_get(&metrics_sign_ins[i]));
	metrics_family(out, "refreshes_total", "counter",
		"Refreshes, by their result and its reason, such as refresh_reused.");
	metrics_pairs(out, "refreshes_total", refreshes, metrics_refreshes, REFRESHES);
}

static void metrics_store(struct buf *out, struct store *store)
{
	struct store_state state;

	store_state_read(store, &state);
	metrics_single(out, "store_calls_total", "counter", "Round trips to Redis.",
		counter_get(COUNTER_STORE_CALLS));
	metrics_single(out, "store_faults_total", "counter",
		"Round trips to Redis without an answer, and those not made after such.",
		counter_get(COUNTER_STORE_FAULTS));
	metrics_single(out, "store_servers", "gauge", "Servers that hold the keys.", state.servers);
	metrics_single(out, "store_servers_silent", "gauge",
		"Of these, those not asked at present since they did not answer.", state.silent);
	if (!state.mirrored)
		return;
	metrics_single(out, "mirror_hits_total", "counter", "Checks for which Redis was not asked.",
		counter_get(COUNTER_MIRROR_HITS));
	metrics_single(out, "mirror_misses_total", "counter", "Checks for which it was.",
		counter_get(COUNTER_MIRROR_MISSES));
	metrics_single(
		out, "mirror_entries", "gauge", "Keys that are mirrored.", state.mirror_entries);
	metrics_single(out, "mirror_trusted", "gauge",
		"1 while Redis answers the heartbeats, so that what is mirrored counts.",
		state.mirror_is_leased);
}

void metrics_show(struct exchange *x)
{
	struct buf *out = &x->response->body;

	if (!address_is_listed(x->settings->metrics.allow, x->request.address)) {
		exchange_error(x, 404, "not_found", "error_not_found");
		return;
	}
	exchange_headers(x, 200);
	response_header(x->response, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
	metrics_family(out, "build_info", "gauge", "Always 1; the version in its label.");
	buf_printf(out, "doorward_build_info{version=\"%s\"} 1\n", DOORWARD_VERSION);
	metrics_decisions(out);
	metrics_store(out, x->auth->store);
}
