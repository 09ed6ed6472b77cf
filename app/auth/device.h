/* A User-Agent in words: "Firefox on Linux". Short, so that it is cheap to keep in Redis and means
 * something to its owner. */
#ifndef DOORWARD_AUTH_DEVICE_H
#define DOORWARD_AUTH_DEVICE_H

enum { DEVICE_MAX = 40 };
/* The browser when nothing is known. */
#define DEVICE_UNKNOWN "A browser"

/* "BROWSER on SYSTEM", or BROWSER when the system is not known. Only ASCII letters, digits, spaces.
 */
void device_words(const char *agent, char out[DEVICE_MAX + 1]);

#endif
