#include "endpoints/site.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auth/keys.h"
#include "auth/known.h"
#include "auth/password.h"
#include "auth/path.h"
#include "auth/remembered.h"
#include "auth/rules.h"
#include "auth/userfile.h"
#include "base/colour.h"
#include "base/crypto.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/settings.h"
#include "http/language.h"
#include "http/template.h"
#include "store/store.h"

enum {
	SITE_CSS_MAX_BYTES = 16 * 1024,
	SITE_ACCENT_MAX = 160,
	SITE_CSP_MAX = 512,
	SITE_PATH_MAX = 4096,
	SITE_TOKENS_REMEMBERED = 16384,
	/* Of the mirror's: the session, its user, and that its token is not denied. */
	SITE_ENTRIES_PER_SESSION = 3
};

/* Of WCAG 2.2 level AA, with a margin for rounding. */
#define SITE_CONTRAST 4.6

/* Every name that a page may use (templates/README.md); another one refuses to start. */
static const char *const site_template_names[] = { "site_name", "logo", "lang", "prefix", "css",
	"title", "next", "csrf", "username", "error", "notice", "remember", "remembered", "role",
	"retry_url", "status", "sentence", "signed_in", "user", "sessions", "handle", "device",
	"address", "since", "seen", "current", "others", "since_ago", "seen_ago", "password_url",
	NULL };

/* Every page that is shown; a folder without one of them would be found out by a visitor. */
static const char *const site_pages[] = { "login", "signed_out", "logout", "denied", "sessions",
	"loop", "error", NULL };

/* The colour of the settings, and what keeps it readable: text on it, and shades of it for links on
 * the less easy grounds of the pages: --bg when light, --card when dark (page.css). */
static void site_add_accent(const struct site *site, char *out)
{
	static const struct colour light = { 0xf1, 0xf3, 0xf8 }, dark = { 0x19, 0x1f, 0x2a };
	char text[4][COLOUR_TEXT_MAX + 1];
	struct colour accent;

	if (!colour_parse(site->settings->page.accent, &accent))
		return;
	colour_format(accent, text[0]);
	colour_format(colour_on(accent), text[1]);
	colour_format(colour_readable(accent, light, SITE_CONTRAST), text[2]);
	colour_format(colour_readable(accent, dark, SITE_CONTRAST), text[3]);
	snprintf(out, SITE_ACCENT_MAX,
		":root{--accent:%s;--on-accent:%s;--link:%s}"
		"@media (prefers-color-scheme:dark){:root{--link:%s}}",
		text[0], text[1], text[2], text[3]);
}

/* The pages' style, with the site's accent colour behind it. */
static bool site_load_css(struct site *site, char *error, size_t error_size)
{
	const struct settings *set = site->settings;
	char path[SITE_PATH_MAX];
	FILE *file = NULL;
	size_t len = 0;

	snprintf(path, sizeof path, "%s/page.css", set->page.templates_dir);
	file = fopen(path, "re");
	site->css = calloc(1, SITE_CSS_MAX_BYTES + SITE_ACCENT_MAX);
	if (file && site->css)
		len = fread(site->css, 1, SITE_CSS_MAX_BYTES, file);
	bool whole = file && feof(file) && !ferror(file);
	if (file)
		fclose(file);
	if (!whole || len == 0) {
		snprintf(error, error_size, "%s: cannot be read, or is over %d bytes", path,
			SITE_CSS_MAX_BYTES);
		return false;
	}
	site_add_accent(site, site->css + len);
	return true;
}

/* The style is allowed by its digest, so nothing injected could be styled or run. */
static bool site_make_csp(struct site *site, char *error, size_t error_size)
{
	uint8_t digest[CRYPTO_SHA256_BYTES];
	char text[ENCODE_BASE64_LEN(CRYPTO_SHA256_BYTES) + 1];

	site->csp = calloc(1, SITE_CSP_MAX);
	if (!site->csp) {
		snprintf(error, error_size, "out of memory: the pages' policy");
		return false;
	}
	crypto_sha256(digest, site->css, strlen(site->css));
	encode_base64(text, digest, sizeof digest);
	snprintf(site->csp, SITE_CSP_MAX,
		"default-src 'none'; style-src 'sha256-%s'; img-src 'self'; form-action 'self'; "
		"base-uri 'none'; frame-ancestors 'none'",
		text);
	return true;
}

/* A pattern that matches nothing is a mistake, and says so before it is missed. */
static bool site_check_arrival(const struct settings *set, char *error, size_t error_size)
{
	const char *list = set->arrival.paths;

	while (*list) {
		size_t len = strcspn(list, ",");
		char *pattern = strndup(list, len);
		const char *fault = pattern ? path_fault_of_pattern(pattern) : "out of memory";

		if (fault)
			snprintf(error, error_size,
				"%s: [arrival] paths: the pattern %.*s matches nothing: %s",
				set->path, (int)len, list, fault);
		free(pattern);
		if (fault)
			return false;
		list += len + (list[len] == ',');
	}
	return true;
}

