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

const char *target_parse_unix(struct target *out, const char *rest)
{
	size_t path_len = strcspn(rest, "?");
	memset(out, 0, sizeof(*out));
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
	(void)snprintf(out->name, sizeof(out->name), "unix:%s", out->path);
	return NULL;
}

static void set_name(struct target *out)
{
	bool v6 = strchr(out->host, ':') != NULL;
	(void)snprintf(out->name, sizeof(out->name), "%s%s%s:%s", v6 ? "[" : "", out->host,
		v6 ? "]" : "", out->port);
}

static bool set_port(struct target *out, const char *text, size_t len)
{
	char port[8];
	return copy(port, sizeof(port), text, len) &&
	       copy_number(out->port, sizeof(out->port), port, PORT_MAX) && strcmp(port, "0") != 0;
}

/* HOST[:PORT], an IPv6 address in brackets. */
const char *target_parse_host(
	struct target *out, const char *text, size_t len, const char *default_port)
{
	const char *end = text + len, *host = text, *host_end, *after;
	memset(out, 0, sizeof(*out));
	if (len > 0 && *text == '[') {
		host++;
		host_end = memchr(text, ']', len);
		if (!host_end)
			return "an IPv6 address ends with ]";
		after = host_end + 1;
	} else {
		host_end = memchr(text, ':', len);
		if (!host_end)
			host_end = end;
		after = host_end;
	}
	if (host_end == host ||
		!copy(out->host, sizeof(out->host), host, (size_t)(host_end - host)))
		return "there is no host in it, or it is too long";
	if (after == end)
		(void)set_port(out, default_port, strlen(default_port));
	else if (*after != ':' || !set_port(out, after + 1, (size_t)(end - after - 1)))
		return "a port is a number up to 65535 (an IPv6 address goes in brackets)";
	set_name(out);
	return NULL;
}

const char *target_parse_database(struct target *out, const char *text, size_t len)
{
	char number[8];
	if (!copy(number, sizeof(number), text, len) ||
		!copy_number(out->database, sizeof(out->database), number, DATABASE_MAX))
		return "a database is a number, as in /3";
	return NULL;
}

bool target_set_host(struct target *out, const char *host, const char *port)
{
	if (!*host || !copy(out->host, sizeof(out->host), host, strlen(host)) ||
		!set_port(out, port, strlen(port)))
		return false;
	set_name(out);
	return true;
}
