#include "auth/password.h"

#include <crypt.h>
#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/apr1.h"
#include "auth/gate.h"
#include "auth/weakness.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/settings.h"

enum {
	BCRYPT_MAX_BYTES = 72,
	ARGON2_SALT_TEXT = 22,
	ARGON2_HASH_BYTES = 32,
	ARGON2_HASH_TEXT = 43
};

/* What password_init set. */
static struct {
	pthread_mutex_t lock;
	unsigned long long opslimit;
	size_t memlimit;
	char decoy[crypto_pwhash_STRBYTES];
} state = { .lock = PTHREAD_MUTEX_INITIALIZER };

static pthread_once_t version_once = PTHREAD_ONCE_INIT;
static char version[64];
static atomic_uint_least64_t computed;

/* ---- the forms ---- */

enum form { FORM_ARGON2, FORM_BCRYPT, FORM_CRYPT, FORM_APR1, FORM_UNKNOWN };

static enum form password_form_of(const char *hash)
{
	static const struct {
		const char *prefix;
		enum form form;
	} forms[] = {
		{ "$argon2id$", FORM_ARGON2 },
		{ "$argon2i$", FORM_ARGON2 },
		{ "$2y$", FORM_BCRYPT },
		{ "$2b$", FORM_BCRYPT },
		{ "$2a$", FORM_BCRYPT },
		{ "$apr1$", FORM_APR1 },
		{ "$6$", FORM_CRYPT },
		{ "$5$", FORM_CRYPT },
		{ "$1$", FORM_CRYPT },
		{ "$y$", FORM_CRYPT },
	};

	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		if (strncmp(hash, forms[i].prefix, strlen(forms[i].prefix)) == 0)
			return forms[i].form;
	return FORM_UNKNOWN;
}

struct argon2 {
	unsigned long memory_kib, passes, lanes;
	const char *rest; /* from the salt on */
};

static bool password_read_number(const char **at, const char *before, unsigned long *out)
{
	size_t len = strlen(before);
	char *end = NULL;

	if (strncmp(*at, before, len) != 0 || (*at)[len] < '0' || (*at)[len] > '9')
		return false;
	*out = strtoul(*at + len, &end, 10);
	*at = end;
	return *out <= UINT32_MAX;
}

static bool password_read_argon2(const char *hash, struct argon2 *out)
{
	out->rest = hash;
	return password_read_number(&out->rest, "$argon2id$v=19$m=", &out->memory_kib) &&
	       password_read_number(&out->rest, ",t=", &out->passes) &&
	       password_read_number(&out->rest, ",p=", &out->lanes) && *out->rest++ == '$';
}

/* Salt and hash of the sizes that libsodium makes. */
static bool password_decode_argon2(const char *text, unsigned char salt[crypto_pwhash_SALTBYTES],
	unsigned char made[ARGON2_HASH_BYTES])
{
	const int variant = sodium_base64_VARIANT_ORIGINAL_NO_PADDING;
	size_t salt_len = 0, made_len = 0;

	return strlen(text) == ARGON2_SALT_TEXT + 1 + ARGON2_HASH_TEXT &&
	       text[ARGON2_SALT_TEXT] == '$' &&
	       sodium_base642bin(salt, crypto_pwhash_SALTBYTES, text, ARGON2_SALT_TEXT, NULL,
		       &salt_len, NULL, variant) == 0 &&
	       salt_len == crypto_pwhash_SALTBYTES &&
	       sodium_base642bin(made, ARGON2_HASH_BYTES, text + ARGON2_SALT_TEXT + 1,
		       ARGON2_HASH_TEXT, NULL, &made_len, NULL, variant) == 0 &&
	       made_len == ARGON2_HASH_BYTES;
}

/* Hashes with several lanes or other sizes, made elsewhere, and Argon2i: for these "no" and "out of
 * memory" cannot be told apart. */
static enum password_result password_verify_foreign_argon2(
	const char *hash, const char *password, size_t len)
{
	errno = 0;
	if (crypto_pwhash_str_verify(hash, password, len) == 0)
		return PASSWORD_OK;
	if (errno == EINVAL)
		return PASSWORD_WRONG;
	log_error("argon2: a hash that cannot be read");
	return PASSWORD_FAULT;
}

/* crypto_pwhash_str_verify() says "mismatch", errno included, when it had no memory: a failed
 * sign-in that nobody made. crypto_pwhash() tells the two apart. */
static enum password_result password_verify_argon2(
	const char *hash, const char *password, size_t len)
{
	unsigned char salt[crypto_pwhash_SALTBYTES], expected[ARGON2_HASH_BYTES];
	unsigned char made[ARGON2_HASH_BYTES];
	struct argon2 params;
	enum password_result result = PASSWORD_FAULT;

	if (!password_read_argon2(hash, &params) || params.lanes != 1 ||
		!password_decode_argon2(params.rest, salt, expected))
		return password_verify_foreign_argon2(hash, password, len);
	if (crypto_pwhash(made, sizeof made, password, len, salt, params.passes,
		    params.memory_kib * 1024, crypto_pwhash_ALG_ARGON2ID13) == 0)
		result = crypto_equal(made, expected, sizeof made) ? PASSWORD_OK : PASSWORD_WRONG;
	else
		log_error("argon2: %s", strerror(errno));
	crypto_wipe(made, sizeof made);
	return result;
}

