/* Which endpoint answers which request: role, path and method. */
#ifndef DOORWARD_ROUTES_H
#define DOORWARD_ROUTES_H

#include <stdbool.h>
#include <stddef.h>

struct gateway_call;
struct response;

/* The gateway's handlers; context is not used (the site in force is asked for). */
bool routes_handle(const struct gateway_call *call, struct response *response, void *context);
void routes_handle_many(const struct gateway_call *const calls[],
	struct response *const responses[], bool answered[], size_t count, void *context);

/* How many checks may be answered together. */
size_t routes_together(void);
/* And by a thread that accepts, which must not wait for long; 0: not by it. */
size_t routes_at_once(void);

#endif
