#include "auth/apr1.h"

#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/crypto.h"

/* Steps and order are those of apr_md5_encode() in the Apache Portable Runtime, which are those of
 * FreeBSD's md5crypt with another magic. */

enum { SALT_MAX = 8, ROUNDS = 1000, WORK_MAX = 2 * APR1_PASSWORD_MAX + 64 };

static const char magic[] = "$apr1$";

struct apr1 {
	const char *password;
	size_t len;
	const char *salt;
	size_t salt_len;
};

/* What is digested is put together first: two passwords, a salt and a digest at most. */
static void apr1_digest(uint8_t out[CRYPTO_MD5_BYTES], const struct buf *work)
{
	crypto_md5(out, work->data, work->len);
}

static void apr1_begin(const struct apr1 *in, struct buf *work, uint8_t state[CRYPTO_MD5_BYTES])
{
	uint8_t twice[CRYPTO_MD5_BYTES];

	buf_clear(work);
	buf_add(work, in->password, in->len);
	buf_add(work, in->salt, in->salt_len);
	buf_add(work, in->password, in->len);
	apr1_digest(twice, work);

	buf_clear(work);
	buf_add(work, in->password, in->len);
	buf_add_text(work, magic);
	buf_add(work, in->salt, in->salt_len);
	for (size_t left = in->len; left > 0; left -= left > sizeof twice ? sizeof twice : left)
		buf_add(work, twice, left > sizeof twice ? sizeof twice : left);
	/* A NUL or the first character for each bit of the length: how md5crypt has always been. */
	for (size_t bits = in->len; bits > 0; bits >>= 1)
		buf_add(work, bits & 1 ? "" : in->password, 1);
	apr1_digest(state, work);
	crypto_wipe(twice, sizeof twice);
}

static void apr1_round(
	const struct apr1 *in, struct buf *work, unsigned round, uint8_t state[CRYPTO_MD5_BYTES])
{
	buf_clear(work);
	if (round & 1)
		buf_add(work, in->password, in->len);
	else
		buf_add(work, state, CRYPTO_MD5_BYTES);
	if (round % 3)
		buf_add(work, in->salt, in->salt_len);
	if (round % 7)
		buf_add(work, in->password, in->len);
	if (round & 1)
		buf_add(work, state, CRYPTO_MD5_BYTES);
	else
		buf_add(work, in->password, in->len);
	apr1_digest(state, work);
}

static void apr1_encode_bits(struct buf *out, unsigned long bits, int count)
{
	static const char alphabet[] =
		"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

	for (; count > 0; count--, bits >>= 6)
		buf_add_char(out, alphabet[bits & 63]);
}

static void apr1_encode(const struct apr1 *in, const uint8_t *state, char out[APR1_LEN + 1])
{
	struct buf text;

	buf_init_fixed(&text, out, APR1_LEN + 1);
	buf_add_text(&text, magic);
	buf_add(&text, in->salt, in->salt_len);
	buf_add_char(&text, '$');
	for (size_t i = 0; i < 5; i++)
		apr1_encode_bits(&text,
			(unsigned long)state[i] << 16 | (unsigned long)state[i + 6] << 8 |
				state[i == 4 ? 5 : i + 12],
			4);
	apr1_encode_bits(&text, state[11], 2);
}

bool apr1_make(const char *setting, const char *password, size_t len, char out[APR1_LEN + 1])
{
	char storage[WORK_MAX];
	uint8_t state[CRYPTO_MD5_BYTES];
	struct apr1 in = { .password = password, .len = len };
	struct buf work;

	if (len > APR1_PASSWORD_MAX || strncmp(setting, magic, sizeof magic - 1) != 0)
		return false;
	in.salt = setting + sizeof magic - 1;
	in.salt_len = strcspn(in.salt, "$");
	if (in.salt_len > SALT_MAX)
		return false;
	buf_init_fixed(&work, storage, sizeof storage);
	apr1_begin(&in, &work, state);
	for (unsigned round = 0; round < ROUNDS; round++)
		apr1_round(&in, &work, round, state);
	apr1_encode(&in, state, out);
	crypto_wipe(state, sizeof state);
	crypto_wipe(storage, sizeof storage);
	return buf_ok(&work);
}
