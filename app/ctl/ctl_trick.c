#include "ctl/ctl_trick.h"

#include <ctype.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/settings.h"
#include "ctl/ctl_doctor.h"
#include "ctl/ctl_guard.h"

enum { TARGET_MAX = 4096, LIST_MAX = 1024, PUBLIC_MAX = 4 };

/* {f} the first part of the path, {u} in the other case, {e} with its first letter encoded, {E}
 * with all of them; {r} the rest, with its '/'; {a} the prefix of Doorward's pages; {h} the host.
 */
static const char *const spellings[] = {
	/* what a web server makes plain */
	"//{f}{r}",
	"/{f}/{r}",
	"/./{f}{r}",
	"/{f}/.{r}",
	"/x/../{f}{r}",
	"/{f}/x/..{r}",
	"/{f}",
	"/{f}/",
	"/{f}/index.html",
	"/{f}/index.php",
	"{a}/../{f}{r}",
	"{a}/login/../../{f}{r}",
	"{a}//../{f}{r}",
	"/doorward.js/../{f}{r}",
	/* encoded, once and twice */
	"/{e}{r}",
	"/{E}{r}",
	"/{f}%2f{r}",
	"/{f}%2F.{r}",
	"/{f}/%2e{r}",
	"/%2e/{f}{r}",
	"{a}/%2e%2e/{f}{r}",
	"{a}/..%2f{f}{r}",
	"/..%2f{f}{r}",
	"/x%2f..%2f{f}{r}",
	"/%252e/{f}{r}",
	"/%c0%ae/{f}{r}",
	"/{f}{r}%00",
	"/%00/{f}{r}",
	"/{f}{r}%20",
	"/{f}{r}%3f{a}/",
	"/zz/%zz/{f}{r}",
	/* what only some take for the same */
	"/{u}{r}",
	"/{f};x{r}",
	"/{f}{r};x",
	"{a}/..;/{f}{r}",
	"\\{f}{r}",
	"/\\{f}{r}",
	"/x\\..\\{f}{r}",
	"/{f}{r}.",
	"/{f}.{r}",
	"/{f}{r}/",
	/* what looks like a page of ours, or like a public file */
	"/{f}{r}#{a}/",
	"/{f}{r}?{a}/login",
	"/{f}{r}{a}/login",
	"/{f}{r}/x.css",
	"/{f}{r}x.js",
	/* other forms of the request line */
	"{f}{r}",
	"http://{h}/{f}{r}",
	"https://{h}/{f}{r}",
	"HTTP://other.invalid/{f}{r}",
};

struct path_parts {
	const char *first, *other_case, *one_encoded, *all_encoded, *rest, *prefix, *host;
};

/* What the site shows to everybody, whatever is asked for. */
struct public_bodies {
	const struct ctl_http_reply *reply[PUBLIC_MAX];
	size_t count;
};

static char *in_other_case(struct arena *arena, const char *text)
{
	char *out = arena_strdup(arena, text);

	for (char *c = out; *c; c++)
		*c = (char)(islower((unsigned char)*c) ? toupper((unsigned char)*c)
						       : tolower((unsigned char)*c));
	return out;
}

static const char *encoded(struct arena *arena, const char *text, size_t letters)
{
	struct buf out;

	buf_init(&out, arena, 3 * strlen(text) + 1);
	for (size_t i = 0; text[i]; i++) {
		if (i < letters && isalnum((unsigned char)text[i]))
			buf_printf(&out, "%%%02x", (unsigned)(unsigned char)text[i]);
		else
			buf_add_char(&out, text[i]);
	}
	return out.data ? out.data : "";
}

static struct path_parts split(struct ctl_doctor *doctor, const char *path)
{
	struct arena *arena = doctor->ctl->caller.arena;
	size_t len = strcspn(path + 1, "/?");
	const char *first = arena_strndup(arena, path + 1, len);

	return (struct path_parts){ .first = first,
		.other_case = in_other_case(arena, first),
		.one_encoded = encoded(arena, first, 1),
		.all_encoded = encoded(arena, first, len),
		.rest = path[1 + len] == '/' ? path + 1 + len : "/",
		.prefix = doctor->ctl->settings->server.prefix,
		.host = doctor->origin + strlen("https://") };
}

static const char *part_of(const struct path_parts *parts, char letter)
{
	switch (letter) {
	case 'f':
		return parts->first;
	case 'u':
		return parts->other_case;
	case 'e':
		return parts->one_encoded;
	case 'E':
		return parts->all_encoded;
	case 'r':
		return parts->rest;
	case 'a':
		return parts->prefix;
	default:
		return parts->host;
	}
}

static const char *spell(
	struct ctl_doctor *doctor, const char *spelling, const struct path_parts *parts)
{
	struct buf out;

	buf_init(&out, doctor->ctl->caller.arena, TARGET_MAX);
	while (*spelling) {
		if (spelling[0] == '{' && spelling[1] && spelling[2] == '}') {
			buf_add_text(&out, part_of(parts, spelling[1]));
			spelling += 3;
		} else {
			buf_add_char(&out, *spelling++);
		}
	}
	return out.data;
}

static struct public_bodies read_public(struct ctl_doctor *doctor)
{
	struct public_bodies public = { .count = 0 };
	const char *const targets[PUBLIC_MAX] = { "/", ctl_guard_nowhere(doctor, "/"),
		ctl_guard_nowhere(doctor, "/x/"),
		ctl_guard_nowhere(doctor, "HTTP://other.invalid/") };

	for (size_t i = 0; i < PUBLIC_MAX; i++) {
		const struct ctl_http_reply *reply =
			ctl_doctor_ask(doctor, "GET", targets[i], CTL_DOCTOR_SCRIPT, NULL);

		if (ctl_guard_judge(doctor, reply) == CTL_GUARD_OPEN)
		public.reply[public.count++] = reply;
	}
	return public;
}

