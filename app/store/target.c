#include "store/target.h"

#include "base/encode.h"

#include <stdio.h>
#include <string.h>

enum { DATABASE_MAX = 99999, PORT_MAX = 65535 };

static bool copy(char *out, size_t out_size, const char *text, size_t len)
{
	if (len >= out_size)
		return false;
	memcpy(out, text, len);
	out[len] = '\0';
	return true;
}

static bool copy_number(char *out, size_t out_size, const char *text, long long max)
{
	long long number;
	return encode_parse_uint(text, 0, max, &number) && copy(out, out_size, text, strlen(text));
}

/* One of db=N, user=NAME. */
static bool parse_option(struct target *out, const char *option, size_t len)
{
	char text[160];
	if (!copy(text, sizeof(text), option, len))
		return false;
	if (strncmp(text, "db=", 3) == 0)
		return copy_number(out->database, sizeof(out->database), text + 3, DATABASE_MAX);
	if (strncmp(text, "user=", 5) == 0 && text[5])
		return copy(out->user, sizeof(out->user), text + 5, len - 5);
	return false;
}

static const char *parse_unix(struct target *out, const char *rest)
{
	size_t path_len = strcspn(rest, "?");
	if (rest[0] != '/')
		return "the path of a unix socket begins with /";
	if (!copy(out->path, sizeof(out->path), rest, path_len))
		return "the path of a unix socket has at most 107 bytes";
	for (const char *option = rest + path_len; *option;) {
		option++;
		size_t len = strcspn(option, "&");
		if (!parse_option(out, option, len))
			return "after the path, only ?db=NUMBER and user=NAME are known (a password goes "
			       "into password_file)";
		option += len;
	}
	return NULL;
}

/* HOST[:PORT], an IPv6 address in brackets; ends at `end`. */
static const char *parse_host(struct target *out, const char *text, const char *end)
{
	const char *host = text, *host_end;
	const char *after;
	if (*text == '[') {
		host++;
		host_end = memchr(text, ']', (size_t)(end - text));
		if (!host_end)
			return "an IPv6 address ends with ]";
		after = host_end + 1;
	} else {
		host_end = memchr(text, ':', (size_t)(end - text));
		if (!host_end)
			host_end = end;
		after = host_end;
	}
	if (host_end == host ||
		!copy(out->host, sizeof(out->host), host, (size_t)(host_end - host)))
		return "there is no host in it, or it is too long";

	char port[8] = "6379";
	if (after == end) {
		memcpy(out->port, port, sizeof(out->port));
		return NULL;
	}
	if (*after != ':' || !copy(port, sizeof(port), after + 1, (size_t)(end - after - 1)) ||
		!copy_number(out->port, sizeof(out->port), port, PORT_MAX) ||
		strcmp(port, "0") == 0)
		return "a port is a number up to 65535 (an IPv6 address goes in brackets)";
	return NULL;
}

static const char *parse_tcp(struct target *out, const char *rest)
{
	/* The last @, as a password may contain one and must not pass for a host. */
	const char *at = strrchr(rest, '@');
	if (at) {
		if (memchr(rest, ':', (size_t)(at - rest)))
			return "a password does not belong there, where process lists and logs show it; "
			       "put it into a file and name that in password_file";
		if (at == rest || !copy(out->user, sizeof(out->user), rest, (size_t)(at - rest)))
			return "the user name is empty or too long";
		rest = at + 1;
	}
	const char *end = rest + strcspn(rest, "/?#");
	if (*end == '/' && end[1] &&
		!copy_number(out->database, sizeof(out->database), end + 1, DATABASE_MAX))
		return "after the host, only /NUMBER of the database is known";
	if (*end && *end != '/')
		return "after the host, only /NUMBER of the database is known";
	return parse_host(out, rest, end);
}

bool target_parse(struct target *out, const char *url, char *error, size_t error_size)
{
	const char *why = "it begins with unix: or redis:// (TLS: use a tunnel)";
	memset(out, 0, sizeof(*out));
	if (strncmp(url, "unix:", 5) == 0)
		why = parse_unix(out, url + 5);
	else if (strncmp(url, "redis://", 8) == 0)
		why = parse_tcp(out, url + 8);
	if (why) {
		/* Not the URL itself: there may be a password in it. */
		(void)snprintf(error, error_size, "not a usable URL of Redis: %s", why);
		return false;
	}
	if (out->path[0])
		(void)snprintf(out->name, sizeof(out->name), "unix:%s", out->path);
	else
		(void)snprintf(out->name, sizeof(out->name), "%s:%s", out->host, out->port);
	return true;
}
