/* What a single text setting must look like.
 *
 * Each returns NULL when the text will do, else what is wrong with it: static text that completes
 * "FILE:12: [section] name: ". None of them repeats the text (it could be a password at the wrong
 * place). Text is one line of UTF-8 without control characters. */
#ifndef DOORWARD_BASE_SETTINGS_CHECK_H
#define DOORWARD_BASE_SETTINGS_CHECK_H

/* Anything but "". */
const char *settings_check_given(const char *text);
/* unix:PATH ... or HOST:PORT; "" for none. The gateway reads the rest. */
const char *settings_check_listen(const char *text);
/* /auth: starts with '/', does not end in one, [A-Za-z0-9/_.-], no empty, "." or ".." segment. */
const char *settings_check_prefix(const char *text);
/* "" or https://HOST[:PORT]; http:// for localhost, 127.0.0.1 and [::1] only. */
const char *settings_check_base_url(const char *text);
/* Comma list of addresses and ADDRESS/BITS; "" for none. */
const char *settings_check_networks(const char *text);
/* Comma list of path patterns that start with '/'; "" for none. */
const char *settings_check_paths(const char *text);
/* unix:PATH, redis://, rediss://, sentinel:// or cluster://, without a password in it. */
const char *settings_check_store_url(const char *text);
/* Key prefix: at most 32 of [A-Za-z0-9:_.-] (a brace would move the keys' hash tag). */
const char *settings_check_key_prefix(const char *text);
/* RFC 6265 cookie-name that begins with __Host- or __Secure-. */
const char *settings_check_cookie(const char *text);
/* The same that begins with __Secure-. */
const char *settings_check_refresh_cookie(const char *text);
/* Comma list of [a-z0-9_]+; none that is secret or that an identity variable of ours has. */
const char *settings_check_fields(const char *text);
/* "" or a path on this host. */
const char *settings_check_logo(const char *text);
/* "" or a path on this host, or https://... */
const char *settings_check_link(const char *text);
/* "" or #rgb or #rrggbb. */
const char *settings_check_colour(const char *text);
/* stderr, syslog or an absolute path. */
const char *settings_check_log_target(const char *text);

#endif
