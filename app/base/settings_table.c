#include "base/settings_table.h"

#include "base/settings.h"
#include "base/settings_check.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#define MINUTE INT64_C(60)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
/* Browsers keep no cookie longer (RFC 6265bis section 5.5). */
#define LONGEST (400 * DAY)

static const char *const mirrors[] = { "auto", "yes", "no", NULL };
static const char *const sandboxes[] = { [SETTINGS_SANDBOX_AUTO] = "auto",
	[SETTINGS_SANDBOX_YES] = "yes",
	[SETTINGS_SANDBOX_NO] = "no",
	NULL };
static const char *const styles[] = {
	[SETTINGS_STYLE_ROTATE] = "rotate", [SETTINGS_STYLE_SLIDING] = "sliding", NULL
};
static const char *const limits[] = {
	[SETTINGS_LIMIT_END_OLDEST] = "end_oldest", [SETTINGS_LIMIT_REFUSE] = "refuse", NULL
};
static const char *const binds[] = { [SETTINGS_BIND_NONE] = "none",
	[SETTINGS_BIND_AGENT] = "agent",
	[SETTINGS_BIND_ADDRESS] = "address",
	[SETTINGS_BIND_BOTH] = "both",
	NULL };
static const char *const reuses[] = {
	[SETTINGS_REUSE_SESSION] = "session", [SETTINGS_REUSE_USER] = "user", NULL
};
static const char *const activities[] = {
	[SETTINGS_ACTIVITY_ANY] = "any", [SETTINGS_ACTIVITY_NAVIGATION] = "navigation", NULL
};
static const char *const same_sites[] = {
	[SETTINGS_SAME_SITE_STRICT] = "strict", [SETTINGS_SAME_SITE_LAX] = "lax", NULL
};
static const char *const claim_sets[] = {
	[SETTINGS_CLAIMS_MINIMAL] = "minimal", [SETTINGS_CLAIMS_PROFILE] = "profile", NULL
};
static const char *const user_sources[] = {
	[SETTINGS_USERS_REDIS] = "redis", [SETTINGS_USERS_FILE] = "file", NULL
};
static const char *const failures[] = {
	[SETTINGS_FAILURE_DENY] = "deny", [SETTINGS_FAILURE_STALE] = "stale", NULL
};
static const char *const log_formats[] = {
	[SETTINGS_LOG_JSON] = "json", [SETTINGS_LOG_TEXT] = "text", NULL
};
static const char *const log_levels[] = { [SETTINGS_LOG_DEBUG] = "debug",
	[SETTINGS_LOG_INFO] = "info",
	[SETTINGS_LOG_WARN] = "warn",
	[SETTINGS_LOG_ERROR] = "error",
	NULL };

/* clang-format off */
/* NOLINTBEGIN(bugprone-macro-parentheses): a member and a type cannot stand in parentheses. */
/* _Generic without a fitting branch does not compile: the type of an entry is its member's. */
#define PLACE(s, n, c_type)                                                                        \
	.section = #s, .name = #n,                                                                 \
	.offset = _Generic(((struct settings *)NULL)->s.n, c_type: offsetof(struct settings, s.n))
/* NOLINTEND(bugprone-macro-parentheses) */

#define TEXT(s, n, d, f, h)                                                                        \
	{ PLACE(s, n, const char *), .type = SETTINGS_TYPE_TEXT, .initial = (d), .check = (f),     \
		.help = (h) }
#define LIST(s, n, d, f, h)                                                                        \
	{ PLACE(s, n, const char *), .type = SETTINGS_TYPE_LIST, .initial = (d), .check = (f),     \
		.help = (h) }
#define INT(s, n, d, low, high, h)                                                                 \
	{ PLACE(s, n, int64_t), .type = SETTINGS_TYPE_INT, .initial = (d), .min = (low),           \
		.max = (high), .help = (h) }
