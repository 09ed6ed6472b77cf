/* Which endpoint answers which request: role, path and method. */
#ifndef DOORWARD_ROUTES_H
#define DOORWARD_ROUTES_H

#include <stdbool.h>

struct gateway_call;
struct response;

/* The gateway's handler; context is not used (the site in force is asked for). */
bool routes_handle(const struct gateway_call *call, struct response *response, void *context);

#endif
