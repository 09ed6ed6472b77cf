/* doorwardctl: the administrator's command. */
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "auth/password.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/settings.h"
#include "ctl/ctl.h"
#include "ctl/ctl_doctor.h"
#include "ctl/ctl_event.h"
#include "ctl/ctl_explain.h"
#include "ctl/ctl_http.h"
#include "ctl/ctl_import.h"
#include "ctl/ctl_key.h"
#include "ctl/ctl_output.h"
#include "ctl/ctl_session.h"
#include "ctl/ctl_stat.h"
#include "ctl/ctl_token.h"
#include "ctl/ctl_user.h"
#include "store/store.h"

enum { ADMIN_ERROR_MAX = 256, ADMIN_HELP_COLUMN = 44 };

static const char no_password_here[] =
	"A password is never an argument (every user of the machine could read it): it is asked for, or "
	"read from standard input";
static const char no_token_here[] =
	"A token is never an argument (every user of the machine could read it): it is read from standard "
	"input, '-' stands for that";

/* clang-format off */
static const struct ctl_command commands[] = {
	{ "user", "add", "NAME [--role ROLE]...", "make an account; the password is asked for",
		"    Without a terminal the password is one line of standard input.\n",
		{ "role=", 1, 1, CTL_ARGS_WORD, no_password_here }, CTL_USERS | CTL_PASSWORDS, ctl_user_add },
	{ "user", "passwd", "NAME", "set a new password; ends all sessions of the user", NULL,
		{ "", 1, 1, CTL_ARGS_WORD, no_password_here }, CTL_USERS | CTL_PASSWORDS, ctl_user_passwd },
	{ "user", "role", "NAME +ROLE|-ROLE...", "give or take away roles, from the next request on", NULL,
		{ "", 2, CTL_ARGS_MAX, CTL_ARGS_WORD, NULL }, CTL_USERS, ctl_user_role },
	{ "user", "disable", "NAME", "refuse the user from now on; ends all sessions", NULL,
		{ "", 1, 1, CTL_ARGS_WORD, NULL }, CTL_USERS, ctl_user_disable },
	{ "user", "enable", "NAME", "let the user sign in again", NULL,
		{ "", 1, 1, CTL_ARGS_WORD, NULL }, CTL_USERS, ctl_user_enable },
	{ "user", "delete", "NAME [--yes]", "remove the account; ends all sessions",
		"    Asks on a terminal, unless --yes.\n",
		{ "yes", 1, 1, CTL_ARGS_WORD, NULL }, CTL_USERS, ctl_user_delete },
	{ "user", "list", "", "all accounts", NULL,
		{ "", 0, 0, CTL_ARGS_WORD, NULL }, CTL_USERS, ctl_user_list },
	{ "user", "show", "NAME", "one account and its sessions", NULL,
		{ "", 1, 1, CTL_ARGS_WORD, NULL }, CTL_USERS, ctl_user_show },
	{ "user", "import", "FILE|- [--group-file FILE]", "accounts from an htpasswd file",
		"    Lines NAME:HASH; the groups of an Apache group file become roles. Lines that\n"
		"    cannot be used are named and left out (then the exit status is 1).\n",
		{ "group-file=", 1, 1, CTL_ARGS_WORD, NULL }, CTL_USERS, ctl_import_users },

	{ "session", "list", "[--user NAME]", "who is signed in, since when, from where", NULL,
		{ "user=", 0, 0, CTL_ARGS_WORD, NULL }, CTL_USERS, ctl_session_list },
	{ "session", "end", "HANDLE [--user NAME]", "end one session; with --user it is found faster", NULL,
		{ "user= all yes", 0, 1, CTL_ARGS_HANDLE, NULL }, CTL_USERS, ctl_session_end },
	{ "session", "end", "--user NAME", "end all sessions of a user", NULL,
		{ "user= all yes", 0, 1, CTL_ARGS_HANDLE, NULL }, CTL_USERS, ctl_session_end },
	{ "session", "end", "--all [--yes]", "sign everybody out",
		"    Asks on a terminal, unless --yes.\n",
		{ "user= all yes", 0, 1, CTL_ARGS_HANDLE, NULL }, CTL_USERS, ctl_session_end },

	{ "token", "decode", "-", "what is in an access token, and is it valid (0) or not (1)",
		"    The token comes from standard input.\n",
		{ "", 0, 1, CTL_ARGS_DASH, no_token_here }, CTL_STORE | CTL_KEYS, ctl_token_decode },
	{ "token", "deny", "-", "refuse one access token from now on; its session lives",
		"    The token comes from standard input.\n",
		{ "", 0, 1, CTL_ARGS_DASH, no_token_here }, CTL_STORE | CTL_KEYS, ctl_token_deny },

	{ "keys", "new", "[--alg RS256|ES256]", "make the first keys", NULL,
		{ "alg=", 0, 0, CTL_ARGS_WORD, NULL }, 0, ctl_key_new },
	{ "keys", "rotate", "[--in 10m] [--alg ALG]", "make the next keys, used from then on",
		"    Before then every machine needs the files and a reload; the old key goes on\n"
		"    verifying what it signed.\n",
		{ "in= alg=", 0, 0, CTL_ARGS_WORD, NULL }, CTL_STORE | CTL_KEYS, ctl_key_rotate },
	{ "keys", "retire", "KID", "remove a key that no longer signs", NULL,
		{ "", 1, 1, CTL_ARGS_WORD, NULL }, CTL_STORE | CTL_KEYS, ctl_key_retire },
	{ "keys", "list", "", "the keys, and which one signs now", NULL,
		{ "", 0, 0, CTL_ARGS_WORD, NULL }, CTL_KEYS, ctl_key_list },

	{ "explain", NULL, "[--uri URI] [--method M] [-]", "which decision a request gets, and why",
		"    With '-' reads from standard input what the client sends: an access token, a\n"
		"    Cookie header, or a refresh token (which is not used up). --agent TEXT and\n"
		"    --address IP say who sends it, for [session] bind. Nothing is changed. Exit\n"
		"    status 0: it would be let through, 1: it would not.\n",
		{ "uri= method= agent= address=", 0, 1, CTL_ARGS_DASH, no_token_here },
		CTL_USERS | CTL_KEYS | CTL_RULES, ctl_explain_request },
	{ "doctor", NULL, "[--user NAME] [--echo PATH] URL", "is the set-up of the live site safe? what to do about it",
		"    URL is the site, or a protected page of it; more of those: --path PATH. Without any,\n"
		"    those of [rules] and of the examples are tried. --user NAME looks at the site as\n"
		"    that user too, by a session of a few minutes; --echo PATH is a page that prints its\n"
		"    environment or request headers: can they be forged? --cacert FILE: whom to trust;\n"
		"    --http-port N: where plain http is; --accept CODE: a finding to live with. Nothing\n"
		"    is changed. Exit status 0: nothing found, 1: something.\n",
		{ "user= echo= path= cacert= http-port= accept=", 1, 1, CTL_ARGS_WORD, no_password_here }, 0,
		ctl_doctor_run },
	{ "unblock", NULL, "NAME", "forget failed sign-ins of a name that is locked out", NULL,
		{ "", 1, 1, CTL_ARGS_WORD, NULL }, CTL_STORE, ctl_user_unblock },
	{ "stats", NULL, "", "how many users and sessions, and the store's memory", NULL,
		{ "", 0, 0, CTL_ARGS_WORD, NULL }, CTL_USERS, ctl_stat_show },
	{ "events", NULL, "[--count N] [--follow]", "sign-ins, refusals, what administrators did",
		"    The last 50 or N; with --follow also what comes. --json: an object per line.\n",
		{ "count= follow", 0, 0, CTL_ARGS_WORD, NULL }, CTL_STORE, ctl_event_show },
};
/* clang-format on */

