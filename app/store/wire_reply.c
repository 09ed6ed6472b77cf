/* Replies, as hiredis parses them: built in the arena as what our callers read, not as hiredis' own
 * tree of allocations to be copied. */
#include "store/wire_own.h"

#include "base/arena.h"

#include <hiredis/hiredis.h>
#include <stdio.h>

/* Of one exchange. A server that sends more is not our Redis. */
enum { ITEMS_MAX = 1 << 18, DEPTH_MAX = 7 };

/* hiredis 1.0 made this size_t. */
#if HIREDIS_MAJOR >= 1
typedef size_t item_count;
#else
typedef int item_count;
#endif

static const char too_long[] = "a reply that is too long";
static const char unknown_type[] = "a reply of an unknown type"; /* RESP3, never asked for */

/* For hiredis NULL is "out of memory", which ends the parsing; the reason is ours. */
static void *refuse(struct wire *wire, const char *why)
{
	wire->refused = why;
	return NULL;
}

/* Where the value of a task belongs: into the list that it is an item of (whose items are what
 * list_new returned), or on its own. NULL when there is no room for it in the arena. */
static struct store_value *place(const redisReadTask *task, size_t bytes)
{
	struct wire *wire = task->privdata;
	struct store_value *list = task->parent ? task->parent->obj : NULL;
	struct store_value *value = list ? list + task->idx : &wire->root;
	if (bytes > arena_left_bytes(wire->arena))
		return refuse(wire, too_long);
	*value = (struct store_value){ .type = STORE_NIL, .text = "" };
	return value;
}

/* The array is allocated by the number that the server announces, before any item is there. A
 * hostile one says *1000000000, or nests without end. */
static void *list_new(const redisReadTask *task, item_count count)
{
	struct wire *wire = task->privdata;
	int depth = 0;
	for (const redisReadTask *parent = task->parent; parent; parent = parent->parent)
		depth++;
	if (task->type != REDIS_REPLY_ARRAY)
		return refuse(wire, unknown_type);
	if (depth >= DEPTH_MAX)
		return refuse(wire, "a reply nested too deeply");
	if ((size_t)count > ITEMS_MAX - wire->items)
		return refuse(wire, "a reply of too many items");
	size_t bytes = (size_t)count * sizeof(struct store_value);
	struct store_value *value = place(task, bytes);
	if (!value)
		return NULL;
	wire->items += (size_t)count;
	struct store_value *items = arena_alloc(wire->arena, bytes);
	value->type = STORE_LIST;
	value->item = items;
	value->count = (size_t)count;
	return items;
}

static void *text_new(const redisReadTask *task, char *text, size_t len)
{
	struct wire *wire = task->privdata;
	struct store_value *value = place(task, len + 1);
	if (!value)
		return NULL;
	const char *copy = arena_strndup(wire->arena, text, len);
	switch (task->type) {
	case REDIS_REPLY_ERROR:
		wire->error = copy;
		return value;
	case REDIS_REPLY_STRING:
	case REDIS_REPLY_STATUS:
		value->type = STORE_TEXT;
		value->text = copy;
		value->len = len;
		return value;
	default:
		return refuse(wire, unknown_type);
	}
}

static void *integer_new(const redisReadTask *task, long long integer)
{
	struct store_value *value = place(task, 0);
	if (!value)
		return NULL;
	value->type = STORE_INT;
	value->integer = integer;
	return value;
}

static void *nil_new(const redisReadTask *task)
{
	return place(task, 0);
}

#if HIREDIS_MAJOR >= 1
static void *double_new(const redisReadTask *task, double number, char *text, size_t len)
{
	(void)number;
	(void)text;
	(void)len;
	return refuse(task->privdata, unknown_type);
}

static void *bool_new(const redisReadTask *task, int truth)
{
	(void)truth;
	return refuse(task->privdata, unknown_type);
}
#endif

static void leave_to_arena(void *value)
{
	(void)value;
}

bool wire_reply_init(struct wire *wire)
{
	static redisReplyObjectFunctions functions = {
		.createString = text_new,
		.createArray = list_new,
		.createInteger = integer_new,
		.createNil = nil_new,
#if HIREDIS_MAJOR >= 1
		.createDouble = double_new,
		.createBool = bool_new,
#endif
		.freeObject = leave_to_arena,
	};
	wire->reader = redisReaderCreate();
	if (!wire->reader)
		return false;
	wire->reader->fn = &functions;
	wire->reader->privdata = wire;
	return true;
}

static enum wire_result fail(struct wire_call *call, const char *why)
{
	(void)snprintf(call->why, sizeof(call->why), "%s", why);
	return WIRE_FAULT;
}

enum wire_result wire_feed(struct wire *wire, struct wire_call *call, const char *bytes, size_t len)
{
	return redisReaderFeed(wire->reader, bytes, len) == REDIS_OK
		       ? WIRE_OK
		       : fail(call, wire->reader->errstr);
}

enum wire_result wire_take_replies(struct wire *wire, struct wire_call *call,
	struct wire_reply *replies, size_t count, size_t *got)
{
	wire->arena = call->arena;
	while (*got < count) {
		void *whole = NULL;
		if (redisReaderGetReply(wire->reader, &whole) != REDIS_OK)
			return fail(call, wire->refused ? wire->refused : wire->reader->errstr);
		if (!whole)
			return WIRE_OK;
		replies[*got].value = wire->root;
		replies[*got].error = wire->error;
		wire->error = NULL;
		(*got)++;
	}
	return WIRE_OK;
}

bool wire_is_in_step(const struct wire *wire)
{
	return wire->out_sent == wire->out_len && wire->reader->pos == wire->reader->len;
}
