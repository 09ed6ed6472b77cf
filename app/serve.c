/* doorward: the program behind the web server. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "auth/password.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "base/settings.h"
#include "endpoints/site.h"
#include "http/cgi.h"
#include "http/gateway.h"
#include "http/listener.h"
#include "routes.h"
#include "store/store.h"

enum { EXIT_USAGE = 2, SERVE_ERROR_MAX = 4096, SERVE_PATH_MAX = 256, SERVE_PAGES_NICE = 5 };

static bool serve_files_enclosed;

struct serve_options {
	const char *conf;
	bool check;
	bool print_settings;
};

static const char serve_help[] =
	"usage: doorward [-c FILE] [--check] [--print-settings] [--version] [--help]\n"
	"\n"
	"Sign-in pages and per-request access checks for a web server that speaks FastCGI.\n"
	"\n"
	"  -c FILE           the settings (default: $DOORWARD_CONF, then\n"
	"                    /etc/doorward/doorward.conf)\n"
	"  --check           read settings, keys, templates and users, say what is wrong,\n"
	"                    start nothing\n"
	"  --print-settings  the settings in effect, as a settings file\n"
	"  --version         versions of this program and of the libraries in use\n"
	"\n"
	"It listens on [server] listen_authorizer and listen_responder; without them it\n"
	"takes the socket on descriptor 0, or answers one request as plain CGI.\n"
	"SIGTERM ends it after the requests in hand; SIGHUP makes it read its files again.\n"
	"See doorward(8), doorward.conf(5), doorwardctl(8).\n";

static void serve_version(void)
{
	printf("doorward %s\n%s\n%s\n%s\n", DOORWARD_VERSION, crypto_version(), store_version(),
		password_version());
}

/* True when the program goes on; otherwise *status is its exit status. */
static bool serve_parse_options(int argc, char **argv, struct serve_options *out, int *status)
{
	static const struct option longs[] = { { "check", no_argument, NULL, 'k' },
		{ "print-settings", no_argument, NULL, 'p' }, { "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };
	int option;

	*status = EXIT_SUCCESS;
	while ((option = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
		switch (option) {
		case 'c':
			out->conf = optarg;
			break;
		case 'k':
			out->check = true;
			break;
		case 'p':
			out->print_settings = true;
			break;
		case 'V':
			serve_version();
			return false;
		case 'h':
			fputs(serve_help, stdout);
			return false;
		default:
			fputs("try doorward --help\n", stderr);
			*status = EXIT_USAGE;
			return false;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "doorward: '%s' is not understood; try doorward --help\n",
			argv[optind]);
		*status = EXIT_USAGE;
		return false;
	}
	return true;
}

static bool serve_open_log(const struct settings *settings)
{
	if (log_open(settings->log.target, (enum log_format)settings->log.format,
		    (enum log_level)settings->log.level))
		return true;
	fprintf(stderr, "doorward: the log %s cannot be opened: %s\n", settings->log.target,
		strerror(errno));
	return false;
}

/* No secret may reach a core file, and no other process of this user may look inside. */
static void serve_protect(void)
{
	static const struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* auto: the service unit says so, where nobody else shares the process' environment. */
static bool serve_wants_sandbox(const struct settings *set)
{
	const char *unit = getenv("DOORWARD_SANDBOX");

	switch ((enum settings_sandbox)set->server.sandbox) {
	case SETTINGS_SANDBOX_YES:
		return true;
	case SETTINGS_SANDBOX_NO:
		return false;
	case SETTINGS_SANDBOX_AUTO:
		break;
	}
	return unit && strcmp(unit, "yes") == 0;
}

/* "unix:PATH mode=..." : PATH in out, or NULL. */
static const char *serve_socket_path(const char *spec, char out[SERVE_PATH_MAX])
{
	if (strncmp(spec, "unix:", 5) != 0)
		return NULL;
	snprintf(out, SERVE_PATH_MAX, "%.*s", (int)strcspn(spec + 5, " "), spec + 5);
	return out;
}

/* Before there is any other thread: what the kernel takes from one, it takes from those it makes.
 * What is wrong with the settings, site_load says. */
static void serve_enclose_files(const char *conf)
{
	char error[SERVE_ERROR_MAX] = "", sockets[2][SERVE_PATH_MAX];
	struct settings *set = settings_load(conf, error, sizeof error);
	struct sandbox_path paths[4] = { { NULL, SANDBOX_LOG } };
	const char *const specs[] = { set ? set->server.listen_authorizer : "",
		set ? set->server.listen_responder : "" };
	size_t count = 0;

	if (set && serve_wants_sandbox(set)) {
		if (set->log.target[0] == '/')
			paths[count++] = (struct sandbox_path){ set->log.target, SANDBOX_LOG };
		for (int i = 0; i < 2; i++) {
			const char *path = serve_socket_path(specs[i], sockets[i]);
			if (path)
				paths[count++] = (struct sandbox_path){ path, SANDBOX_SOCKET };
		}
		paths[count].path = NULL;
		serve_files_enclosed = sandbox_files(paths);
	}
	settings_free(set);
}

/* Of all threads, those that keep the mirror too. False: it was asked for and cannot be had. */
static bool serve_enclose_calls(const struct settings *set)
{
	bool to_file = set->log.target[0] == '/';

	if (!serve_wants_sandbox(set))
		return true;
	if (!sandbox_calls(!serve_files_enclosed && !to_file)) {
		log_error("[server] sandbox: seccomp cannot be had here");
		return set->server.sandbox == SETTINGS_SANDBOX_AUTO;
	}
	if (!serve_files_enclosed)
		log_warn("[server] sandbox: this kernel has no Landlock; %s",
			to_file ? "files are not protected, since the log is one"
				: "no file can be opened for writing");
	log_info("sandboxed: no programs, no other processes, no writing");
	return true;
}

/* Does a web server start this process, for one request or for many? */
static enum site_use serve_use(const struct serve_options *options)
{
	if (options->check || (cgi_is_asked() && !listener_is_listening(STDIN_FILENO)))
		return SITE_ONCE;
	return listener_is_listening(STDIN_FILENO) ? SITE_SPAWNED : SITE_DAEMON;
}

/* New settings as a whole, or the old ones and the reason why. */
static void serve_reload(const char *conf)
{
	static const struct serve_options none = { 0 };
	char error[SERVE_ERROR_MAX] = "";
	struct site *site = site_load(conf, serve_use(&none), error, sizeof error);

	if (site && !serve_open_log(site->settings)) {
		snprintf(error, sizeof error, "the log %s cannot be opened",
			site->settings->log.target);
		site_free(site);
		site = NULL;
	}
	if (!site) {
		log_error("not reloaded, the settings before stay in force: %s", error);
		return;
	}
	site_replace(site);
	log_info("reloaded %s", conf);
}

/* Until SIGTERM or SIGINT. */
static void serve_wait(const sigset_t *signals, const char *conf)
{
	for (;;) {
		int got = 0;

		if (sigwait(signals, &got) != 0)
			continue;
		if (got == SIGHUP)
			serve_reload(conf);
		else
			return;
	}
}

struct serve_socket {
	const char *spec; /* of the settings at start; "" when not asked for */
	int descriptor;
	struct gateway *gateway;
};

static bool serve_open(struct serve_socket *socket)
{
	char error[SERVE_ERROR_MAX];

	socket->descriptor = -1;
	if (!*socket->spec)
		return true;
	socket->descriptor = listener_open(socket->spec, error, sizeof error);
	if (socket->descriptor < 0) {
		log_error("%s", error);
		return false;
	}
	if (listener_is_exposed(socket->descriptor))
		log_warn("%s can be reached from other machines: whoever reaches it can pretend to "
			 "be the web server",
			socket->spec);
	return true;
}

static void serve_start(struct serve_socket *socket, const struct gateway_config *config)
{
	if (socket->descriptor >= 0)
		socket->gateway = gateway_start(socket->descriptor, config, NULL);
}

static void serve_stop(struct serve_socket *socket)
{
	gateway_stop(socket->gateway);
	if (socket->descriptor >= 0)
		listener_close(socket->spec, socket->descriptor);
}

static int serve_listen(const struct site *site, const char *conf, const sigset_t *signals)
{
	const struct settings *set = site->settings;
	struct gateway_config checks = { .takes = GATEWAY_AUTHORIZER,
		.handle = routes_handle,
		.handle_many = routes_handle_many,
		.together = routes_together,
		.threads = (int)set->server.authorizer_threads,
		.at_once = store_mirror(site->auth.store) ? NULL : routes_at_once };
	struct gateway_config pages = { .takes = GATEWAY_RESPONDER,
		.handle = routes_handle,
		/* A signature takes some milliseconds of a processor: checks go first. */
		.nice = SERVE_PAGES_NICE,
		.threads = (int)set->server.responder_threads };
	/* Copies: a reload frees the settings while the sockets stay as they are. */
	char *authorizer_spec = strdup(set->server.listen_authorizer);
	char *responder_spec = strdup(set->server.listen_responder);
	struct serve_socket authorizer = { .spec = authorizer_spec },
			    responder = { .spec = responder_spec };
	int status = EXIT_FAILURE;

	if (authorizer_spec && responder_spec && serve_open(&authorizer) &&
		serve_open(&responder)) {
		serve_start(&authorizer, &checks);
		serve_start(&responder, &pages);
		log_info("doorward %s: ready", DOORWARD_VERSION);
		serve_wait(signals, conf);
		status = EXIT_SUCCESS;
	}
	serve_stop(&authorizer);
	serve_stop(&responder);
	free(authorizer_spec);
	free(responder_spec);
	return status;
}

/* Started by a web server or a supervisor with the socket on descriptor 0: both roles on it. */
static int serve_inherited(const struct site *site, const char *conf, const sigset_t *signals)
{
	const struct settings *set = site->settings;
	struct gateway_config config = { .takes = GATEWAY_BOTH,
		.handle = routes_handle,
		.handle_many = store_mirror(site->auth.store) ? routes_handle_many : NULL,
		.together = routes_together,
		.threads = (int)(set->server.authorizer_threads + set->server.responder_threads) };
	struct gateway *gateway = gateway_start(STDIN_FILENO, &config, NULL);

	serve_wait(signals, conf);
	gateway_stop(gateway);
	return EXIT_SUCCESS;
}

/* CGI when a web server asks so; else the sockets of the settings, else the one on descriptor 0. */
static int serve_run(const struct site *site, const char *conf)
{
	const struct settings *set = site->settings;
	bool own = *set->server.listen_authorizer || *set->server.listen_responder;
	bool inherited = !own && listener_is_listening(STDIN_FILENO);
	sigset_t signals;

	/* A CGI program may share its settings with a daemon that listens. */
	if (cgi_is_asked() && !listener_is_listening(STDIN_FILENO))
		return cgi_run(routes_handle, NULL);
	if (!own && !inherited) {
		log_error("nothing to listen on: set [server] listen_authorizer and "
			  "listen_responder in %s, or start it from a web server",
			set->path);
		return EXIT_FAILURE;
	}
	/* Blocked in every thread; the main one waits for them. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	/* Meant for somebody else's log, or another FastCGI library: no reason to die. */
	signal(SIGUSR1, SIG_IGN);
	if (!serve_enclose_calls(set))
		return EXIT_FAILURE;
	return own ? serve_listen(site, conf, &signals) : serve_inherited(site, conf, &signals);
}

static int serve_print_settings(const char *conf)
{
	char error[SERVE_ERROR_MAX] = "";
	struct settings *settings = settings_load(conf, error, sizeof error);

	if (!settings) {
		fprintf(stderr, "doorward: %s\n", error);
		return EXIT_FAILURE;
	}
	settings_print(settings, stdout);
	settings_free(settings);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct serve_options options = { 0 };
	char error[SERVE_ERROR_MAX] = "";
	int status;

	if (!serve_parse_options(argc, argv, &options, &status))
		return status;
	crypto_init();
	serve_protect();
	const char *conf = settings_path(options.conf);
	if (options.print_settings)
		return serve_print_settings(conf);
	if (serve_use(&options) != SITE_ONCE)
		serve_enclose_files(conf);
	struct site *site = site_load(conf, serve_use(&options), error, sizeof error);
	if (!site) {
		fprintf(stderr, "doorward: %s\n", error);
		return EXIT_FAILURE;
	}
	if (options.check) {
		printf("%s is right\n", conf);
		site_free(site);
		return EXIT_SUCCESS;
	}
	if (!serve_open_log(site->settings)) {
		site_free(site);
		return EXIT_FAILURE;
	}
	site_replace(site);
	status = serve_run(site, conf);
	site_replace(NULL);
	return status;
}
