/* The check: the authorizer's answer to the web server, in the form that this front end can use. */
#ifndef DOORWARD_ENDPOINTS_CHECK_H
#define DOORWARD_ENDPOINTS_CHECK_H

#include <stdbool.h>
#include <stddef.h>

struct access;
struct exchange;

/* False, unless x->caller waits, to be asked again by one that does: nothing is answered then. */
bool check_answer(struct exchange *x);
/* Asks the store in one round trip what check_answer will want to know for each of them; they are
 * answered right after it. */
void check_ask_ahead(struct exchange *const x[], size_t count);

#endif
