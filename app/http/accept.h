/* The headers Accept and Accept-Language (RFC 9110 sections 12.5.1, 12.5.4), as far as we need
 * them. */
#ifndef DOORWARD_HTTP_ACCEPT_H
#define DOORWARD_HTTP_ACCEPT_H

#include <stdbool.h>
#include <stddef.h>

/* Each range of an Accept or Accept-Language header in turn; its weight in thousandths. */
typedef void accept_visitor(const char *range, size_t len, int weight, void *context);
void accept_each(const char *accept, accept_visitor *visit, void *context);

/* JSON is named, and with a higher weight than HTML if that is named too. Wildcards name neither:
 * scripts add one to be safe. */
bool accept_prefers_json(const char *accept);

#endif