/* A page that everybody may see: the front page, what a site answers to every address that it does
 * not know, our own sign-in page. */
static bool is_public(const struct public_bodies *public, const struct ctl_http_reply *reply)
{
	for (size_t i = 0; i < public->count; i++)
		if (public->reply[i]->body_len == reply->body_len &&
			memcmp(public->reply[i]->body, reply->body, reply->body_len) == 0)
			return true;
	return strstr(reply->body, "name=\"csrf\"") != NULL;
}

static void add_word(struct buf *list, const char *word)
{
	buf_printf(list, "%s%s", list->len > 0 ? "  " : "", word);
}

static void check_spellings(struct ctl_doctor *doctor, const struct ctl_doctor_page *page,
	const struct public_bodies *public)
{
	struct path_parts parts = split(doctor, page->path);
	struct buf found;

	buf_init(&found, doctor->ctl->caller.arena, LIST_MAX);
	for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
		const char *target = spell(doctor, spellings[i], &parts);
		const struct ctl_http_reply *reply =
			ctl_doctor_ask(doctor, "GET", target, CTL_DOCTOR_SCRIPT, NULL);

		if (ctl_guard_judge(doctor, reply) == CTL_GUARD_OPEN && !is_public(public, reply))
			add_word(&found, target);
	}
	if (found.len > 0)
		ctl_finding_add(&doctor->findings, CTL_REMEDY_PATH_TRICK,
			"%s is protected, but not when it is asked for as  %s", page->path,
			found.data);
}

/* Refused as GET is, or not understood. */
static bool is_method_refused(
	const struct ctl_doctor *doctor, const struct ctl_http_reply *reply, bool known)
{
	switch (ctl_guard_judge(doctor, reply)) {
	case CTL_GUARD_REFUSED:
	case CTL_GUARD_BROKEN:
		return true;
	case CTL_GUARD_ELSEWHERE:
		return reply->status == 400 || (reply->status == 405 && !known);
	case CTL_GUARD_OPEN:
	case CTL_GUARD_MISSING:
		break;
	}
	return false;
}

static void check_methods(struct ctl_doctor *doctor, const struct ctl_doctor_page *page)
{
	/* Those that may change something are asked where nothing is. */
	static const struct {
		const char *method;
		bool changes, known;
	} methods[] = { { "HEAD", false, true }, { "OPTIONS", false, true },
		{ "PROPFIND", false, false }, { "BREW", false, false }, { "POST", true, true },
		{ "PUT", true, true }, { "DELETE", true, true }, { "PATCH", true, true } };
	const char *nowhere = ctl_guard_nowhere(doctor, page->path);
	bool nowhere_asks =
		ctl_guard_judge(doctor, ctl_doctor_ask(doctor, "GET", nowhere, CTL_DOCTOR_SCRIPT,
						NULL)) == CTL_GUARD_REFUSED;
	struct buf found;

	buf_init(&found, doctor->ctl->caller.arena, LIST_MAX);
	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
		if (methods[i].changes && !nowhere_asks)
			continue;
		const struct ctl_http_reply *reply = ctl_doctor_ask(doctor, methods[i].method,
			methods[i].changes ? nowhere : page->path, CTL_DOCTOR_SCRIPT, NULL);

		if (!is_method_refused(doctor, reply, methods[i].known))
			add_word(&found, methods[i].method);
	}
	if (found.len > 0)
		ctl_finding_add(&doctor->findings, CTL_REMEDY_METHOD,
			"%s asks for a sign-in, but not when the method is  %s", page->path,
			found.data);
}

/* Between proxies such headers mean something; from a browser they must mean nothing. */
static void check_headers(struct ctl_doctor *doctor, const struct ctl_doctor_page *page)
{
	static const char *const headers[] = { "X-Original-URL: /", "X-Original-URI: /",
		"X-Rewrite-URL: /", "X-Forwarded-Uri: /", "X-Forwarded-Prefix: /",
		"X-Forwarded-Method: OPTIONS", "X-HTTP-Method-Override: OPTIONS",
		"X-Forwarded-For: 127.0.0.1", "X-Forwarded-Host: localhost", "Auth-Role: RESPONDER",
		"Script-Name: /", "Path-Info: /", "User-Agent: kube-probe/1.29",
		"Referer: https://www.google.com/",
		"Authorization: Basic YWRtaW46YWRtaW4=", "Remote-User: admin", "Auth-User: admin",
		"X-Auth-User: admin", "X-Forwarded-User: admin" };
	struct buf found;

	buf_init(&found, doctor->ctl->caller.arena, LIST_MAX);
	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
		const struct ctl_http_reply *reply =
			ctl_doctor_ask(doctor, "GET", page->path, CTL_DOCTOR_SCRIPT, headers[i]);

		if (ctl_guard_judge(doctor, reply) == CTL_GUARD_OPEN)
			add_word(&found, headers[i]);
	}
	if (found.len > 0)
		ctl_finding_add(&doctor->findings, CTL_REMEDY_REQUEST_HEADER,
			"%s is protected, but not from a request with the header  %s", page->path,
			found.data);
}

void ctl_trick_check(struct ctl_doctor *doctor)
{
	struct public_bodies public = read_public(doctor);

	for (size_t i = 0; i < doctor->pages; i++) {
		const struct ctl_doctor_page *page = &doctor->page[i];

		if (!page->asked)
			continue;
		if (strcmp(page->path, "/") != 0)
			check_spellings(doctor, page, &public);
		check_methods(doctor, page);
		check_headers(doctor, page);
	}
}
