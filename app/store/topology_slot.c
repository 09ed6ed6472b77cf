/* The words of the cluster's protocol (redis.io, "Redis cluster specification"). */
#include "store/topology_own.h"

#include "base/encode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* CRC16/XMODEM, a nibble at a time. */
static unsigned crc16(const char *bytes, size_t len)
{
	static const uint16_t table[16] = { 0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5, 0x60c6,
		0x70e7, 0x8108, 0x9129, 0xa14a, 0xb16b, 0xc18c, 0xd1ad, 0xe1ce, 0xf1ef };
	unsigned crc = 0;
	for (size_t i = 0; i < len; i++) {
		unsigned byte = (unsigned char)bytes[i];
		crc = ((crc << 4) ^ table[(crc >> 12) ^ (byte >> 4)]) & 0xffff;
		crc = ((crc << 4) ^ table[(crc >> 12) ^ (byte & 15)]) & 0xffff;
	}
	return crc;
}

unsigned topology_slot(const char *key)
{
	const char *open = strchr(key, '{');
	const char *close = open ? strchr(open, '}') : NULL;
	/* {} is no tag. */
	if (close && close > open + 1)
		return crc16(open + 1, (size_t)(close - open - 1)) % TOPOLOGY_SLOTS;
	return crc16(key, strlen(key)) % TOPOLOGY_SLOTS;
}

const char *topology_key(const struct store_command *command)
{
	static const char *const keyless[] = { "PING", "TIME", "INFO", "SCAN", "MULTI", "EXEC",
		"WAIT", "CLIENT", "ROLE", "ECHO", "CONFIG", "CLUSTER", "SCRIPT", "DBSIZE" };
	if (command->script >= 0)
		return strcmp(command->argv[2], "0") != 0 ? command->argv[3] : NULL;
	for (size_t i = 0; i < sizeof(keyless) / sizeof(keyless[0]); i++)
		if (strcasecmp(command->argv[0], keyless[i]) == 0)
			return NULL;
	return command->argc > 1 ? command->argv[1] : NULL;
}

bool topology_parse_redirect(struct topology_redirect *out, const char *error)
{
	memset(out, 0, sizeof(*out));
	out->asking = strncmp(error, "ASK ", 4) == 0;
	if (!out->asking && strncmp(error, "MOVED ", 6) != 0)
		return false;
	char number[8] = "";
	const char *text = strchr(error, ' ') + 1;
	size_t len = strcspn(text, " ");
	long long slot;
	if (len >= sizeof(number) || text[len] != ' ')
		return false;
	memcpy(number, text, len);
	if (!encode_parse_uint(number, 0, TOPOLOGY_SLOTS - 1, &slot))
		return false;
	out->slot = (unsigned)slot;
	text += len + 1;
	/* The last colon: an IPv6 address stands there without brackets. */
	const char *colon = strrchr(text, ':');
	long long port;
	if (!colon || (size_t)(colon - text) >= sizeof(out->host) ||
		!encode_parse_uint(colon + 1, 1, 65535, &port))
		return false;
	memcpy(out->host, text, (size_t)(colon - text));
	(void)snprintf(out->port, sizeof(out->port), "%lld", port);
	return true;
}

long long topology_info(const char *info, const char *name)
{
	size_t len = strlen(name);
	for (const char *line = info; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, len) == 0 && line[len] == ':')
			return strtoll(line + len + 1, NULL, 10);
	}
	return -1;
}
