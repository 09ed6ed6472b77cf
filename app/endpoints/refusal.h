/* A refusal in full: redirect for a navigation, JSON for a script. Used by the authorizer of front
 * ends that pass it on, and as the error document of those that cannot. */
#ifndef DOORWARD_ENDPOINTS_REFUSAL_H
#define DOORWARD_ENDPOINTS_REFUSAL_H

struct access;
struct exchange;

/* Not signed in, or not any more: on to refresh or sign-in; 401 for a script. */
void refusal_unauthenticated(struct exchange *x, const struct access *access);
/* Signed in, but not allowed: 403. */
void refusal_denied(struct exchange *x, const struct access *access);

/* /auth/unauthenticated and /auth/denied, called by the web server in place of its own page. The
 * decision is taken again from the same cookie, so that a fault is seen as a fault. */
void refusal_page_unauthenticated(struct exchange *x);
void refusal_page_denied(struct exchange *x);

#endif