static bool site_load_auth(struct site *site, char *error, size_t error_size)
{
	struct settings *set = site->settings;
	struct auth *auth = &site->auth;

	auth->settings = set;
	if (!site_check_arrival(set, error, error_size) ||
		!(auth->rules = rules_parse(set, error, error_size)) ||
		!(auth->keys = keys_load(set->token.keys_dir, error, error_size)) ||
		!(auth->store = store_open(set, 0, error, error_size)))
		return false;
	if (set->users.source == SETTINGS_USERS_FILE &&
		!(auth->userfile = userfile_load(
			  set->users.users_file, set->users.groups_file, error, error_size)))
		return false;
	return true;
}

static void site_start_caches(struct site *site, enum site_use use)
{
	const struct settings *set = site->settings;
	struct store_mirror_config config = { .max_entries = (size_t)set->mirror.max_entries,
		.heartbeat_ms = set->mirror.heartbeat_ms,
		.lease_ms = set->mirror.lease_ms };
	bool wanted = set->mirror.enabled == SETTINGS_MIRROR_YES ||
		      (set->mirror.enabled == SETTINGS_MIRROR_AUTO && use == SITE_DAEMON);

	/* A session that the mirror knows shall not need its signature verified again and again. */
	size_t tokens = config.max_entries / SITE_ENTRIES_PER_SESSION;
	if (!wanted || tokens < SITE_TOKENS_REMEMBERED)
		tokens = SITE_TOKENS_REMEMBERED;
	if (use != SITE_ONCE)
		site->auth.remembered = remembered_new(tokens);
	if (use != SITE_ONCE && (set->failure.on_store_failure == SETTINGS_FAILURE_STALE ||
					rules_any_stale(site->auth.rules)))
		site->auth.known = known_new((size_t)set->mirror.max_entries);
	if (wanted && use != SITE_ONCE)
		store_start_mirror(site->auth.store, &config);
}

static bool site_has_pages(const struct site *site, char *error, size_t error_size)
{
	for (const char *const *page = site_pages; *page; page++) {
		if (template_set_has(site->templates, *page))
			continue;
		snprintf(error, error_size, "%s/%s.mustache: there is no such file",
			site->settings->page.templates_dir, *page);
		return false;
	}
	return true;
}

static bool site_load_pages(struct site *site, char *error, size_t error_size)
{
	const struct settings *set = site->settings;

	site->languages = language_set_load(set->page.languages_dir, error, error_size);
	if (!site->languages)
		return false;
	site->templates = template_set_load(set->page.templates_dir,
		language_set_names(site->languages, site_template_names), error, error_size);
	return site->templates && site_has_pages(site, error, error_size);
}

struct site *site_load(const char *conf_path, enum site_use use, char *error, size_t error_size)
{
	struct site *site = calloc(1, sizeof *site);

	if (!site)
		fatal("out of memory");
	site->settings = settings_load(conf_path, error, error_size);
	if (site->settings && site_load_auth(site, error, error_size) &&
		site_load_css(site, error, error_size) && site_make_csp(site, error, error_size) &&
		site_load_pages(site, error, error_size)) {
		/* Last, since it is for the whole process: a reload that fails changes nothing. */
		if (password_init(site->settings)) {
			site_start_caches(site, use);
			return site;
		}
		snprintf(error, error_size, "libsodium does not start");
	}
	site_free(site);
	return NULL;
}

void site_free(struct site *site)
{
	if (!site)
		return;
	/* auth's pointers are const for its readers; they are ours to end. */
	rules_free((struct rules *)(uintptr_t)site->auth.rules);
	keys_free((struct keys *)(uintptr_t)site->auth.keys);
	remembered_free(site->auth.remembered);
	known_free(site->auth.known);
	store_free(site->auth.store);
	userfile_free(site->auth.userfile);
	template_set_free(site->templates);
	language_set_free(site->languages);
	settings_free(site->settings);
	free(site->css);
	free(site->csp);
	free(site);
}

static pthread_mutex_t site_lock = PTHREAD_MUTEX_INITIALIZER;
static struct site *site_now;

struct site *site_enter(void)
{
	pthread_mutex_lock(&site_lock);
	struct site *site = site_now;
	atomic_fetch_add(&site->users, 1);
	pthread_mutex_unlock(&site_lock);
	return site;
}

/* Never frees: that waits for the threads that follow Redis, and this one may be the thread that
 * answers all checks. */
void site_leave(struct site *site)
{
	atomic_fetch_sub(&site->users, 1);
}

static void site_retire(struct site *site)
{
	const struct timespec moment = { .tv_nsec = 10 * 1000 * 1000 };

	if (!site)
		return;
	site_leave(site);
	while (atomic_load(&site->users) > 0)
		nanosleep(&moment, NULL);
	site_free(site);
}

void site_replace(struct site *site)
{
	pthread_mutex_lock(&site_lock);
	struct site *before = site_now;
	if (site)
		atomic_store(&site->users, 1); /* of being in force */
	site_now = site;
	pthread_mutex_unlock(&site_lock);
	site_retire(before);
}
