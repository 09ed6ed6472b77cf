/* The administrator's half of keys.h: what changes the directory. */
#include "auth/keys.h"

#include "auth/keyfile.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/random.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAC_TEXT_LEN = 2 * KEYS_MAC_BYTES };

static void set_new_id(struct keyfile *file, size_t bytes)
{
	uint8_t random[KEYS_KID_LEN / 2];
	random_bytes(random, sizeof(random));
	encode_hex(file->id, random, bytes);
}

static bool write_key(
	const struct keyfile_dir *dir, const struct keyfile *file, const char *text, size_t len)
{
	char name[KEYFILE_NAME_SIZE];
	if (!keyfile_format_name(file, name))
		return keyfile_refuse(dir, "a key cannot begin at %lld seconds since 1970",
			(long long)file->from_sec);
	return keyfile_write(dir, name, text, len);
}

/* Without a word when there is none: what went wrong before has its sentence already. */
static void remove_key(const struct keyfile_dir *dir, const struct keyfile *file)
{
	char name[KEYFILE_NAME_SIZE];
	if (file->id[0] != '\0' && keyfile_format_name(file, name))
		unlinkat(dirfd(dir->stream), name, 0);
}

static bool make_mac(const struct keyfile_dir *dir, struct keyfile *file)
{
	uint8_t secret[KEYS_MAC_BYTES];
	char text[MAC_TEXT_LEN + 2];
	random_bytes(secret, sizeof(secret));
	encode_hex(text, secret, sizeof(secret));
	text[MAC_TEXT_LEN] = '\n';
	set_new_id(file, KEYS_MAC_ID_BYTES);
	bool ok = write_key(dir, file, text, MAC_TEXT_LEN + 1);
	crypto_wipe(secret, sizeof(secret));
	crypto_wipe(text, sizeof(text));
	return ok;
}

static bool make_signer(const struct keyfile_dir *dir, enum crypto_alg alg, struct keyfile *file)
{
	size_t len = 0;
	struct crypto_key *key = crypto_key_generate(alg);
	char *pem = crypto_key_to_pem(key, &len);
	set_new_id(file, KEYS_KID_LEN / 2);
	bool ok = write_key(dir, file, pem, len);
	crypto_wipe(pem, len);
	free(pem);
	crypto_key_free(key);
	return ok;
}

/* NOLINTNEXTLINE(readability-function-size): six parameters, two of them for the sentence. */
bool keys_make(const char *path, enum crypto_alg alg, int64_t from_sec,
	char kid_out[KEYS_KID_LEN + 1], char *error, size_t error_size)
{
	struct keyfile_dir dir;
	struct keyfile mac = { .kind = KEYFILE_MAC, .from_sec = from_sec };
	struct keyfile sign = { .kind = KEYFILE_SIGN, .from_sec = from_sec };
	if (mkdir(path, 0700) != 0 && errno != EEXIST) {
		snprintf(error, error_size, "cannot make %s: %s", path, strerror(errno));
		return false;
	}
	if (!keyfile_open(&dir, path, error, error_size))
		return false;
	bool ok = make_mac(&dir, &mac) && make_signer(&dir, alg, &sign);
	if (ok && kid_out)
		memcpy(kid_out, sign.id, KEYS_KID_LEN + 1);
	/* Both or none: who runs the command again must not leave keys that nobody asked for. */
	if (!ok)
		remove_key(&dir, &mac);
	keyfile_close(&dir);
	return ok;
}

static bool remove_signer(const struct keyfile_dir *dir, const struct keys *keys, const char *kid)
{
	struct keyfile file = { .kind = KEYFILE_SIGN };
	char name[KEYFILE_NAME_SIZE];
	const struct keys_sign *sign = keys_find(keys, kid, strlen(kid));
	if (!sign)
		return keyfile_refuse(dir, "%s: no signing key %s", dir->path, kid);
	if (sign == keys_signing_at(keys, clock_now_sec()))
		return keyfile_refuse(dir,
			"%s is the key that signs now; first run: doorwardctl keys rotate", kid);
	file.from_sec = sign->from_sec;
	memcpy(file.id, sign->kid, sizeof(file.id));
	return keyfile_format_name(&file, name) && keyfile_remove(dir, name);
}

bool keys_retire(const char *path, const char *kid, char *error, size_t error_size)
{
	struct keyfile_dir dir;
	struct keys *keys = keys_load(path, error, error_size);
	bool ok = false;
	if (!keys)
		return false;
	if (keyfile_open(&dir, path, error, error_size)) {
		ok = remove_signer(&dir, keys, kid);
		keyfile_close(&dir);
	}
	keys_free(keys);
	return ok;
}
