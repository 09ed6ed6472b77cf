/* How many threads may compute a password hash at once: each takes a core and tens of MiB. */
#ifndef DOORWARD_AUTH_GATE_H
#define DOORWARD_AUTH_GATE_H

#include <stdbool.h>
#include <stdint.h>

/* Process-wide; before the first call there are none. waiters: how many may wait for a place; each
 * keeps a thread from pages that need no hash. */
void gate_set_places(int64_t places, int64_t waiters);
/* Takes a place. False when none became free within three seconds, or at once when as many as may
 * wait already. */
bool gate_enter(void);
void gate_leave(void);

#endif
