#include "base/settings_line.h"

#include "base/encode.h"

#include <string.h>

/* Reads to the end of the line, keeps what fits; the length of all of it. */
static size_t read_text(struct settings_line *line, int *last)
{
	size_t len = 0;

	while ((*last = getc(line->file)) != EOF) {
		line->file_bytes++;
		if (*last == '\n' || line->file_bytes > SETTINGS_LINE_FILE_MAX)
			break;
		/* Indentation has no meaning. libinih would take an indented "b = 1" for a second
		 * line of the value above it. */
		if (len == 0 && (*last == ' ' || *last == '\t'))
			continue;
		if (len < SETTINGS_LINE_STORAGE - 1)
			line->text[len] = (char)*last;
		len++;
	}
	return len;
}

static bool has_control(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if ((c < ' ' && c != '\t') || c == 0x7f)
			return true;
	}
	return false;
}

static const char *what_is_wrong(const char *text, size_t len)
{
	if (len > SETTINGS_LINE_MAX)
		return "the line is too long: 197 bytes at most";
	if (has_control(text, len))
		return "the line holds a control character";
	return encode_is_utf8(text, len) ? NULL : "the line is not UTF-8";
}

bool settings_line_next(struct settings_line *line, const char **wrong)
{
	static const char mark[] = { '\xef', '\xbb', '\xbf' };
	int last;

	*wrong = NULL;
	if (line->file_bytes > SETTINGS_LINE_FILE_MAX)
		return false;
	size_t len = read_text(line, &last);
	if (last == EOF && len == 0)
		return false;
	line->number++;
	if (line->number == 1 && len >= sizeof(mark) &&
		memcmp(line->text, mark, sizeof(mark)) == 0) {
		len -= sizeof(mark);
		memmove(line->text, line->text + sizeof(mark),
			len < SETTINGS_LINE_STORAGE - 4 ? len : SETTINGS_LINE_STORAGE - 4);
	}
	if (len > 0 && len <= SETTINGS_LINE_MAX + 1 && line->text[len - 1] == '\r')
		len--;
	*wrong = line->file_bytes > SETTINGS_LINE_FILE_MAX ? "the file is larger than 1 MiB"
							   : what_is_wrong(line->text, len);
	line->text[*wrong ? 0 : len] = '\0';
	return true;
}