/* text ends in a NUL and is at most CRYPT_MAX_PASSPHRASE_SIZE - 1 bytes. */
static enum password_result password_verify_crypt(const char *hash, const char *text)
{
	struct crypt_data *data = calloc(1, sizeof *data);
	enum password_result result = PASSWORD_FAULT;

	if (!data) {
		log_error("crypt: out of memory");
		return PASSWORD_FAULT;
	}
	const char *made = crypt_r(text, hash, data);
	/* A failure is NULL or begins with '*'. */
	if (made && *made == '$')
		result = strlen(made) == strlen(hash) && crypto_equal(made, hash, strlen(hash))
				 ? PASSWORD_OK
				 : PASSWORD_WRONG;
	else
		log_error("crypt: %s", strerror(errno));
	crypto_wipe(data, sizeof *data);
	free(data);
	return result;
}

static enum password_result password_verify_apr1(const char *hash, const char *text)
{
	char made[APR1_LEN + 1];

	if (!apr1_make(hash, text, strlen(text), made)) {
		log_error("apr1: a hash that cannot be read");
		return PASSWORD_FAULT;
	}
	return strlen(made) == strlen(hash) && crypto_equal(made, hash, strlen(hash))
		       ? PASSWORD_OK
		       : PASSWORD_WRONG;
}

/* The old forms end a password at a NUL, bcrypt at 72 bytes, libxcrypt at 511: what they would cut
 * never matches, after the same work as any other. */
static enum password_result password_verify_text(
	enum form form, const char *hash, const char *password, size_t len)
{
	char text[CRYPT_MAX_PASSPHRASE_SIZE] = "x";
	size_t max = form == FORM_BCRYPT ? BCRYPT_MAX_BYTES : sizeof text - 1;
	bool whole = len <= max && !memchr(password, '\0', len);

	if (whole) {
		memcpy(text, password, len);
		text[len] = '\0';
	}
	enum password_result result = form == FORM_APR1 ? password_verify_apr1(hash, text)
							: password_verify_crypt(hash, text);
	crypto_wipe(text, sizeof text);
	return result == PASSWORD_OK && !whole ? PASSWORD_WRONG : result;
}

static enum password_result password_verify_form(const char *hash, const char *password, size_t len)
{
	enum form form = password_form_of(hash);

	switch (form) {
	case FORM_ARGON2:
		return password_verify_argon2(hash, password, len);
	case FORM_BCRYPT:
	case FORM_CRYPT:
	case FORM_APR1:
		return password_verify_text(form, hash, password, len);
	case FORM_UNKNOWN:
		break;
	}
	return PASSWORD_FAULT;
}

/* ---- what others see ---- */

static bool password_compute(void (*work)(void *argument), void *argument, size_t bytes)
{
	bool ran = gate_run(work, argument, bytes);

	atomic_fetch_add(&computed, ran);
	return ran;
}

/* The hash of no password at all: whoever is compared with it costs the same work. It is random,
 * not computed, since a CGI program makes one for each request. */
static void password_write_decoy(
	char out[crypto_pwhash_STRBYTES], unsigned long long opslimit, size_t memlimit)
{
	const int variant = sodium_base64_VARIANT_ORIGINAL_NO_PADDING;
	unsigned char salt[crypto_pwhash_SALTBYTES], hash[ARGON2_HASH_BYTES];
	char salt_text[ARGON2_SALT_TEXT + 1], hash_text[ARGON2_HASH_TEXT + 1];

	randombytes_buf(salt, sizeof salt);
	randombytes_buf(hash, sizeof hash);
	sodium_bin2base64(salt_text, sizeof salt_text, salt, sizeof salt, variant);
	sodium_bin2base64(hash_text, sizeof hash_text, hash, sizeof hash, variant);
	snprintf(out, crypto_pwhash_STRBYTES, "$argon2id$v=19$m=%zu,t=%llu,p=1$%s$%s",
		memlimit / 1024, opslimit, salt_text, hash_text);
}

static void password_set_cost(const struct settings *settings)
{
	unsigned long long opslimit = (unsigned long long)settings->password.opslimit;
	size_t memlimit = (size_t)settings->password.memlimit_mb << 20;

	pthread_mutex_lock(&state.lock);
	state.opslimit = opslimit;
	state.memlimit = memlimit;
	password_write_decoy(state.decoy, opslimit, memlimit);
	pthread_mutex_unlock(&state.lock);
}

/* Those who compute and those who wait are never more than half of the threads that answer pages:
 * a flood of sign-ins leaves the others to refresh and sign-out. */
static int64_t password_waiters(const struct settings *settings)
{
	int64_t half = settings->server.responder_threads / 2;

	return half > settings->password.max_parallel ? half - settings->password.max_parallel : 0;
}

bool password_init(const struct settings *settings)
{
	if (sodium_init() < 0) {
		log_error("libsodium does not start");
		return false;
	}
	password_set_cost(settings);
	gate_set_places(settings->password.max_parallel, password_waiters(settings));
	return true;
}