enum { COMMANDS = sizeof commands / sizeof *commands };

static const char usage[] = "usage: doorwardctl [-c FILE] [--json] COMMAND [ARGUMENT]...\n";
static const char notes[] =
	"  -c FILE   the settings (default: $DOORWARD_CONF, then /etc/doorward/doorward.conf)\n"
	"  --json    the answer as JSON; times are seconds since 1970\n"
	"  --help    behind a command: more about it\n"
	"  --version print the versions of doorwardctl and of its libraries\n"
	"\n"
	"Exit status: 0 done, 1 no, 2 wrong usage or settings, 3 Redis does not answer.\n"
	"See doorwardctl(8).\n";

static void print_command(FILE *out, const struct ctl_command *command, bool more)
{
	int used = fprintf(out, "  %s%s%s%s%s", command->noun, command->verb ? " " : "",
		command->verb ? command->verb : "", *command->arguments ? " " : "",
		command->arguments);

	fprintf(out, "%*s%s\n", used < ADMIN_HELP_COLUMN ? ADMIN_HELP_COLUMN - used : 2, "",
		command->help);
	if (more && command->more)
		fputs(command->more, out);
}

/* The commands of that noun and verb (NULL: any). */
static void print_commands(FILE *out, const char *noun, const char *verb, bool more)
{
	const struct ctl_command *before = NULL;

	for (const struct ctl_command *command = commands; command < commands + COMMANDS;
		command++) {
		if ((noun && strcmp(noun, command->noun) != 0) ||
			(verb && command->verb && strcmp(verb, command->verb) != 0))
			continue;
		/* An empty line between nouns; those without a verb stand together. */
		if (before && strcmp(before->noun, command->noun) != 0 &&
			(before->verb || command->verb))
			fputc('\n', out);
		print_command(out, command, more);
		before = command;
	}
}

