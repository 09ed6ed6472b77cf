/* When the use of each session was last noted in its seen record by this process. */
#ifndef DOORWARD_AUTH_NOTED_H
#define DOORWARD_AUTH_NOTED_H

#include <stdbool.h>

struct auth;
struct caller;

/* Is it time again ([session] seen_every)? Then a caller that waits notes it; another one
 * leaves that to who does, who is told so again. handle: of the session. */
bool noted_is_due(const struct auth *auth, const struct caller *caller, const char *handle);

#endif