/* Whole in itself, as gate_run wants it. */
struct verification {
	char hash[CRYPT_OUTPUT_SIZE]; /* "": of nobody */
	char against[CRYPT_OUTPUT_SIZE]; /* then this takes its place, */
	char decoy[crypto_pwhash_STRBYTES]; /* or this, where that cannot be read */
	char password[PASSWORD_MAX_BYTES];
	size_t len;
	enum password_result result;
};

/* Somebody's hash is the best decoy: its form and its cost are theirs. What comes out of it is
 * never an answer. */
static void password_verify_work(void *argument)
{
	struct verification *own = argument;
	enum password_result result = PASSWORD_FAULT;

	if (*own->hash) {
		own->result = password_verify_form(own->hash, own->password, own->len);
		return;
	}
	if (*own->against)
		result = password_verify_form(own->against, own->password, own->len);
	if (result == PASSWORD_FAULT)
		result = password_verify_form(own->decoy, own->password, own->len);
	own->result = result == PASSWORD_OK ? PASSWORD_WRONG : result;
}

static void password_take_hash(char out[CRYPT_OUTPUT_SIZE], const char *hash)
{
	if (hash && password_is_known_form(hash) && strlen(hash) < CRYPT_OUTPUT_SIZE)
		memcpy(out, hash, strlen(hash) + 1);
}

enum password_result password_verify(
	const char *hash, const char *like, const char *password, size_t len)
{
	struct verification own = { .len = len, .result = PASSWORD_FAULT };

	if (len > PASSWORD_MAX_BYTES)
		return PASSWORD_WRONG;
	password_take_hash(own.hash, hash);
	/* Nobody signs in by a hash that nobody can compute; from outside it is like no account. */
	if (hash && !*own.hash)
		log_warn("a password hash of a form that is not supported");
	password_take_hash(own.against, like);
	memcpy(own.password, password, len);
	pthread_mutex_lock(&state.lock);
	memcpy(own.decoy, state.decoy, sizeof own.decoy);
	pthread_mutex_unlock(&state.lock);
	bool ran = password_compute(password_verify_work, &own, sizeof own);
	enum password_result result = ran ? own.result : PASSWORD_BUSY;
	crypto_wipe(&own, sizeof own);
	return result;
}

struct making {
	char password[PASSWORD_MAX_BYTES];
	size_t len;
	unsigned long long opslimit;
	size_t memlimit;
	char hash[crypto_pwhash_STRBYTES];
	enum password_result result;
};

static void password_make_work(void *argument)
{
	struct making *own = argument;

	if (crypto_pwhash_str(own->hash, own->password, own->len, own->opslimit, own->memlimit) ==
		0)
		own->result = PASSWORD_OK;
	else
		log_error("argon2: %s", strerror(errno));
}

enum password_result password_make(const char *password, size_t len, char out[PASSWORD_HASH_MAX])
{
	struct making own = { .len = len, .result = PASSWORD_FAULT };

	if (len > PASSWORD_MAX_BYTES)
		return PASSWORD_FAULT;
	memcpy(own.password, password, len);
	pthread_mutex_lock(&state.lock);
	own.opslimit = state.opslimit;
	own.memlimit = state.memlimit;
	pthread_mutex_unlock(&state.lock);
	bool ran = password_compute(password_make_work, &own, sizeof own);
	enum password_result result = ran ? own.result : PASSWORD_BUSY;
	if (result == PASSWORD_OK)
		snprintf(out, PASSWORD_HASH_MAX, "%s", own.hash);
	crypto_wipe(&own, sizeof own);
	return result;
}

bool password_is_outdated(const char *hash)
{
	struct argon2 params;

	/* crypto_pwhash_str_needs_rehash() also says so of a stronger hash than set; that one
	 * stays. */
	if (!password_read_argon2(hash, &params))
		return true;
	pthread_mutex_lock(&state.lock);
	bool outdated = params.memory_kib < state.memlimit / 1024 || params.passes < state.opslimit;
	pthread_mutex_unlock(&state.lock);
	return outdated;
}

const char *password_weakness(const char *password, size_t len, const char *user_name)
{
	size_t chars = 0;

	for (size_t i = 0; i < len; i++)
		chars += ((unsigned char)password[i] & 0xc0) != 0x80;
	if (chars < PASSWORD_MIN_CHARS)
		return "The password is too short: it needs 15 characters.";
	if (len > PASSWORD_MAX_BYTES)
		return "The password is too long: 1024 bytes are the most.";
	return weakness_find(password, len, user_name);
}

bool password_is_known_form(const char *hash)
{
	return password_form_of(hash) != FORM_UNKNOWN;
}

uint64_t password_computed(void)
{
	return atomic_load(&computed);
}

static void password_make_version(void)
{
	snprintf(version, sizeof version, "libsodium %s, libxcrypt %s", sodium_version_string(),
		XCRYPT_VERSION_STR);
}

const char *password_version(void)
{
	pthread_once(&version_once, password_make_version);
	return version;
}
