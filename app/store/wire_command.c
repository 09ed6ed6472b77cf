/* Commands as RESP, into the bytes that are to be sent. */
#include "store/wire_own.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/log.h"
#include "store/store.h"

enum { HEAD_MAX = 23 }; /* type, number, CR LF */

/* A new block, so that the old one can be wiped: realloc leaves a copy behind. */
static void grow_out(struct wire *wire, size_t more)
{
	size_t capacity = (wire->out_len + more) * 2;
	char *grown = malloc(capacity);
	if (!grown)
		fatal("out of memory: %zu bytes for Redis", capacity);
	if (wire->out && wire->out_len > 0) {
		memcpy(grown, wire->out, wire->out_len);
		crypto_wipe(wire->out, wire->out_len);
	}
	free(wire->out);
	wire->out = grown;
	wire->out_capacity = capacity;
}

/* A type, a number, CR LF: what every piece of RESP begins with. */
static char *put_head(char *at, char type, size_t number)
{
	char digits[20], *digit = digits + sizeof(digits);
	do
		*--digit = (char)('0' + number % 10);
	while ((number /= 10) > 0);
	*at++ = type;
	at = mempcpy(at, digit, (size_t)(digits + sizeof(digits) - digit));
	return mempcpy(at, "\r\n", 2);
}

/* An array of bulk strings, every argument with its length: no byte in it can end it or become a
 * command. hiredis writes the same, by printf, and for a check that takes longer than all the rest.
 */
void wire_add_command(struct wire *wire, const struct store_command *command)
{
	size_t len[STORE_ARGS_MAX], most = HEAD_MAX;
	for (size_t i = 0; i < command->argc; i++) {
		len[i] = strlen(command->argv[i]);
		most += HEAD_MAX + len[i] + 2;
	}
	if (!wire->out || most > wire->out_capacity - wire->out_len)
		grow_out(wire, most);
	char *at = put_head(wire->out + wire->out_len, '*', command->argc);
	for (size_t i = 0; i < command->argc; i++) {
		at = put_head(at, '$', len[i]);
		at = mempcpy(at, command->argv[i], len[i]);
		at = mempcpy(at, "\r\n", 2);
	}
	wire->out_len = (size_t)(at - wire->out);
}
