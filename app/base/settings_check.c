#include "base/settings_check.h"

#include "base/encode.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define DIGITS "0123456789"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define ALNUM DIGITS LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

enum { COOKIE_NAME_MAX = 64, KEY_PREFIX_MAX = 32, HOST_MAX = 255 };

static bool is_made_of(const char *text, const char *allowed)
{
	return text[strspn(text, allowed)] == '\0';
}

static bool starts_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

static bool is_port(const char *text)
{
	long long port;
	return encode_parse_uint(text, 1, 65535, &port);
}

const char *settings_check_given(const char *text)
{
	return text[0] ? NULL : "must not be empty";
}

const char *settings_check_listen(const char *text)
{
	static const char sentence[] =
		"must be unix:PATH [mode=0660] [group=NAME], HOST:PORT, systemd:NAME, or nothing";

	if (!text[0])
		return NULL;
	if (starts_with(text, "unix:"))
		return text[5] && text[5] != ' ' ? NULL : sentence;
	if (starts_with(text, "systemd:"))
		return text[8] && !strpbrk(text + 8, ": ") ? NULL : sentence;
	const char *colon = strrchr(text, ':');
	return colon && colon > text && is_port(colon + 1) ? NULL : sentence;
}

/* `prefix` is compared with a path that the web server has normalised: one that a server would
 * write in another way would never match. */
static bool has_odd_segment(const char *path)
{
	while (*path == '/') {
		path++;
		size_t len = strcspn(path, "/");
		if (len == 0 || (len == 1 && path[0] == '.') ||
			(len == 2 && path[0] == '.' && path[1] == '.'))
			return true;
		path += len;
	}
	return false;
}

const char *settings_check_prefix(const char *text)
{
	if (text[0] != '/')
		return "must start with /, such as /auth";
	if (text[strlen(text) - 1] == '/')
		return text[1] ? "must not end in /" : "must name a path of its own, such as /auth";
	if (!is_made_of(text, ALNUM "/_.-"))
		return "may hold letters, digits and / _ . - only";
	return has_odd_segment(text) ? "must not hold an empty segment, . or .." : NULL;
}

static bool is_local(const char *host)
{
	return strcmp(host, "localhost") == 0 || strcmp(host, "127.0.0.1") == 0 ||
	       strcmp(host, "[::1]") == 0;
}

static const char *check_host_and_port(const char *text, bool must_be_local)
{
	static const char sentence[] = "must be https://HOST or https://HOST:PORT, without a path";
	char host[HOST_MAX + 1];

	size_t len = text[0] == '[' ? strcspn(text, "]") + 1 : strcspn(text, ":/?#");
	if (len == 0 || len > HOST_MAX || len > strlen(text))
		return sentence;
	memcpy(host, text, len);
	host[len] = '\0';
	if (!is_made_of(host, host[0] == '[' ? DIGITS "abcdefABCDEF:.[]" : ALNUM ".-"))
		return sentence;
	if (text[len] && (text[len] != ':' || !is_port(text + len + 1)))
		return sentence;
	if (must_be_local && !is_local(host))
		return "must begin with https:// (http:// is for localhost only: the cookies are "
		       "Secure, so browsers would not send them)";
	return NULL;
}

const char *settings_check_base_url(const char *text)
{
	if (!text[0])
		return NULL;
	if (starts_with(text, "https://"))
		return check_host_and_port(text + 8, false);
	if (starts_with(text, "http://"))
		return check_host_and_port(text + 7, true);
	return "must begin with https://";
}

static bool is_network(const char *text, size_t len)
{
	char address[INET6_ADDRSTRLEN];
	char bits[4] = "";
	unsigned char bytes[sizeof(struct in6_addr)];
	long long number;

	const char *slash = memchr(text, '/', len);
	size_t address_len = slash ? (size_t)(slash - text) : len;
	if (address_len >= sizeof(address) || len - address_len > sizeof(bits))
		return false;
	memcpy(address, text, address_len);
	address[address_len] = '\0';
	bool is_v4 = inet_pton(AF_INET, address, bytes) == 1;
	if (!is_v4 && inet_pton(AF_INET6, address, bytes) != 1)
		return false;
	if (!slash)
		return true;
	memcpy(bits, slash + 1, len - address_len - 1);
	return encode_parse_uint(bits, 0, is_v4 ? 32 : 128, &number);
}

/* True when every item of the comma list is_good; the empty list has no items. */
static bool all_items(const char *list, bool (*is_good)(const char *text, size_t len))
{
	if (!list[0])
		return true;
	for (;;) {
		size_t len = strcspn(list, ",");
		if (!is_good(list, len))
			return false;
		if (!list[len])
			return true;
		list += len + 1;
	}
}

const char *settings_check_networks(const char *text)
{
	return all_items(text, is_network)
		       ? NULL
		       : "must be a comma list of addresses or networks, such as 10.0.0.0/8";
}

static bool is_path(const char *text, size_t len)
{
	return len > 0 && text[0] == '/' && !memchr(text, ' ', len);
}

const char *settings_check_paths(const char *text)
{
	return all_items(text, is_path)
		       ? NULL
		       : "must be a comma list of path patterns, such as /wiki/*, /reports/*";
}

