/* Where password hashes are computed: each takes a core for some time and tens of MiB, so only so
 * many at once, and so that checks do not wait for a processor, on threads of the lowest priority.
 */
#ifndef DOORWARD_AUTH_GATE_H
#define DOORWARD_AUTH_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Process-wide; before the first call there are none. waiters: how many may wait for a place; each
 * keeps a thread from pages that need no hash. */
void gate_set_places(int64_t places, int64_t waiters);

/* work(argument), with an argument of so many bytes that refers to nothing outside itself (it is
 * copied there and back, and the copy is wiped). Returns when it is done; false when it was not:
 * none of the places became free within three seconds, or as many as may wait did already.
 *
 * On a machine so busy that the thread of the lowest priority gets no processor, the work is begun
 * anew on the caller's own; the other one ends by itself. At most twice as many as there are places
 * are computed at any time. */
bool gate_run(void (*work)(void *argument), void *argument, size_t bytes);

/* What each of so many hashes should have had of the processors in that time, to be left where it
 * is: a quarter of one, or half of what is left for each where they crowd each other. */
int64_t gate_share_ms(int64_t waited_ms, int64_t at_once, int64_t processors);

#endif
