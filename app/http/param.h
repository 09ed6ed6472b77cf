/* The FastCGI parameters that every request is typed by, found by name. */
#ifndef DOORWARD_HTTP_PARAM_H
#define DOORWARD_HTTP_PARAM_H

#include <stdbool.h>
#include <stddef.h>

enum param {
	PARAM_FCGI_ROLE,
	PARAM_AUTH_ROLE,
	PARAM_AUTH_METHOD,
	PARAM_AUTH_URI,
	PARAM_APACHE_ROLE,
	PARAM_PASSWORD,
	PARAM_SOFTWARE,
	PARAM_METHOD,
	PARAM_URI,
	PARAM_SCRIPT_NAME,
	PARAM_PATH_INFO,
	PARAM_QUERY,
	PARAM_CONTENT_LENGTH,
	PARAM_CONTENT_TYPE,
	PARAM_ADDRESS,
	PARAM_HTTPS,
	PARAM_SCHEME,
	PARAM_HOST,
	PARAM_ORIGIN,
	PARAM_AUTHORIZATION,
	PARAM_AGENT,
	PARAM_COOKIE,
	PARAM_ACCEPT,
	PARAM_ACCEPT_LANGUAGE,
	PARAM_FORWARDED_FOR,
	PARAM_REFERER,
	PARAM_FETCH_SITE,
	PARAM_FETCH_MODE,
	PARAM_FETCH_DEST,
	PARAM_REQUESTED_WITH,
	PARAM_FIRST_METHOD,
	PARAM_COUNT
};

/* PARAM_COUNT when it is none of them. name needs no NUL behind it. */
enum param param_find(const char *name, size_t len);
const char *param_name(enum param param);
/* Two of them with different values are refused. */
bool param_is_once(enum param param);

#endif
