/* The arguments behind a command's name. Options may stand anywhere among them; "--" ends the
 * options. An argument with one dash is none ("-", "-role", a session's handle). */
#ifndef DOORWARD_CTL_CTL_ARGS_H
#define DOORWARD_CTL_CTL_ARGS_H

#include <stdbool.h>
#include <stddef.h>

enum { CTL_ARGS_MAX = 64 };

enum ctl_args_kind {
	CTL_ARGS_WORD,
	CTL_ARGS_HANDLE, /* a session's handle, which may begin with two dashes */
	CTL_ARGS_DASH, /* nothing but "-": standard input */
};

/* What a command takes. --json and --help are always taken. */
struct ctl_args_spec {
	const char *options; /* names with a space between; those with a value end in '=' */
	size_t least, most; /* words */
	enum ctl_args_kind kind; /* of its words */
	const char *never; /* said of what is not taken: what must not be an argument; or NULL */
};

struct ctl_args_option {
	const char *name; /* as in the spec, without '=' */
	size_t name_len;
	const char *value; /* "" for an option without one */
};

struct ctl_args {
	const char *word[CTL_ARGS_MAX];
	size_t words;
	struct ctl_args_option option[CTL_ARGS_MAX];
	size_t options;
	bool json, help;
};

/* argv ends with NULL. False with a sentence in error, in which no argument is repeated that might
 * be a secret. */
bool ctl_args_parse(const struct ctl_args_spec *spec, char *const *argv, struct ctl_args *out,
	char *error, size_t error_size);
/* The value of the option's next occurrence from *from on, which is moved on; NULL behind the last.
 */
const char *ctl_args_next(const struct ctl_args *args, const char *name, size_t *from);
/* Its last one; NULL when it was not given. */
const char *ctl_args_value(const struct ctl_args *args, const char *name);

#endif