static void print_help(void)
{
	printf("%s\nAdministers users, sessions and keys of doorward.\n\n", usage);
	print_commands(stdout, NULL, NULL, false);
	printf("\n%s", notes);
}

static int refuse_usage(const char *noun, const char *verb, const char *error)
{
	ctl_refuse("%s", error);
	fputs(usage, stderr);
	if (noun)
		print_commands(stderr, noun, verb, true);
	else
		fputs("try: doorwardctl --help\n", stderr);
	return CTL_USAGE;
}

static bool is_noun(const char *word)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(word, commands[i].noun) == 0)
			return true;
	return false;
}

/* NULL when there is none. */
static const struct ctl_command *find_command(const char *noun, const char *verb)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(noun, commands[i].noun) == 0 &&
			(!commands[i].verb || (verb && strcmp(verb, commands[i].verb) == 0)))
			return &commands[i];
	return NULL;
}

static enum ctl_status run(struct ctl *ctl, const char *conf)
{
	enum ctl_status status = ctl_open(ctl, settings_path(conf));

	if (status == CTL_OK) {
		status = ctl->command->run(ctl);
		if (status == CTL_USAGE)
			print_commands(stderr, ctl->command->noun, ctl->command->verb, true);
	}
	ctl_close(ctl);
	if (!ctl_output_end() && status == CTL_OK)
		status = CTL_NO;
	return status;
}

/* argv begins with the command. */
static int run_command(struct ctl *ctl, const char *conf, char **argv)
{
	const char *noun = argv[0], *verb = argv[1];
	char error[ADMIN_ERROR_MAX] = "";

	ctl->command = find_command(noun, verb);
	if (!ctl->command) {
		bool known = is_noun(noun);

		if (known && verb && strcmp(verb, "--help") == 0) {
			print_commands(stdout, noun, NULL, true);
			return CTL_OK;
		}
		if (known && !verb)
			snprintf(error, sizeof error, "which command of '%s'?", noun);
		else
			snprintf(error, sizeof error, "there is no command '%.40s%s%.40s'", noun,
				known ? " " : "", known ? verb : "");
		return refuse_usage(known ? noun : NULL, NULL, error);
	}
	argv += ctl->command->verb ? 2 : 1;
	if (!ctl_args_parse(&ctl->command->spec, argv, &ctl->args, error, sizeof error))
		return refuse_usage(noun, ctl->command->verb, error);
	if (ctl->args.help) {
		print_commands(stdout, noun, ctl->command->verb, true);
		return CTL_OK;
	}
	ctl->json = ctl->json || ctl->args.json;
	return (int)run(ctl, conf);
}

static void print_versions(void)
{
	printf("doorwardctl %s\n%s\n%s\n%s\n%s\n", DOORWARD_VERSION, crypto_version(),
		store_version(), password_version(), ctl_http_version());
}

/* No password may reach a core file, and no other process of this user may look inside. */
static void protect(void)
{
	static const struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

int main(int argc, char **argv)
{
	struct ctl ctl = { .json = false };
	const char *conf = NULL;

	(void)argc;
	protect();
	log_set_name("doorwardctl");
	log_open("stderr", LOG_FORMAT_TEXT, LOG_LEVEL_WARN);
	crypto_init();
	for (argv++; *argv && **argv == '-'; argv++) {
		const char *option = *argv;

		if (strcmp(option, "--json") == 0) {
			ctl.json = true;
		} else if (strcmp(option, "--help") == 0 || strcmp(option, "-h") == 0) {
			print_help();
			return CTL_OK;
		} else if (strcmp(option, "--version") == 0) {
			print_versions();
			return CTL_OK;
		} else if (strncmp(option, "-c", 2) == 0 && (option[2] || argv[1])) {
			conf = option[2] ? option + 2 : *++argv;
		} else {
			return refuse_usage(NULL, NULL,
				strcmp(option, "-c") == 0
					? "-c needs a file"
					: "this option is not known before the command");
		}
	}
	if (!*argv)
		return refuse_usage(NULL, NULL, "which command?");
	return run_command(&ctl, conf, argv);
}