#define DURATION(s, n, d, low, high, h)                                                            \
	{ PLACE(s, n, int64_t), .type = SETTINGS_TYPE_DURATION, .initial = (d), .min = (low),      \
		.max = (high), .help = (h) }
#define BOOL(s, n, d, h)                                                                           \
	{ PLACE(s, n, bool), .type = SETTINGS_TYPE_BOOL, .initial = (d), .help = (h) }
#define CHOICE(s, n, d, c, h)                                                                      \
	{ PLACE(s, n, int64_t), .type = SETTINGS_TYPE_CHOICE, .initial = (d), .choices = (c),      \
		.help = (h) }

static const struct settings_entry entries[] = {
	TEXT(server, listen_authorizer, "", settings_check_listen,
		"Socket for the checks."),
	TEXT(server, listen_responder, "", settings_check_listen,
		"Socket for the pages."),
	INT(server, authorizer_threads, "4", 1, 256,
		"Threads that answer checks."),
	INT(server, responder_threads, "8", 1, 256,
		"Threads that answer pages."),
	TEXT(server, prefix, "/auth", settings_check_prefix,
		"Path of our pages on the web server."),
	TEXT(server, base_url, "", settings_check_base_url,
		"Origin of the site as browsers see it."),
	LIST(server, trusted_proxies, "", settings_check_networks,
		"Addresses whose X-Forwarded-For is believed."),
	CHOICE(server, sandbox, "auto", sandboxes,
		"Whether to give up what is not needed after the start."),

	TEXT(store, url, "unix:/run/redis/redis-server.sock", settings_check_store_url,
		"Where Redis listens."),
	TEXT(store, password_file, "", NULL,
		"File with the password for Redis."),
	TEXT(store, sentinel_user, "", NULL,
		"Name to sign in with at the sentinels."),
	TEXT(store, sentinel_password_file, "", NULL,
		"File with the password for the sentinels."),
	TEXT(store, tls_ca_file, "", NULL,
		"Certificates by which Redis is known, for TLS."),
	TEXT(store, tls_cert_file, "", NULL,
		"Certificate to show to Redis."),
	TEXT(store, tls_key_file, "", NULL,
		"Its private key."),
	TEXT(store, prefix, "dw:", settings_check_key_prefix,
		"Beginning of every key."),
	INT(store, timeout_ms, "250", 10, 10000,
		"How long a request waits for Redis in all, in milliseconds."),
	INT(store, rotation_replicas, "0", 0, 10,
		"Replicas that shall have a rotation before it is answered."),

	CHOICE(mirror, enabled, "auto", mirrors,
		"Whether to keep what Redis said lately."),
	INT(mirror, max_entries, "100000", 1000, 10000000,
		"How many keys to keep."),
	INT(mirror, heartbeat_ms, "100", 10, 1000,
		"How often Redis is asked for a sign of life, in milliseconds."),
	INT(mirror, lease_ms, "300", 30, 10000,
		"How long after the last sign of life what is kept still counts, in milliseconds."),

	CHOICE(session, style, "rotate", styles,
		"How a session is kept alive."),
	DURATION(session, access_lifetime, "15m", 1, DAY,
		"Life of an access token."),
	DURATION(session, idle_timeout, "7d", 1, LONGEST,
		"A session unused for so long ends."),
	DURATION(session, absolute_timeout, "30d", 1, LONGEST,
		"A session ends so long after sign-in, used or not."),
	DURATION(session, refresh_grace, "10", 0, 60,
		"How long a refresh token just used gives the same answer again."),
	INT(session, max_sessions, "0", 0, 1000,
		"Sessions that a user may have at once; 0 is no limit."),
	CHOICE(session, on_limit, "end_oldest", limits,
		"What a sign-in above max_sessions does."),
	CHOICE(session, bind, "none", binds,
		"What of the client must stay the same for the whole session."),
	CHOICE(session, on_reuse, "session", reuses,
		"What an old refresh token ends when it comes back."),
	CHOICE(session, activity, "any", activities,
		"Which requests count as use of the session."),
	DURATION(session, seen_every, "1m", 60, DAY,
		"How often a node notes at most that a session was used."),
	DURATION(session, renew_below, "1h", 1, LONGEST,
		"Sliding sessions with less left are extended."),
	DURATION(session, renew_by, "1h", 1, LONGEST,
		"By how much a sliding session is extended."),
	DURATION(session, remember_idle, "30d", 1, LONGEST,
		"idle_timeout of a session with \"keep me signed in\"."),
	DURATION(session, remember_absolute, "90d", 1, LONGEST,
		"absolute_timeout of a session with \"keep me signed in\"."),

	TEXT(cookie, access_name, "__Host-Http-doorward", settings_check_cookie,
		"Name of the cookie with the access token."),
	TEXT(cookie, refresh_name, "__Secure-doorward-refresh", settings_check_refresh_cookie,
		"Name of the cookie with the refresh token."),
	TEXT(cookie, csrf_name, "__Host-Http-doorward-csrf", settings_check_cookie,
		"Name of the cookie that protects our forms."),
	CHOICE(cookie, same_site, "strict", same_sites,
		"SameSite attribute of the cookies."),
	BOOL(cookie, clear_site_data, "no",
		"Sign-out also asks the browser to forget the site's cookies and storage."),

	TEXT(token, keys_dir, "/etc/doorward/keys", settings_check_given,
		"Directory of the keys."),
	TEXT(token, issuer, "doorward", settings_check_given,
		"Claim iss of access tokens."),
	TEXT(token, audience, "doorward", settings_check_given,
		"Claim aud of access tokens."),
	CHOICE(token, claims, "minimal", claim_sets,
		"Whether access tokens carry the name and the roles."),

	CHOICE(users, source, "redis", user_sources,
		"Where users, passwords and roles come from."),
	TEXT(users, users_file, "", NULL,
		"htpasswd file, for source = file."),
	TEXT(users, groups_file, "", NULL,
		"Apache group file, for source = file."),
	LIST(users, extra_fields, "", settings_check_fields,
		"Further fields of the user record for the application."),

	INT(password, opslimit, "2", 1, 20,
		"Passes of Argon2id over its memory."),
	INT(password, memlimit_mb, "64", 19, 4096,
		"Memory of one Argon2id computation in MiB."),
	INT(password, max_parallel, "2", 1, 64,
		"Passwords computed at once."),

	INT(throttle, per_name, "50", 1, 1000000,
		"Sign-in attempts per window for one name."),
	INT(throttle, per_address, "100", 1, 1000000,
		"Sign-in attempts per window from one address."),
	INT(throttle, per_both, "10", 1, 1000000,
		"Sign-in attempts per window for one name from one address."),
	DURATION(throttle, window_sec, "15m", 1, DAY,
		"Length of the window."),

	BOOL(arrival, page, "yes",
		"Who follows a link from another site arrives signed in."),
	LIST(arrival, paths, "", settings_check_paths,
		"Patterns of the paths that this is done for; none: all."),

	CHOICE(failure, on_store_failure, "deny", failures,
		"What a request gets while Redis cannot answer."),
	DURATION(failure, stale_max, "5m", 1, HOUR,
		"How long after it was last seen alive a session passes without Redis."),

	TEXT(page, site_name, "Doorward", NULL,
		"Name of the site on our pages."),
	TEXT(page, logo, "", settings_check_logo,
		"Path of an image above the form."),
	TEXT(page, accent, "", settings_check_colour,
		"Colour of the buttons."),
	TEXT(page, password_url, "", settings_check_link,
		"Where users change their password."),
	TEXT(page, templates_dir, DOORWARD_PREFIX "/share/doorward/templates",
		settings_check_given, "Directory of the page templates."),
	TEXT(page, languages_dir, DOORWARD_PREFIX "/share/doorward/languages", NULL,
		"Directory of the pages' languages; nothing: English alone."),

	TEXT(log, target, "stderr", settings_check_log_target,
		"Where the log goes."),
	CHOICE(log, format, "json", log_formats,
		"One JSON object per line, or text."),
	CHOICE(log, level, "info", log_levels,
		"The least that is logged."),

	LIST(metrics, allow, "127.0.0.0/8,::1", settings_check_networks,
		"Addresses that may read /auth/metrics."),
};
/* clang-format on */