/* The rest of it the store reads. */
const char *settings_check_store_url(const char *text)
{
	static const char *const schemes[] = { "redis://", "rediss://", "sentinel://",
		"cluster://" };
	const char *hosts = NULL;

	if (starts_with(text, "unix:") && text[5])
		return NULL;
	for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
		if (starts_with(text, schemes[i]))
			hosts = text + strlen(schemes[i]);
	if (!hosts)
		return "must be unix:PATH, redis://HOST[:PORT], rediss://HOST[:PORT], "
		       "sentinel://HOST:PORT,HOST:PORT/NAME or cluster://HOST:PORT,HOST:PORT";
	const char *at = strrchr(hosts, '@');
	/* The settings are printed and logged; a password in them would be too. */
	if (at && memchr(hosts, ':', (size_t)(at - hosts)))
		return "must not hold a password: put it into a file and name it in password_file";
	return hosts[0] ? NULL : "must name a host, as in redis://HOST[:PORT]";
}

const char *settings_check_key_prefix(const char *text)
{
	if (strlen(text) > KEY_PREFIX_MAX)
		return "must not be longer than 32 characters";
	return is_made_of(text, ALNUM ":_.-") ? NULL : "may hold letters, digits and : _ . - only";
}

/* RFC 6265 section 4.1.1: a cookie-name is a token (RFC 7230 section 3.2.6). */
static const char *check_cookie_token(const char *text)
{
	if (!is_made_of(text, ALNUM "!#$%&'*+-.^_`|~"))
		return "is no cookie name: letters, digits and !#$%&'*+-.^_`|~ only";
	return strlen(text) > COOKIE_NAME_MAX ? "must not be longer than 64 characters" : NULL;
}

const char *settings_check_cookie(const char *text)
{
	static const char *const prefixes[] = { "__Host-Http-", "__Host-", "__Secure-" };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		if (starts_with(text, prefixes[i]))
			return text[strlen(prefixes[i])] ? check_cookie_token(text)
							 : "needs a name after its prefix";
	}
	return "must begin with __Host- (or __Secure-): browsers let nobody set such a cookie over "
	       "plain HTTP";
}

const char *settings_check_refresh_cookie(const char *text)
{
	/* RFC 6265bis section 4.1.3.2: a __Host- cookie has Path=/. */
	if (starts_with(text, "__Host-"))
		return "must begin with __Secure-: __Host- demands Path=/, and this cookie has "
		       "[server] prefix as its path, so that the applications never receive it";
	if (!starts_with(text, "__Secure-"))
		return "must begin with __Secure-: browsers let nobody set such a cookie over plain "
		       "HTTP";
	return text[strlen("__Secure-")] ? check_cookie_token(text)
					 : "needs a name after its prefix";
}

static bool is_field(const char *text, size_t len)
{
	return len > 0 && strspn(text, LOWER DIGITS "_") == len;
}

/* The hash must not leave the store, and AUTH_USER and the like must have one source. */
static bool is_open_field(const char *text, size_t len)
{
	static const char *const taken[] = { "password", "user", "roles", "session", "time",
		"degraded", "anonymous", "navigation" };

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		if (strlen(taken[i]) == len && memcmp(text, taken[i], len) == 0)
			return false;
	}
	return true;
}

const char *settings_check_fields(const char *text)
{
	if (!all_items(text, is_field))
		return "must be a comma list of field names of a-z, 0-9 and _";
	return all_items(text, is_open_field)
		       ? NULL
		       : "must not name password, which stays in the store, "
			 "nor user, roles, session, time, degraded, anonymous "
			 "or navigation, whose AUTH_ variables are ours";
}

const char *settings_check_logo(const char *text)
{
	static const char sentence[] = "must be a path on this host, such as /static/logo.svg";

	if (!text[0])
		return NULL;
	/* Browsers read "//host" and "/\host" as another host. */
	if (text[0] != '/' || text[1] == '/' || strpbrk(text, "\\ \"'<>"))
		return sentence;
	for (; *text; text++) {
		if ((unsigned char)*text > 0x7e)
			return sentence;
	}
	return NULL;
}

const char *settings_check_link(const char *text)
{
	static const char https[] = "https://";

	if (!starts_with(text, https))
		return settings_check_logo(text)
			       ? "must be a path on this host or begin with https://"
			       : NULL;
	text += strlen(https);
	for (const char *at = text; *at; at++) {
		if (*at <= ' ' || *at > 0x7e || strchr("\\\"'<>", *at))
			return "may hold visible ASCII only, without quotes";
	}
	return *text && *text != '/' ? NULL : "must name a host: https://HOST/PATH";
}

const char *settings_check_colour(const char *text)
{
	if (!text[0])
		return NULL;
	size_t len = strlen(text);
	bool is_colour = text[0] == '#' && (len == 4 || len == 7) &&
			 is_made_of(text + 1, DIGITS "abcdefABCDEF");
	return is_colour ? NULL : "must be a colour such as #2557d6";
}

const char *settings_check_log_target(const char *text)
{
	if (text[0] == '/' || strcmp(text, "stderr") == 0 || strcmp(text, "syslog") == 0)
		return NULL;
	return "must be stderr, syslog or an absolute path";
}
