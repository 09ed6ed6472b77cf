#include "store/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/settings.h"

/* NULL when no file is named. False when it cannot be read. */
static bool read_secret(const char *path, char **out, char *error, size_t error_size)
{
	*out = *path ? settings_read_secret(path, error, error_size) : NULL;
	return *out || !*path;
}

static void free_secret(char *secret)
{
	if (secret)
		crypto_wipe(secret, strlen(secret));
	free(secret);
}

struct store *store_open(
	const struct settings *settings, int64_t least_timeout_ms, char *error, size_t error_size)
{
	int64_t timeout_ms = settings->store.timeout_ms;
	struct store *store = NULL;
	struct store_config config = { .url = settings->store.url,
		.sentinel_user = settings->store.sentinel_user,
		.tls = { .ca_file = settings->store.tls_ca_file,
			.cert_file = settings->store.tls_cert_file,
			.key_file = settings->store.tls_key_file },
		.prefix = settings->store.prefix,
		.timeout_ms = timeout_ms > least_timeout_ms ? timeout_ms : least_timeout_ms };
	char *password = NULL, *sentinel_password = NULL;

	if (read_secret(settings->store.password_file, &password, error, error_size) &&
		read_secret(settings->store.sentinel_password_file, &sentinel_password, error,
			error_size)) {
		config.password = password;
		config.sentinel_password = sentinel_password;
		store = store_new(&config, error, error_size);
	}
	free_secret(password);
	free_secret(sentinel_password);
	return store;
}
