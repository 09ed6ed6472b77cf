/* What every command of doorwardctl has: its arguments, the program's parts that it asked for, and
 * how it ends. A command is one function in a file of its noun; app/admin.c lists them. */
#ifndef DOORWARD_CTL_CTL_H
#define DOORWARD_CTL_CTL_H

#include <stdbool.h>

#include "auth/auth.h"
#include "auth/user.h"
#include "ctl/ctl_args.h"

struct ctl;

/* The exit status. */
enum ctl_status {
	CTL_OK,
	CTL_NO, /* refused, or there is no such thing */
	CTL_USAGE, /* wrong arguments, or settings that cannot be read */
	CTL_UNAVAILABLE, /* the store does not answer */
};

/* Which parts a command uses. The settings are always there. */
enum {
	CTL_STORE = 1,
	CTL_USERS = 2 /* and the store */,
	CTL_KEYS = 4,
	CTL_RULES = 8,
	CTL_PASSWORDS = 16
};

struct ctl_command {
	const char *noun, *verb; /* verb NULL: the noun alone is the command */
	const char *arguments; /* for the usage line */
	const char *help; /* what it does, in a few words */
	const char *more; /* what else must be known, lines indented by four; NULL: nothing */
	struct ctl_args_spec spec;
	unsigned parts;
	enum ctl_status (*run)(struct ctl *ctl);
};

struct ctl {
	const struct ctl_command *command;
	struct ctl_args args;
	bool json;
	struct auth auth;
	struct settings *settings;
	struct caller caller; /* its arena is the whole run's */
};

/* What could not be loaded has been said. The caller ends it with ctl_close in any case. */
enum ctl_status ctl_open(struct ctl *ctl, const char *conf_path);
void ctl_close(struct ctl *ctl);

/* A new deadline for the next few store calls. Each of them is bounded by itself as well. */
void ctl_renew(struct ctl *ctl);
/* The same for a walk over everybody, as long as it may take. */
void ctl_renew_for_walk(struct ctl *ctl);

/* "doorwardctl: ..." on standard error; always CTL_NO. */
enum ctl_status ctl_refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* What to say after a ..._FAULT: whether the store answers at all. */
enum ctl_status ctl_fault(struct ctl *ctl);
/* The user of that name as typed; says so when there is none. */
enum ctl_status ctl_find_user(struct ctl *ctl, const char *typed, struct user *out);
/* True, and said, when users come from a file: then most of them cannot be changed here. */
bool ctl_users_are_elsewhere(const struct ctl *ctl);

/* What was done, for the log and the stream; user, handle and detail may be NULL. */
void ctl_audit(struct ctl *ctl, const char *event, const struct user *user, const char *handle,
	const char *detail);
/* Only for the log: where the store need not be there. */
void ctl_audit_log(struct ctl *ctl, const char *event, const char *detail);

#endif