enum { ENTRIES = sizeof(entries) / sizeof(entries[0]) };

const struct settings_entry *settings_table_at(size_t index)
{
	return index < ENTRIES ? &entries[index] : NULL;
}

size_t settings_table_count(void)
{
	return ENTRIES;
}

size_t settings_table_index(const struct settings_entry *entry)
{
	return (size_t)(entry - entries);
}

const struct settings_entry *settings_table_find(const char *section, const char *name)
{
	for (size_t i = 0; i < ENTRIES; i++) {
		if (section && strcmp(entries[i].section, section) != 0)
			continue;
		if (strcmp(entries[i].name, name) == 0)
			return &entries[i];
	}
	return NULL;
}

bool settings_table_has_section(const char *section)
{
	for (size_t i = 0; i < ENTRIES; i++) {
		if (strcmp(entries[i].section, section) == 0)
			return true;
	}
	return false;
}

void settings_table_format_duration(int64_t seconds, char out[SETTINGS_DURATION_MAX])
{
	static const struct {
		int64_t seconds;
		const char *suffix;
	} units[] = { { DAY, "d" }, { HOUR, "h" }, { MINUTE, "m" } };

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (seconds < 2 * MINUTE || seconds % units[i].seconds != 0)
			continue;
		(void)snprintf(out, SETTINGS_DURATION_MAX, "%" PRId64 "%s",
			seconds / units[i].seconds, units[i].suffix);
		return;
	}
	(void)snprintf(out, SETTINGS_DURATION_MAX, "%" PRId64, seconds);
}

