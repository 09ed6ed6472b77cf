/* The path that a request is judged by: one spelling for what the web server will serve, and the
 * patterns it is compared with. */
#ifndef DOORWARD_AUTH_PATH_H
#define DOORWARD_AUTH_PATH_H

#include <stdbool.h>

struct arena;

/* See rules_normalise. Once decoded, it must also mean the same if a program behind us decoded it
 * again (%252e) or cut ";..." off a part before resolving it (..;). */
const char *path_normalise(struct arena *arena, const char *request_uri);

/* '*' any run of characters, '?' one (a whole UTF-8 sequence); "/x/" followed by '*' also matches
 * "/x". The work is bounded by pattern times path. */
bool path_matches(const char *pattern, const char *path);
/* Why the pattern can match no normalised path, as a clause (static text); NULL: it can. */
const char *path_fault_of_pattern(const char *pattern);

#endif
