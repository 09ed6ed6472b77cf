#include "http/blank.h"

bool blank_is(char c)
{
	return c == ' ' || c == '\t';
}

void blank_trim(const char **text, size_t *len)
{
	for (; *len > 0 && blank_is(**text); (*len)--)
		(*text)++;
	while (*len > 0 && blank_is((*text)[*len - 1]))
		(*len)--;
}
