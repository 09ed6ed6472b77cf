#include "store/address.h"

#include <stdio.h>
#include <string.h>

struct form {
	const char *scheme;
	enum address_kind kind;
	bool tls;
	const char *port;
	const char *right; /* how it is written */
	const char *(*parse)(struct address *out, const char *rest, const struct form *form);
};

static const char *parse_unix(struct address *out, const char *rest, const struct form *form)
{
	(void)form;
	return target_parse_unix(&out->server, rest);
}

/* USER@ before the hosts. The last @, as a password may contain one and must not pass for a host.
 */
static const char *take_user(struct target *out, const char **rest)
{
	const char *at = strrchr(*rest, '@');
	if (!at)
		return NULL;
	size_t len = (size_t)(at - *rest);
	if (memchr(*rest, ':', len))
		return "a password does not belong there, where process lists and logs show it; put it "
		       "into a file and name that in password_file";
	if (len == 0 || len >= sizeof(out->user) || memchr(*rest, '/', len))
		return "the user name is empty, too long or has a / in it";
	memcpy(out->user, *rest, len);
	*rest = at + 1;
	return NULL;
}

static const char *parse_server(struct address *out, const char *rest, const struct form *form)
{
	struct target user = { .path = "" };
	const char *why = take_user(&user, &rest);
	if (why)
		return why;
	size_t len = strcspn(rest, "/?#,");
	const char *after = rest + len;
	if (*after == ',')
		return "several servers are sentinel:// or cluster://";
	why = target_parse_host(&out->server, rest, len, form->port);
	if (why)
		return why;
	memcpy(out->server.user, user.user, sizeof(user.user));
	if (*after == '/' && after[1])
		return target_parse_database(&out->server, after + 1, strlen(after + 1));
	return *after && *after != '/' ? "nothing but /DATABASE may follow the host" : NULL;
}

/* HOST:PORT,HOST:PORT up to the end or a slash, where *rest then stands. */
static const char *parse_seeds(struct address *out, const char **rest, const char *port)
{
	for (;;) {
		size_t len = strcspn(*rest, ",/?#");
		if (out->seeds == ADDRESS_SEEDS_MAX)
			return "more than 16 of them";
		const char *why = target_parse_host(&out->seed[out->seeds++], *rest, len, port);
		if (why)
			return why;
		*rest += len;
		if (**rest != ',')
			return NULL;
		++*rest;
	}
}

static const char *parse_sentinel(struct address *out, const char *rest, const struct form *form)
{
	const char *why = take_user(&out->server, &rest);
	if (!why)
		why = parse_seeds(out, &rest, form->port);
	if (why)
		return why;
	size_t len = *rest == '/' ? strcspn(rest + 1, "/?#") : 0;
	if (len == 0 || len >= sizeof(out->master))
		return "the name that the sentinels have for the master is missing";
	memcpy(out->master, rest + 1, len);
	rest += 1 + len;
	if (*rest == '/' && rest[1])
		return target_parse_database(&out->server, rest + 1, strlen(rest + 1));
	return *rest && *rest != '/' ? "nothing but /DATABASE may follow the name" : NULL;
}

static const char *parse_cluster(struct address *out, const char *rest, const struct form *form)
{
	const char *why = take_user(&out->server, &rest);
	if (!why)
		why = parse_seeds(out, &rest, form->port);
	if (!why && *rest == '/' && rest[1])
		why = "a cluster has no numbered databases";
	if (!why && *rest && *rest != '/')
		why = "nothing may follow the hosts";
	return why;
}

static const struct form forms[] = {
	{ "unix:", ADDRESS_SERVER, false, NULL, "unix:/PATH[?db=N&user=NAME]", parse_unix },
	{ "redis://", ADDRESS_SERVER, false, "6379", "redis://[USER@]HOST[:PORT][/DB]",
		parse_server },
	{ "rediss://", ADDRESS_SERVER, true, "6379", "rediss://[USER@]HOST[:PORT][/DB]",
		parse_server },
	{ "sentinel://", ADDRESS_SENTINEL, false, "26379",
		"sentinel://[USER@]HOST[:PORT],HOST[:PORT]/NAME[/DB]", parse_sentinel },
	{ "cluster://", ADDRESS_CLUSTER, false, "6379", "cluster://[USER@]HOST[:PORT],HOST[:PORT]",
		parse_cluster },
};

bool address_parse(struct address *out, const char *url, char *error, size_t error_size)
{
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		const struct form *form = &forms[i];
		if (strncmp(url, form->scheme, strlen(form->scheme)) != 0)
			continue;
		out->kind = form->kind;
		out->tls = form->tls;
		const char *why = form->parse(out, url + strlen(form->scheme), form);
		if (!why)
			return true;
		/* Not the URL itself: there may be a password in it. */
		(void)snprintf(
			error, error_size, "[store] url: %s; the form is %s", why, form->right);
		return false;
	}
	(void)snprintf(error, error_size,
		"[store] url begins with unix:, redis://, rediss://, sentinel:// or cluster://");
	return false;
}
