#include "store/breaker.h"

#include "base/clock.h"

enum { PROBE_EVERY_MS = 200 };

enum breaker_pass breaker_enter(struct breaker *breaker, int64_t probe_ms)
{
	if (atomic_load(&breaker->opened_at_ms) == 0)
		return BREAKER_PASS;
	int64_t now_ms = clock_mono_ms();
	int64_t probe_at_ms = atomic_load(&breaker->probe_at_ms);
	/* Far enough ahead that nobody else probes before this one has ended. */
	if (now_ms >= probe_at_ms && atomic_compare_exchange_strong(&breaker->probe_at_ms,
					     &probe_at_ms, now_ms + probe_ms + PROBE_EVERY_MS))
		return BREAKER_PROBE;
	atomic_fetch_add(&breaker->refused, 1);
	return BREAKER_REFUSE;
}

void breaker_leave(struct breaker *breaker)
{
	atomic_store(&breaker->probe_at_ms, clock_mono_ms() + PROBE_EVERY_MS);
}

bool breaker_open(struct breaker *breaker, int64_t began_ms, bool probe)
{
	int64_t closed = 0;
	if (!probe && began_ms < atomic_load(&breaker->closed_at_ms))
		return false;
	/* Before it opens, or the first call after would probe at once. */
	if (probe || atomic_load(&breaker->opened_at_ms) == 0)
		breaker_leave(breaker);
	return atomic_compare_exchange_strong(&breaker->opened_at_ms, &closed, clock_mono_ms());
}

bool breaker_close(struct breaker *breaker, int64_t *open_ms, int64_t *refused)
{
	int64_t opened_at_ms = atomic_load(&breaker->opened_at_ms);
	if (opened_at_ms == 0 ||
		!atomic_compare_exchange_strong(&breaker->opened_at_ms, &opened_at_ms, 0))
		return false;
	int64_t now_ms = clock_mono_ms();
	atomic_store(&breaker->closed_at_ms, now_ms);
	*open_ms = now_ms - opened_at_ms;
	*refused = atomic_exchange(&breaker->refused, 0);
	return true;
}

void breaker_reset(struct breaker *breaker)
{
	atomic_store(&breaker->opened_at_ms, 0);
	atomic_store(&breaker->probe_at_ms, 0);
	atomic_store(&breaker->closed_at_ms, 0);
	atomic_store(&breaker->refused, 0);
}

bool breaker_is_open(const struct breaker *breaker)
{
	return atomic_load(&breaker->opened_at_ms) != 0;
}
