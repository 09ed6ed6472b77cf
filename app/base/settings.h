/* The settings file (INI, by libinih; the only file that includes it), checked whole.
 *
 * One table in settings.c holds section, name, type, default, limits and help of every setting;
 * the man page, --print-settings and doorward.conf.example are compared with it by a lint check.
 * A struct settings is made once per (re)load, const afterwards; all its text belongs to it. */
#ifndef DOORWARD_BASE_SETTINGS_H
#define DOORWARD_BASE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum settings_mirror { SETTINGS_MIRROR_AUTO, SETTINGS_MIRROR_YES, SETTINGS_MIRROR_NO };
enum settings_style { SETTINGS_STYLE_ROTATE, SETTINGS_STYLE_SLIDING };
enum settings_on_limit { SETTINGS_LIMIT_END_OLDEST, SETTINGS_LIMIT_REFUSE };
enum settings_bind {
	SETTINGS_BIND_NONE,
	SETTINGS_BIND_AGENT,
	SETTINGS_BIND_ADDRESS,
	SETTINGS_BIND_BOTH,
};
enum settings_on_reuse { SETTINGS_REUSE_SESSION, SETTINGS_REUSE_USER };
enum settings_activity { SETTINGS_ACTIVITY_ANY, SETTINGS_ACTIVITY_NAVIGATION };
enum settings_same_site { SETTINGS_SAME_SITE_STRICT, SETTINGS_SAME_SITE_LAX };
enum settings_claims { SETTINGS_CLAIMS_MINIMAL, SETTINGS_CLAIMS_PROFILE };
enum settings_users { SETTINGS_USERS_REDIS, SETTINGS_USERS_FILE };
enum settings_sandbox { SETTINGS_SANDBOX_AUTO, SETTINGS_SANDBOX_YES, SETTINGS_SANDBOX_NO };
enum settings_failure { SETTINGS_FAILURE_DENY, SETTINGS_FAILURE_STALE };
enum settings_log_format { SETTINGS_LOG_JSON, SETTINGS_LOG_TEXT };
enum settings_log_level {
	SETTINGS_LOG_DEBUG,
	SETTINGS_LOG_INFO,
	SETTINGS_LOG_WARN,
	SETTINGS_LOG_ERROR
};

/* A line of [rules], as written; auth/rules.c gives it its meaning. */
struct settings_rule {
	const char *pattern;
	const char *requirement;
	int line;
};

/* Durations are seconds unless the name ends in _ms. Text is never NULL; "" means not set. The
 * enums above are the values of the int members named like them. */
struct settings {
	struct {
		const char *listen_authorizer, *listen_responder;
		int64_t authorizer_threads, responder_threads;
		const char *prefix, *base_url, *trusted_proxies;
		int64_t sandbox;
	} server;
	struct {
		const char *url, *password_file, *prefix;
		const char *sentinel_user, *sentinel_password_file;
		const char *tls_ca_file, *tls_cert_file, *tls_key_file;
		int64_t timeout_ms, rotation_replicas;
	} store;
	struct {
		int64_t enabled, max_entries, heartbeat_ms, lease_ms;
	} mirror;
	struct {
		int64_t style, access_lifetime, idle_timeout, absolute_timeout, refresh_grace;
		int64_t max_sessions, on_limit, bind, on_reuse, activity, renew_below, renew_by,
			seen_every;
		int64_t remember_idle, remember_absolute;
	} session;
	struct {
		const char *access_name, *refresh_name, *csrf_name;
		int64_t same_site;
		bool clear_site_data;
	} cookie;
	struct {
		const char *keys_dir, *issuer, *audience;
		int64_t claims;
	} token;
	struct {
		int64_t source;
		const char *users_file, *groups_file, *extra_fields;
	} users;
	struct {
		int64_t opslimit, memlimit_mb, max_parallel;
	} password;
	struct {
		int64_t per_name, per_address, per_both, window_sec;
	} throttle;
	struct {
		bool page;
		const char *paths;
	} arrival;
	struct {
		int64_t on_store_failure, stale_max;
	} failure;
	struct {
		const char *site_name, *logo, *accent, *password_url, *templates_dir,
			*languages_dir;
	} page;
	struct {
		const char *target;
		int64_t format, level;
	} log;
	struct {
		const char *allow;
	} metrics;
	const struct settings_rule *rules;
	size_t rules_count;
	const char *path; /* of the file read */
};

/* The path to read: `given` if not NULL, else $DOORWARD_CONF, else /etc/doorward/doorward.conf. */
const char *settings_path(const char *given);
/* Yours. NULL with one or more lines in error ("FILE:12: unknown setting [cookie] same_sit; did you
 * mean same_site?"). Checks types, limits and what must agree with each other (settings_check). */
struct settings *settings_load(const char *path, char *error, size_t error_size);
void settings_free(struct settings *settings);
/* The effective settings as a file that loads to the same (no secret is in it). */
void settings_print(const struct settings *settings, FILE *out);
/* Every setting with its default and its help, for the man page and the sample (lint). */
void settings_print_table(FILE *out);

/* Reads a small secret file (a password, one line without its newline): mode must not allow group
 * write or others. NULL with a sentence in error. Yours: wipe and free. */
char *settings_read_secret(const char *path, char *error, size_t error_size);

#endif
