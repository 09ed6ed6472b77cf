/* Addresses of browsers and proxies, IPv4 and IPv6.
 *
 * One address has one text: the form of inet_ntop(3), without a zone, IPv4-mapped IPv6 as IPv4. */
#ifndef DOORWARD_HTTP_ADDRESS_H
#define DOORWARD_HTTP_ADDRESS_H

#include <stdbool.h>

struct arena;

/* The one text of an address, in the arena or text itself; "" when it is not an address (a unix
 * socket). */
const char *address_canonical(struct arena *arena, const char *text);
/* list: comma list of addresses, CIDR networks and the word "unix", which stands for "" (the peer
 * of a unix socket). What is malformed in it matches nothing. */
bool address_is_listed(const char *list, const char *address);
/* The browser's address: remote, unless it is a trusted proxy. Then the rightmost entry of
 * forwarded (X-Forwarded-For, all its lines joined by commas) that is not itself trusted; the
 * leftmost when all are. An entry on the way that is no address: remote. */
const char *address_of_browser(
	struct arena *arena, const char *remote, const char *forwarded, const char *trusted);

#endif
