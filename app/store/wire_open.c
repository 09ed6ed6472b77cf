#include "store/wire.h"

#include "store/socket.h"

#include <stdio.h>

static enum wire_result sign_in(struct wire *wire, const struct target *target,
	const char *password, struct wire_call *call)
{
	struct store_command auth = { .argv = { "AUTH", password }, .argc = 2 };
	struct store_command auth_user = { .argv = { "AUTH", target->user, password }, .argc = 3 };
	struct store_command select = { .argv = { "SELECT", target->database }, .argc = 2 };
	const struct store_command *commands[2] = { NULL, NULL };
	struct wire_reply replies[2] = { { .error = NULL }, { .error = NULL } };
	size_t count = 0;
	if (password)
		commands[count++] = target->user[0] ? &auth_user : &auth;
	if (target->database[0])
		commands[count++] = &select;

	enum wire_result result = wire_exchange(wire, call, commands, replies, count);
	call->sent = false;
	for (size_t i = 0; i < count && result == WIRE_OK; i++)
		if (replies[i].error) {
			(void)snprintf(call->why, sizeof(call->why), "%s", replies[i].error);
			result = WIRE_FAULT;
		}
	return result;
}

enum wire_result wire_open(struct wire **out, const struct target *target,
	const struct wire_login *login, struct wire_call *call)
{
	struct wire *wire = NULL;
	int fd = socket_open(target, call->deadline, call->why, sizeof(call->why));
	if (fd < 0)
		return WIRE_UNREACHABLE;
	enum wire_result result = wire_attach(&wire, fd, login, call);
	if (result == WIRE_OK)
		result = sign_in(wire, target, login->password, call);
	if (result == WIRE_OK)
		*out = wire;
	else
		wire_close(wire);
	return result;
}
