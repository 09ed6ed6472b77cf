/* What makes a new password easy to guess, beyond being short. Only used where passwords are set;
 * no rule about kinds of characters (NIST SP 800-63B-4, 3.1.1.2). */
#ifndef DOORWARD_AUTH_WEAKNESS_H
#define DOORWARD_AUTH_WEAKNESS_H

#include <stddef.h>

/* NULL, or a sentence (static text). At most PASSWORD_MAX_BYTES. */
const char *weakness_find(const char *password, size_t len, const char *user_name);

#endif
