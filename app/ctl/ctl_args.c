#include "ctl/ctl_args.h"

#include <stdio.h>
#include <string.h>

enum { HANDLE_LEN = 22 };

/* The option in the list "role= yes" whose name is the text up to '='; NULL when there is none. */
static const char *find_option(const char *list, const char *text, size_t len)
{
	while (*list) {
		size_t item = strcspn(list, " ");
		size_t name = strcspn(list, "= ");

		if (name == len && memcmp(list, text, len) == 0)
			return list;
		list += item + (list[item] == ' ');
	}
	return NULL;
}

static bool is_handle(const char *text)
{
	return strlen(text) == HANDLE_LEN &&
	       strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
		       HANDLE_LEN;
}

/* argv[0] is "--name", "--name=value" or "--name" "value". Returns how many it was, 0 when wrong.
 */
static size_t take_option(const struct ctl_args_spec *spec, char *const *argv, struct ctl_args *out,
	char *error, size_t error_size)
{
	const char *text = argv[0] + 2;
	size_t len = strcspn(text, "=");
	const char *option = find_option(spec->options ? spec->options : "", text, len);

	/* Only the name: somebody may have tried --password=... */
	if (!option || out->options == CTL_ARGS_MAX) {
		snprintf(error, error_size, "--%.*s is no option here%s%s",
			len > 30 ? 30 : (int)len, text, spec->never ? ". " : "",
			spec->never ? spec->never : "");
		return 0;
	}
	bool takes_value = option[len] == '=';
	struct ctl_args_option *slot = &out->option[out->options++];
	*slot = (struct ctl_args_option){ .name = option, .name_len = len, .value = "" };
	if (!takes_value && text[len] == '=') {
		snprintf(error, error_size, "--%.*s takes no value", (int)len, text);
		return 0;
	}
	if (!takes_value)
		return 1;
	slot->value = text[len] == '=' ? text + len + 1 : argv[1];
	if (!slot->value) {
		snprintf(error, error_size, "--%.*s needs a value", (int)len, text);
		return 0;
	}
	return text[len] == '=' ? 1 : 2;
}

static bool take_word(const struct ctl_args_spec *spec, const char *word, struct ctl_args *out,
	char *error, size_t error_size)
{
	bool foreign = spec->kind == CTL_ARGS_DASH && strcmp(word, "-") != 0;

	if (!foreign && out->words < spec->most && out->words < CTL_ARGS_MAX) {
		out->word[out->words++] = word;
		return true;
	}
	snprintf(error, error_size, "%s%s%s",
		foreign ? "only '-' can stand here" : "too many arguments", spec->never ? ". " : "",
		spec->never ? spec->never : "");
	return false;
}

bool ctl_args_parse(const struct ctl_args_spec *spec, char *const *argv, struct ctl_args *out,
	char *error, size_t error_size)
{
	bool options = true;

	while (*argv) {
		const char *text = *argv;
		size_t used = 1;

		if (options && strcmp(text, "--") == 0) {
			options = false;
		} else if (options && strcmp(text, "--json") == 0) {
			out->json = true;
		} else if (options && strcmp(text, "--help") == 0) {
			out->help = true;
		} else if (options && strncmp(text, "--", 2) == 0 &&
			   !(spec->kind == CTL_ARGS_HANDLE && is_handle(text))) {
			used = take_option(spec, argv, out, error, error_size);
		} else if (!take_word(spec, text, out, error, error_size)) {
			used = 0;
		}
		if (used == 0)
			return false;
		argv += used;
	}
	if (out->words < spec->least && !out->help) {
		snprintf(error, error_size, "an argument is missing");
		return false;
	}
	return true;
}

const char *ctl_args_next(const struct ctl_args *args, const char *name, size_t *from)
{
	while (*from < args->options) {
		const struct ctl_args_option *option = &args->option[(*from)++];

		if (option->name_len == strlen(name) &&
			memcmp(option->name, name, option->name_len) == 0)
			return option->value;
	}
	return NULL;
}

const char *ctl_args_value(const struct ctl_args *args, const char *name)
{
	const char *value, *last = NULL;
	size_t from = 0;

	while ((value = ctl_args_next(args, name, &from)) != NULL)
		last = value;
	return last;
}
