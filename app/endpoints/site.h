/* All that a running program has read: settings, keys, rules, users, templates, the store. Made
 * whole at start and at a reload; the old one lives until its last request is answered. */
#ifndef DOORWARD_ENDPOINTS_SITE_H
#define DOORWARD_ENDPOINTS_SITE_H

#include <stdatomic.h>
#include <stddef.h>

#include "auth/auth.h"

struct language_set;
struct settings;
struct template_set;

struct site {
	struct auth auth;
	struct settings *settings;
	struct template_set *templates;
	struct language_set *languages;
	char *css; /* the text of the page's one style element */
	char *csp; /* Content-Security-Policy that allows just that style */
	atomic_int users;
};

/* How long-lived and how alone this process is: decides what [mirror] enabled = auto means. */
enum site_use {
	SITE_DAEMON, /* sockets of its own */
	SITE_SPAWNED, /* one of several that a web server starts */
	SITE_ONCE, /* CGI, or only a look at the files */
};

/* NULL with a sentence in error. Neither Redis nor a web server need be there. */
struct site *site_load(const char *conf_path, enum site_use use, char *error, size_t error_size);
void site_free(struct site *site);

/* The site in force. site_enter is for the time of one request, and ends with site_leave. */
struct site *site_enter(void);
void site_leave(struct site *site);
/* Puts another in force (takes it over); the one before goes when its last request is answered. */
void site_replace(struct site *site);

#endif