static void print_choices(const char *const *choices, FILE *out)
{
	for (size_t i = 0; choices[i]; i++)
		fprintf(out, "%s%s", i > 0 ? " | " : "", choices[i]);
}

static void print_durations(int64_t min, int64_t max, FILE *out)
{
	char low[SETTINGS_DURATION_MAX], high[SETTINGS_DURATION_MAX];
	settings_table_format_duration(min, low);
	settings_table_format_duration(max, high);
	fprintf(out, "%s to %s", low, high);
}

static void print_limits(const struct settings_entry *entry, FILE *out)
{
	switch (entry->type) {
	case SETTINGS_TYPE_TEXT:
	case SETTINGS_TYPE_LIST:
		break;
	case SETTINGS_TYPE_INT:
		fprintf(out, "%" PRId64 " to %" PRId64, entry->min, entry->max);
		break;
	case SETTINGS_TYPE_DURATION:
		print_durations(entry->min, entry->max, out);
		break;
	case SETTINGS_TYPE_BOOL:
		fputs("yes | no", out);
		break;
	case SETTINGS_TYPE_CHOICE:
		print_choices(entry->choices, out);
		break;
	}
}

void settings_table_print(FILE *out)
{
	static const char *const types[] = { [SETTINGS_TYPE_TEXT] = "text",
		[SETTINGS_TYPE_LIST] = "list",
		[SETTINGS_TYPE_INT] = "int",
		[SETTINGS_TYPE_DURATION] = "duration",
		[SETTINGS_TYPE_BOOL] = "bool",
		[SETTINGS_TYPE_CHOICE] = "choice" };

	for (size_t i = 0; i < ENTRIES; i++) {
		const struct settings_entry *entry = &entries[i];
		fprintf(out, "%s\t%s\t%s\t%s\t", entry->section, entry->name, types[entry->type],
			entry->initial);
		print_limits(entry, out);
		fprintf(out, "\t%s\n", entry->help);
	}
}
