/* Small answers for programs: who am I, public keys, health. */
#ifndef DOORWARD_ENDPOINTS_STATUS_H
#define DOORWARD_ENDPOINTS_STATUS_H

struct exchange;

void status_session(struct exchange *x);
void status_jwks(struct exchange *x);
void status_live(struct exchange *x);
void status_ready(struct exchange *x);

#endif
