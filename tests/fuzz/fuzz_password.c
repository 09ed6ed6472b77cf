/* A stored hash, as an old file may have it; behind a line feed, a password. A hash matches only
 * what it was made of, whatever is wrong with it otherwise. Costs that a file can ask for are left
 * out: they only take time. */
#include "auth/apr1.h"
#include "auth/password.h"
#include "base/settings.h"
#include "fuzz/fuzz.h"

/* Of each form here, and not one matches a password of the inputs. */
static bool is_cheap(const char *hash)
{
	const char *rounds = strstr(hash, "rounds="), *memory = strstr(hash, "m=");
	const char *passes = strstr(hash, ",t="), *lanes = strstr(hash, ",p=");
	if (strncmp(hash, "$argon2", 7) == 0)
		return !memory || (strtoul(memory + 2, NULL, 10) <= 64 && passes &&
					  strtoul(passes + 3, NULL, 10) <= 3 && lanes &&
					  strtoul(lanes + 3, NULL, 10) <= 2);
	if (strncmp(hash, "$2", 2) == 0)
		return strlen(hash) < 7 || strncmp(hash + 4, "04$", 3) == 0;
	if (strncmp(hash, "$5$", 3) == 0 || strncmp(hash, "$6$", 3) == 0)
		return rounds && strtoul(rounds + 7, NULL, 10) <= 1000;
	return true;
}

static void start(void)
{
	static struct settings settings = { .server = { .responder_threads = 4 },
		.password = { .opslimit = 1, .memlimit_mb = 1, .max_parallel = 1 } };
	static bool started;
	if (!started)
		HOLDS(password_init(&settings));
	started = true;
}

static void judge_apr1(const char *hash, const char *password)
{
	char made[APR1_LEN + 1], again[APR1_LEN + 1];
	if (!apr1_make(hash, password, strlen(password), made))
		return;
	HOLDS(strlen(made) <= APR1_LEN && strncmp(made, "$apr1$", 6) == 0);
	HOLDS(apr1_make(made, password, strlen(password), again) && strcmp(made, again) == 0);
	HOLDS(password_verify(made, NULL, password, strlen(password)) == PASSWORD_OK ||
		strlen(password) > 511);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_parts parts = { data, data + size };
	char *hash = fuzz_part(&parts, '\n'), *password = fuzz_part(&parts, '\0');
	size_t len = strlen(password);

	fuzz_begin();
	start();
	bool known = password_is_known_form(hash);
	(void)password_is_outdated(hash);
	if (known && is_cheap(hash) && len <= PASSWORD_MAX_BYTES) {
		enum password_result result = password_verify(hash, NULL, password, len);
		HOLDS(result <= PASSWORD_FAULT && result != PASSWORD_BUSY);
		/* One more byte is another password, where the form reads that far. */
		char *other = malloc(len + 2);
		HOLDS(other != NULL);
		(void)snprintf(other, len + 2, "%sx", password);
		HOLDS(result != PASSWORD_OK ||
			password_verify(hash, NULL, other, len + 1) == PASSWORD_WRONG);
		free(other);
	}
	if (len <= APR1_PASSWORD_MAX)
		judge_apr1(hash, password);
	free(hash);
	free(password);
	return 0;
}
