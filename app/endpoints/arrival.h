/* Arriving by a link from another site: such a request brings no SameSite=Strict cookie, so a user
 * who is signed in would see the sign-in page. A page that asks for the same address once more,
 * from our own site, brings the cookies with it (docs/arrival.md). */
#ifndef DOORWARD_ENDPOINTS_ARRIVAL_H
#define DOORWARD_ENDPOINTS_ARRIVAL_H

#include <stdbool.h>

struct exchange;

/* True: the answer is that page (401, and a marker cookie for half a minute). False, and nothing is
 * answered: the request is no top-level GET or HEAD from another site, brings a cookie of a
 * session, or the settings do not want it. Only for who is refused for want of a token. */
bool arrival_answer(struct exchange *x);
/* Is this the second request, which really comes from another site? Only ever adds to what an
 * application knows; where it is in doubt the answer is yes. */
bool arrival_is_repeat(const struct exchange *x);

#endif
