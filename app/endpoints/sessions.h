/* /auth/sessions: the user's own sessions, and ending them. */
#ifndef DOORWARD_ENDPOINTS_SESSIONS_H
#define DOORWARD_ENDPOINTS_SESSIONS_H

struct exchange;

void sessions_show(struct exchange *x);
void sessions_submit(struct exchange *x);

#endif
