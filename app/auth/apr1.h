/* Apache's $apr1$ password hash (a thousand rounds of MD5), which libxcrypt does not know. For
 * verifying old htpasswd files only. */
#ifndef DOORWARD_AUTH_APR1_H
#define DOORWARD_AUTH_APR1_H

#include <stdbool.h>
#include <stddef.h>

enum { APR1_LEN = 6 + 8 + 1 + 22, APR1_PASSWORD_MAX = 1024 };

/* The encoded hash of the password with the salt of `setting` (a hash or "$apr1$SALT"). False when
 * setting is no such thing or the password is too long. */
bool apr1_make(const char *setting, const char *password, size_t len, char out[APR1_LEN + 1]);

#endif
