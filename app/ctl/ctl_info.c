#include "ctl/ctl_info.h"

#include <string.h>

#include "base/arena.h"
#include "base/encode.h"

const char *ctl_info_text(struct arena *arena, const char *info, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = info; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, len) == 0 && line[len] == ':')
			return arena_strndup(
				arena, line + len + 1, strcspn(line + len + 1, "\r\n"));
	}
	return "";
}

int64_t ctl_info_int(struct arena *arena, const char *info, const char *name)
{
	long long number = 0;

	return encode_parse_uint(ctl_info_text(arena, info, name), 0, INT64_MAX, &number) ? number
											  : 0;
}
