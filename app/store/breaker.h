/* Spares callers the wait for a store that does not answer: open after a failure, it refuses all
 * calls but one probe at a time. No locks; no clock but the monotonic one. */
#ifndef DOORWARD_STORE_BREAKER_H
#define DOORWARD_STORE_BREAKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct breaker {
	_Atomic int64_t opened_at_ms; /* 0: closed, calls pass */
	_Atomic int64_t probe_at_ms; /* no probe before */
	_Atomic int64_t closed_at_ms; /* when it last closed; 0: never */
	_Atomic int64_t refused;
};

enum breaker_pass { BREAKER_PASS, BREAKER_PROBE, BREAKER_REFUSE };

/* May a call be made? A probe takes at most probe_ms and must end with one of the three below. */
enum breaker_pass breaker_enter(struct breaker *breaker, int64_t probe_ms);
/* The store did not answer a call that began then (monotonic). True when that opened it. A call of
 * before it last closed says nothing new: the store has answered others since. */
bool breaker_open(struct breaker *breaker, int64_t began_ms, bool probe);
/* The store answered. True when that closed it: then open_ms and refused tell what it was. */
bool breaker_close(struct breaker *breaker, int64_t *open_ms, int64_t *refused);
/* The probe found out nothing. */
void breaker_leave(struct breaker *breaker);
bool breaker_is_open(const struct breaker *breaker);
/* Closed, as at the beginning. */
void breaker_reset(struct breaker *breaker);

#endif
