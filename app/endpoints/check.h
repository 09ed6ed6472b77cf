/* The check: the authorizer's answer to the web server, in the form that this front end can use. */
#ifndef DOORWARD_ENDPOINTS_CHECK_H
#define DOORWARD_ENDPOINTS_CHECK_H

struct access;
struct exchange;

void check_answer(struct exchange *x);

#endif
