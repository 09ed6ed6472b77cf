#include "ctl/ctl_forgery.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/encode.h"
#include "base/random.h"
#include "ctl/ctl_doctor.h"
#include "ctl/ctl_guard.h"

enum { MARK_BYTES = 9, LIST_MAX = 1024, NAME_MAX_LEN = 64, AT_ONCE = 20 };

/* Names by which applications and proxies hand an identity on; each also with '_' for '-', in small
 * letters and in capitals, and with '.'. */
static const char *const names[] = { "AuthUser", "AuthRoles", "Auth-User", "Auth-Roles",
	"Auth-Session", "Auth-Time", "Remote-User", "X-Auth-User", "X-Remote-User",
	"X-Forwarded-User" };

enum spelling { AS_IT_IS, UNDERSCORES, SMALL, SMALL_UNDERSCORES, CAPITALS, DOTS, SPELLINGS };

/* A header with a value of its own, by which it is known when it comes back. */
struct forged {
	char name[NAME_MAX_LEN];
	char mark[ENCODE_BASE64URL_LEN(MARK_BYTES) + 8];
	const char *line;
};

static char respelled(char c, enum spelling spelling)
{
	bool dash = c == '-';

	switch (spelling) {
	case AS_IT_IS:
		return c;
	case UNDERSCORES:
		return dash ? '_' : c;
	case SMALL:
		return (char)tolower((unsigned char)c);
	case SMALL_UNDERSCORES:
		return dash ? '_' : (char)tolower((unsigned char)c);
	case CAPITALS:
		return dash ? '_' : (char)toupper((unsigned char)c);
	case DOTS:
	case SPELLINGS:
		break;
	}
	return dash ? '.' : c;
}

static struct forged forge(struct ctl_doctor *doctor, const char *name, enum spelling spelling)
{
	struct forged forged = { .mark = "forged" };
	unsigned char noise[MARK_BYTES];
	size_t len = 0;

	for (; name[len] && len + 1 < sizeof forged.name; len++)
		forged.name[len] = respelled(name[len], spelling);
	forged.name[len] = '\0';
	random_bytes(noise, sizeof noise);
	/* No character that a page would write otherwise. */
	encode_hex(forged.mark + 6, noise, 6);
	forged.line = arena_printf(doctor->ctl->caller.arena, "%s: %s", forged.name, forged.mark);
	return forged;
}

/* It came back under a name that an application would look at. What it is called stands before it
 * on the page. A name with '.' is no twin of another as long as it is shown with its '.'. */
static bool came_through(const struct ctl_http_reply *reply, const struct forged *forged)
{
	const char *at = reply->body;
	size_t name_len = strlen(forged->name);

	while ((at = strstr(at, forged->mark)) != NULL) {
		size_t before = (size_t)(at - reply->body);
		const char *from = at - (before < 2 * NAME_MAX_LEN ? before : 2 * NAME_MAX_LEN);
		bool under_its_name = false;

		for (const char *c = from; c + name_len <= at && !under_its_name; c++)
			under_its_name = strncasecmp(c, forged->name, name_len) == 0;
		if (!strchr(forged->name, '.') || !under_its_name)
			return true;
		at++;
	}
	return false;
}

/* Some servers refuse a request with two spellings of one name: then each alone. */
static void try_forged(
	struct ctl_doctor *doctor, const struct forged *forged, size_t count, struct buf *found)
{
	const char *lines[AT_ONCE + 1] = { NULL };

	for (size_t i = 0; i < count; i++)
		lines[i] = forged[i].line;
	const struct ctl_http_reply *reply = ctl_doctor_ask_signed_in(doctor, doctor->echo, lines);
	if (count > 1 && ctl_guard_judge(doctor, reply) != CTL_GUARD_OPEN) {
		for (size_t i = 0; i < count; i++)
			try_forged(doctor, &forged[i], 1, found);
		return;
	}
	for (size_t i = 0; i < count; i++)
		if (came_through(reply, &forged[i]))
			buf_printf(found, "%s%s", found->len > 0 ? "  " : "", forged[i].name);
}

