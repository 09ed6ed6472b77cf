#include "store/store.h"

#include "base/arena.h"
#include "base/log.h"
#include "store/script.h"

#include <stdarg.h>

static void add_arg(struct store_command *command, const char *text)
{
	if (!text || command->argc == STORE_ARGS_MAX)
		fatal("%s for Redis: argument %zu is %s", command->argv[0], command->argc,
			text ? "one too many" : "missing");
	command->argv[command->argc++] = text;
}

static struct store_command new_command(bool repeatable, const char *name, va_list args)
{
	struct store_command command = { .repeatable = repeatable, .script = -1 };
	for (const char *text = name; text; text = va_arg(args, const char *))
		add_arg(&command, text);
	return command;
}

struct store_command store_read(const char *name, ...)
{
	va_list args;
	va_start(args, name);
	struct store_command command = new_command(true, name, args);
	va_end(args);
	return command;
}

struct store_command store_write(const char *name, ...)
{
	va_list args;
	va_start(args, name);
	struct store_command command = new_command(false, name, args);
	va_end(args);
	return command;
}

struct store_command store_call(enum store_script script, int keys, bool repeatable)
{
	static const char *const numbers[] = { "0", "1", "2", "3", "4", "5", "6", "7", "8", "9" };
	if (keys < 0 || keys >= (int)(sizeof(numbers) / sizeof(numbers[0])))
		fatal("%s.lua with %d keys", script_name(script), keys);
	/* argv[1], the SHA, is filled in when the command is sent. */
	return (struct store_command){ .argv = { "EVALSHA", "", numbers[keys] },
		.argc = 3,
		.repeatable = repeatable,
		.script = (int)script };
}

void store_arg(struct store_command *command, const char *text)
{
	add_arg(command, text);
}

void store_arg_int(struct store_command *command, struct arena *arena, int64_t number)
{
	add_arg(command, arena_int(arena, number));
}
