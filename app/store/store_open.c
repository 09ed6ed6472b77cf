#include "store/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/settings.h"

struct store *store_open(
	const struct settings *settings, int64_t least_timeout_ms, char *error, size_t error_size)
{
	int64_t timeout_ms = settings->store.timeout_ms;
	struct store_config config = { .url = settings->store.url,
		.prefix = settings->store.prefix,
		.timeout_ms = timeout_ms > least_timeout_ms ? timeout_ms : least_timeout_ms };
	char *password = NULL;

	if (*settings->store.password_file) {
		password = settings_read_secret(settings->store.password_file, error, error_size);
		if (!password)
			return NULL;
	}
	config.password = password;
	struct store *store = store_new(&config, error, error_size);
	if (password)
		crypto_wipe(password, strlen(password));
	free(password);
	return store;
}
