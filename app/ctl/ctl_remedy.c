#include "ctl/ctl_remedy.h"

#include <stddef.h>

struct remedy {
	const char *name;
	bool warning;
	const char *fix[CTL_REMEDY_SERVERS]; /* NULL: the first holds for all */
};

#define EXAMPLES "compare the configuration with its example in docs/webservers.md"

/* clang-format off */
static const struct remedy remedies[CTL_REMEDY_CODES] = {
	[CTL_REMEDY_NOT_HTTPS] = { "not_https", false, {
		"serve the site by https and give its https:// address: the cookies are for https only" } },
	[CTL_REMEDY_UNREACHABLE] = { "unreachable", false, {
		"start the web server, or correct the address" } },
	[CTL_REMEDY_CERTIFICATE] = { "certificate", false, {
		"install a certificate for this name with its whole chain; for one of your own authority, name that with --cacert FILE" } },
	[CTL_REMEDY_BASE_URL] = { "base_url", false, {
		"set [server] base_url to the origin that people type, or leave it empty: sign-ins from any other are refused" } },
	[CTL_REMEDY_PAGES_MISSING] = { "pages_missing", false, {
		("hand the path of [server] prefix to Doorward's responder: " EXAMPLES),
		"hand the path of [server] prefix to Doorward's responder: ProxyPass \"/auth/\" (mod_fcgid: ScriptAliasMatch)",
		"hand the path of [server] prefix to Doorward's responder: \"/auth/\" in fastcgi.server, with \"check-local\" => \"disable\"",
		"hand the path of [server] prefix to Doorward's responder: location ^~ /auth/ with fastcgi_pass" } },
	[CTL_REMEDY_DOORWARD_DOWN] = { "doorward_down", false, {
		"start Doorward (systemctl status doorward; journalctl -u doorward), and let the web server's user open the sockets of [server] listen_authorizer and listen_responder; with both running, see whether Doorward reaches Redis" } },
	[CTL_REMEDY_KEYS_DIFFER] = { "keys_differ", false, {
		"reload Doorward after every change of [token] keys_dir, on every machine; or run doctor with the settings of this site (-c FILE)" } },
	[CTL_REMEDY_PLAIN_HTTP] = { "plain_http", false, {
		"let plain http do nothing but redirect to https",
		"let plain http do nothing but redirect to https: Redirect permanent \"/\" \"https://...\" as all there is in <VirtualHost *:80>",
		"let plain http do nothing but redirect to https: url.redirect in $SERVER[\"socket\"] == \":80\"",
		"let plain http do nothing but redirect to https: return 301 https://...$request_uri; as all there is in the server that listens on 80",
		"let plain http do nothing but redirect to https: redir https://...{uri} permanent as all there is in http:// { }" } },
	[CTL_REMEDY_HSTS] = { "hsts", true, {
		"send Strict-Transport-Security: max-age=31536000 with every answer",
		"Header always set Strict-Transport-Security \"max-age=31536000; includeSubDomains\" in the virtual host; without \"always\" refusals lack it",
		"setenv.add-response-header = ( \"Strict-Transport-Security\" => \"max-age=31536000; includeSubDomains\" )",
		"add_header Strict-Transport-Security \"max-age=31536000; includeSubDomains\" always; in the server, and again in each location that has an add_header of its own",
		"header Strict-Transport-Security \"max-age=31536000; includeSubDomains\" in the site" } },
	[CTL_REMEDY_TRACE] = { "trace", false, {
		"turn TRACE off in the web server: it answers with what it got, cookies included",
		"TraceEnable off, outside of all virtual hosts" } },
	[CTL_REMEDY_CACHEABLE] = { "cacheable", false, {
		"leave the Cache-Control of Doorward's answers alone, and send Cache-Control: private, no-cache with protected pages",
		"leave the Cache-Control of Doorward's answers alone (no \"Header set Cache-Control\" for them, no mod_expires), and put Header setifempty Cache-Control \"private, no-cache\" into each protected <Directory>",
		"leave the Cache-Control of Doorward's answers alone, and keep magnet.attract-response-start-to with lighttpd-cache.lua, which marks protected pages",
		"leave the Cache-Control of Doorward's answers alone (no \"expires\" there), and keep add_header Cache-Control $doorward_cache; in the server and in each location that has an add_header of its own" } },
	[CTL_REMEDY_COOKIE_MISSING] = { "cookie_missing", false, {
		"let the Set-Cookie lines of Doorward's pages through, and keep these pages out of every cache" } },
	[CTL_REMEDY_COOKIE_INSECURE] = { "cookie_insecure", false, {
		"do not change Set-Cookie in the web server or in a proxy before it: Doorward sends Secure" } },
	[CTL_REMEDY_COOKIE_READABLE] = { "cookie_readable", false, {
		"do not change Set-Cookie in the web server or in a proxy before it: Doorward sends HttpOnly" } },
	[CTL_REMEDY_COOKIE_SAME_SITE] = { "cookie_same_site", false, {
		"do not change Set-Cookie in the web server or in a proxy before it; choose by [cookie] same_site" } },
	[CTL_REMEDY_COOKIE_SCOPE] = { "cookie_scope", false, {
		"leave name, Path and Domain of the cookies as Doorward sends them, and take names with __Host- or __Secure- in [cookie]" } },
	[CTL_REMEDY_NO_PAGE] = { "no_page", true, {
		"name a protected page: doorwardctl doctor https://www.example.org/private/" } },
	[CTL_REMEDY_UNPROTECTED] = { "unprotected", false, {
		("let the web server ask Doorward before it serves this; " EXAMPLES),
		"give its <Directory> (for a proxied application its <Location>) all the lines of the example: without Require Doorward (mod_fcgid: Require expr and FcgidAccessChecker) Apache never asks, and \"Require all granted\" beside them overrides them",
		"name it in fastcgi.server with \"mode\" => \"authorizer\" and \"check-local\" => \"disable\" (otherwise proxied applications are served unasked), and put mod_fastcgi before mod_proxy, mod_cgi and mod_status in server.modules: what stands before it answers unasked",
		"put auth_request /_doorward_check; into its location, and write that as location ^~: another location, such as one with ~, may have taken the address over. Keep ${doorward_gate}",
		"name it in @protected, and keep route { } around it all: without it Caddy sorts the check behind what it protects" } },
	[CTL_REMEDY_NOT_ASKED] = { "not_asked", false, {
		"correct the path; if it is right, let the web server ask Doorward before it looks: " EXAMPLES } },
	[CTL_REMEDY_MISSING_PAGES] = { "missing_pages", true, {
		"protect the whole folder, so that Doorward is asked before the web server looks what is there",
		"protect the whole folder with <Directory>, or <Location> for a proxied application, not single files",
		"\"check-local\" => \"disable\" in the authorizer's entry",
		"location ^~ /folder instead of one for single files" } },
	[CTL_REMEDY_REFUSAL_BROKEN] = { "refusal_broken", false, {
		"see the error logs of the web server and of Doorward: the question to Doorward fails, or the pages for refusals do; the web server's user must be able to open the authorizer's socket",
		"see the error logs of Apache and Doorward: the provider's address is that of listen_authorizer, ErrorDocument 401 and 403 lead to Doorward's pages",
		NULL,
		"see the error logs of nginx and Doorward: location = /_doorward_check reaches the authorizer, with AUTH_ROLE AUTHORIZER; error_page 401 and 403 lead to Doorward's pages" } },
	[CTL_REMEDY_NO_REDIRECT] = { "no_redirect", false, {
		("let Doorward's own page answer a refusal: " EXAMPLES),
		"ErrorDocument 401 /auth/unauthenticated and ErrorDocument 403 /auth/denied in the virtual host, with the path of [server] prefix",
		"take the authorizer's answer as it is: no server.error-handler for protected pages",
		"error_page 401 = @doorward_unauthenticated; error_page 403 = @doorward_denied; in the protected location" } },
	[CTL_REMEDY_NO_JSON] = { "no_json", true, {
		("let Doorward's own page answer a refusal: " EXAMPLES),
		"ErrorDocument 401 /auth/unauthenticated and ErrorDocument 403 /auth/denied in the virtual host, with the path of [server] prefix",
		"take the authorizer's answer as it is: no server.error-handler for protected pages",
		"error_page 401 = @doorward_unauthenticated; in the protected location, which hands HTTP headers on" } },
	[CTL_REMEDY_PATH_TRICK] = { "path_trick", false, {
		("protect what is served, not one spelling of its address: " EXAMPLES),
		"protect files by <Directory>, not by <Location> or <LocationMatch>, and leave MergeSlashes on and AllowEncodedSlashes off",
		"keep all of server.http-parseopts as in the example, and name the path in fastcgi.server by its beginning (\"/private\"), not in $HTTP[\"url\"] by a pattern",
		"location ^~ /private, without \"/\" at its end and without a pattern; leave merge_slashes on",
		"name it in @protected by its beginning (path /private*)" } },
	[CTL_REMEDY_METHOD] = { "method", false, {
		"ask for every method alike",
		"no <Limit> and no <LimitExcept> around Require: they leave the other methods open",
		"no $HTTP[\"request-method\"] condition around the authorizer",
		"no limit_except and no \"if ($request_method)\" around auth_request" } },
	[CTL_REMEDY_REQUEST_HEADER] = { "request_header", false, {
		"do not let a request header choose the path, the method or the way past the check" } },
	[CTL_REMEDY_SESSION_REFUSED] = { "session_refused", false, {
		"run doctor with the settings of this site (-c FILE): same keys, Redis, [store] prefix and [token] audience; and let the Cookie header reach Doorward" } },
	[CTL_REMEDY_IDENTITY_FORGED] = { "identity_forged", false, {
		"take these headers out of every request before the application sees it, in every spelling",
		"RequestHeader unset NAME early, for the spelling with \"-\" and for that with \"_\", in the virtual host; and no FcgidPassHeader for one of them",
		"magnet.attract-raw-url-to = ( \".../lighttpd-strip.lua\" ), and add the name there",
		"underscores_in_headers off; proxy_set_header NAME \"\"; for a proxied application, fastcgi_param HTTP_NAME \"\" if_not_empty; for a program: a location with a proxy_set_header or fastcgi_param of its own needs them all" } },
	[CTL_REMEDY_IDENTITY_MISSING] = { "identity_missing", false, {
		"hand the user to the application, or name with --echo a page that prints its whole environment or all request headers",
		"UserExpr \"%{reqenv:AUTH_USER}\" in the provider's line; for a proxied application RequestHeader set AuthUser",
		"for a proxied application keep lighttpd-strip.lua; it sets AuthUser",
		"fastcgi_param REMOTE_USER $doorward_user if_not_empty; for a program, proxy_set_header AuthUser $doorward_user; for a proxied application: a location with one of its own needs them all, and one with an auth_request_set loses all others" } },
	[CTL_REMEDY_IDENTITY_REMOVED] = { "identity_removed", false, {
		"do not let the Connection header of a request take the identity header out again",
		"RequestHeader edit* Connection \"(?i)Auth(User|Roles)\" \"x\" early" } },
	[CTL_REMEDY_IDENTITY_LEAK] = { "identity_leak", false, {
		"take these headers out of the answers",
		"mod_fcgid sends them: Header unset and Header always unset for each of the Variable- names, as in the example" } },
	[CTL_REMEDY_STORE_UNAVAILABLE] = { "store_unavailable", false, {
		"start Redis, and see whether [store] url and password_file are right" } },
	[CTL_REMEDY_REDIS_OLD] = { "redis_old", false, {
		"use Redis 7 or newer, or Valkey 8 or newer" } },
	[CTL_REMEDY_REDIS_EVICTS] = { "redis_evicts", false, {
		"maxmemory-policy noeviction in redis.conf: otherwise a full Redis signs people out, and forgets which tokens were revoked" } },
	[CTL_REMEDY_REDIS_FULL] = { "redis_full", true, {
		"raise maxmemory in redis.conf: a full Redis refuses sign-ins and renewals" } },
	[CTL_REMEDY_REDIS_NOT_PERSISTENT] = { "redis_not_persistent", true, {
		"appendonly yes in redis.conf" } },
	[CTL_REMEDY_REDIS_WRITE_ERRORS] = { "redis_write_errors", false, {
		"see the log of Redis: is the disk full, does its directory belong to its user?" } },
	[CTL_REMEDY_REDIS_OPEN] = { "redis_open", false, {
		"let only Doorward reach Redis: a Unix socket of mode 0770, or bind 127.0.0.1, or an ACL user with a password ([store] password_file); keep protected-mode yes" } },
	[CTL_REMEDY_REDIS_NO_PASSWORD] = { "redis_no_password", true, {
		"set requirepass or an ACL user, and [store] password_file; or port 0 and a Unix socket of mode 0770" } },
	[CTL_REMEDY_CLOCK] = { "clock", true, {
		"set the clocks of the machines by NTP (timedatectl set-ntp true)" } },
	[CTL_REMEDY_SETTINGS_WRITABLE] = { "settings_writable", false, {
		"chown root: FILE; chmod 644 FILE, and the same for its folder (755)" } },
	[CTL_REMEDY_KEYS_UNSAFE] = { "keys_unsafe", false, {
		"chmod 700 the directory and chmod 600 the files in it, owned by Doorward's user; if others could read them, make new ones (doorwardctl keys rotate) and retire these" } },
	[CTL_REMEDY_KEYS_REFUSED] = { "keys_refused", false, {
		"run doctor as root or as Doorward's user, who can read them; doorwardctl keys list says more; where there are none, doorwardctl keys new" } },
	[CTL_REMEDY_PASSWORD_FILE] = { "password_file", false, {
		"chmod 600 FILE (640 with Doorward's group); if others could read it, change the password" } },
	[CTL_REMEDY_USERS_FILE] = { "users_file", false, {
		"chmod 640 FILE, owned by root with Doorward's group: who can write it can be anybody, who can read it can guess passwords at leisure" } },
	[CTL_REMEDY_WEB_SERVER_READS] = { "web_server_reads", true, {
		"run Doorward as a user of its own (systemd/doorward.service) that owns these files: a hole in an application of the web server must not give the keys away" } },
	[CTL_REMEDY_SOCKET_OPEN] = { "socket_open", false, {
		"mode=0660 group=www-data (the web server's group) behind the path in [server] listen_authorizer and listen_responder" } },
	[CTL_REMEDY_LISTENER_EXPOSED] = { "listener_exposed", false, {
		"listen on a Unix socket or on 127.0.0.1: who can reach this port says who asks, and from which address" } },
	[CTL_REMEDY_AUTHORIZER_PORT] = { "authorizer_port", true, {
		"a port below 1024 (127.0.0.1:900) or a Unix socket in [server] listen_authorizer: while Doorward is down, any user of this machine can take a higher one and answer yes" } },
};
/* clang-format on */

const char *ctl_remedy_name(enum ctl_remedy_code code)
{
	return remedies[code].name;
}

bool ctl_remedy_is_fault(enum ctl_remedy_code code)
{
	return !remedies[code].warning;
}

const char *ctl_remedy_fix(enum ctl_remedy_code code, enum ctl_remedy_server server)
{
	const char *own = remedies[code].fix[server];

	return own ? own : remedies[code].fix[CTL_REMEDY_ANY];
}