static void check_forged(struct ctl_doctor *doctor)
{
	struct forged forged[AT_ONCE];
	struct buf found;
	size_t count = 0;

	buf_init(&found, doctor->ctl->caller.arena, LIST_MAX);
	/* One spelling of all names at a time: no request has twins. */
	for (int spelling = 0; spelling < SPELLINGS; spelling++) {
		for (size_t i = 0; i < sizeof names / sizeof *names; i++)
			if (spelling == AS_IT_IS || spelling == SMALL || spelling == CAPITALS ||
				strchr(names[i], '-'))
				forged[count++] = forge(doctor, names[i], (enum spelling)spelling);
		try_forged(doctor, forged, count, &found);
		count = 0;
	}
	/* Twice the same name: which of the two does the application see? */
	forged[0] = forge(doctor, "AuthUser", AS_IT_IS);
	forged[1] = forge(doctor, "AuthUser", SMALL);
	try_forged(doctor, forged, 2, &found);
	if (found.len > 0)
		ctl_finding_add(&doctor->findings, CTL_REMEDY_IDENTITY_FORGED,
			"%s is told what the browser says in the headers  %s", doctor->echo,
			found.data);
}

/* The name as a word of its own: a cookie that is shown may hold its letters by chance. */
static bool tells_user(const struct ctl_doctor *doctor, const struct ctl_http_reply *reply)
{
	size_t len = strlen(doctor->user_name);

	for (const char *at = reply->body; (at = strstr(at, doctor->user_name)) != NULL; at++)
		if ((at == reply->body || !isalnum((unsigned char)at[-1])) &&
			!isalnum((unsigned char)at[len]))
			return true;
	return false;
}

static void check_removed(struct ctl_doctor *doctor)
{
	static const char *const options[] = { "Connection: keep-alive, AuthUser, AuthRoles",
		"Connection: keep-alive, Remote-User, Auth-User, Cookie" };

	for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
		const char *const lines[] = { options[i], NULL };
		const struct ctl_http_reply *reply =
			ctl_doctor_ask_signed_in(doctor, doctor->echo, lines);

		if (ctl_guard_judge(doctor, reply) == CTL_GUARD_OPEN && !tells_user(doctor, reply))
			ctl_finding_add(&doctor->findings, CTL_REMEDY_IDENTITY_REMOVED,
				"%s no longer learns who the user is when the browser sends  %s",
				doctor->echo, options[i]);
	}
}

void ctl_forgery_check_leak(
	struct ctl_doctor *doctor, const struct ctl_http_reply *reply, const char *path)
{
	static const char *const begins[] = { "Variable-", "AUTH_", "Auth-", "AuthUser",
		"AuthRoles", "Remote-User", "REMOTE_USER", "X-Auth-", "X-Remote-User",
		"X-Forwarded-User" };
	struct buf found;

	buf_init(&found, doctor->ctl->caller.arena, LIST_MAX);
	for (size_t i = 0; i < reply->headers; i++)
		for (size_t k = 0; k < sizeof begins / sizeof *begins; k++)
			if (strncasecmp(reply->name[i], begins[k], strlen(begins[k])) == 0) {
				buf_printf(
					&found, "%s%s", found.len > 0 ? "  " : "", reply->name[i]);
				break;
			}
	if (found.len > 0)
		ctl_finding_add(&doctor->findings, CTL_REMEDY_IDENTITY_LEAK,
			"%s tells the browser who the user is, in the headers  %s", path,
			found.data);
}

void ctl_forgery_check(struct ctl_doctor *doctor)
{
	struct ctl_finding_list *findings = &doctor->findings;

	if (!doctor->echo) {
		ctl_finding_unseen(findings,
			"whether forged identity headers reach an application: name one by --echo PATH, a page that prints its environment or the request's headers.");
		return;
	}
	const struct ctl_http_reply *reply = ctl_doctor_ask_signed_in(doctor, doctor->echo, NULL);
	if (ctl_guard_judge(doctor, reply) != CTL_GUARD_OPEN) {
		ctl_finding_unseen(findings, "forged identity headers: %s%s.",
			ctl_doctor_answer(doctor, reply),
			doctor->cookie ? "" : "; say by --user who shall look at it");
		return;
	}
	ctl_forgery_check_leak(doctor, reply, doctor->echo);
	check_forged(doctor);
	if (!doctor->cookie)
		return;
	if (tells_user(doctor, reply))
		check_removed(doctor);
	/* Where nobody is asked for, nobody can be told; that was named already. */
	else if (ctl_guard_judge(doctor, ctl_doctor_ask(doctor, "GET", doctor->echo,
						 CTL_DOCTOR_SCRIPT, NULL)) != CTL_GUARD_OPEN)
		ctl_finding_add(findings, CTL_REMEDY_IDENTITY_MISSING,
			"%s does not show that the user is %s: the application is not told, or does not say.",
			doctor->echo, doctor->user_name);
}
