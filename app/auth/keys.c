#include "auth/keys.h"

#include "auth/keyfile.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { KEYS_MAX = 64, KEYS_MAC_TEXT_LEN = 2 * KEYS_MAC_BYTES, KEYS_RSA_ADVISED_BITS = 3072 };

struct signer {
	struct keys_sign public;
	struct crypto_key *key;
	char *pem;
};

/* Both lists oldest first. */
struct keys {
	struct signer sign[KEYS_MAX];
	size_t sign_count;
	struct keys_mac mac[KEYS_MAX];
	size_t mac_count;
};

static void wipe_and_free(char *bytes, size_t len)
{
	if (bytes)
		crypto_wipe(bytes, len);
	free(bytes);
}

void keys_free(struct keys *keys)
{
	if (!keys)
		return;
	for (size_t i = 0; i < keys->sign_count; i++) {
		crypto_key_free(keys->sign[i].key);
		wipe_and_free(keys->sign[i].pem, keys->sign[i].public.pem_len);
	}
	crypto_wipe(keys, sizeof(*keys));
	free(keys);
}

static bool parse_hex(uint8_t *out, const char *hex, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < len; i++) {
		const char *high = hex[2 * i] ? strchr(digits, hex[2 * i]) : NULL;
		const char *low = high && hex[2 * i + 1] ? strchr(digits, hex[2 * i + 1]) : NULL;
		if (!low)
			return false;
		out[i] = (uint8_t)((high - digits) << 4 | (low - digits));
	}
	return true;
}

static bool add_signer(struct keys *keys, const struct keyfile *file, struct crypto_key *key)
{
	if (keys->sign_count == KEYS_MAX || keys_find(keys, file->id, KEYS_KID_LEN)) {
		crypto_key_free(key);
		return false;
	}
	struct signer *signer = &keys->sign[keys->sign_count++];
	signer->key = key;
	signer->public = (struct keys_sign){ .from_sec = file->from_sec, .key = key };
	memcpy(signer->public.kid, file->id, KEYS_KID_LEN + 1);
	/* Written anew, so that libjwt sees one key in one form, whatever else the file holds. */
	if (crypto_key_is_private(key))
		signer->pem = crypto_key_to_pem(key, &signer->public.pem_len);
	signer->public.pem = signer->pem;
	return true;
}

static bool load_signer(const struct keyfile_dir *dir, const char *name, const struct keyfile *file,
	struct keys *keys)
{
	const char *why = "";
	size_t len = 0;
	char *pem = keyfile_read(dir, name, &len);
	if (!pem)
		return false;
	struct crypto_key *key = crypto_key_parse(pem, len, &why);
	wipe_and_free(pem, len);
	if (!key)
		return keyfile_refuse(dir, "%s/%s: %s", dir->path, name, why);
	if (!add_signer(keys, file, key))
		return keyfile_refuse(dir, "%s/%s: a second key %s, or more than %d keys",
			dir->path, name, file->id, KEYS_MAX);
	if (crypto_key_alg(key) == CRYPTO_RS256 && crypto_key_bits(key) < KEYS_RSA_ADVISED_BITS)
		log_warn("%s/%s: RSA of %d bits; %d are advised", dir->path, name,
			crypto_key_bits(key), KEYS_RSA_ADVISED_BITS);
	return true;
}

static bool load_mac(const struct keyfile_dir *dir, const char *name, const struct keyfile *file,
	struct keys *keys)
{
	struct keys_mac mac = { .from_sec = file->from_sec };
	size_t len = 0;
	char *text = keyfile_read(dir, name, &len);
	if (!text)
		return false;
	bool ok = (len == KEYS_MAC_TEXT_LEN ||
			  (len == KEYS_MAC_TEXT_LEN + 1 && text[len - 1] == '\n')) &&
		  parse_hex(mac.secret, text, KEYS_MAC_BYTES) &&
		  parse_hex(mac.id, file->id, KEYS_MAC_ID_BYTES);
	wipe_and_free(text, len);
	if (!ok)
		keyfile_refuse(dir, "%s/%s: not 32 bytes as %d lower-case hex digits", dir->path,
			name, KEYS_MAC_TEXT_LEN);
	else if (keys->mac_count == KEYS_MAX || keys_find_mac(keys, mac.id))
		ok = keyfile_refuse(dir, "%s/%s: a second key %s, or more than %d keys", dir->path,
			name, file->id, KEYS_MAX);
	else
		keys->mac[keys->mac_count++] = mac;
	crypto_wipe(&mac, sizeof(mac));
	return ok;
}

static bool load_file(const struct keyfile_dir *dir, const char *name, struct keys *keys)
{
	struct keyfile file;
	switch (keyfile_parse_name(name, &file)) {
	case KEYFILE_SIGN:
		return load_signer(dir, name, &file, keys);
	case KEYFILE_MAC:
		return load_mac(dir, name, &file, keys);
	case KEYFILE_MISNAMED:
		return keyfile_refuse(dir,
			"%s/%s: not a name of a key; expected is sign-YYYYMMDDTHHMMSSZ-<16 hex "
			"digits>.pem or mac-YYYYMMDDTHHMMSSZ-<8 hex digits>.key",
			dir->path, name);
	case KEYFILE_FOREIGN:
		return true;
	}
	return true;
}

static bool load_files(const struct keyfile_dir *dir, struct keys *keys)
{
	for (;;) {
		errno = 0;
		const struct dirent *entry = readdir(dir->stream);
		if (!entry && errno != 0)
			return keyfile_refuse(dir, "%s: %s", dir->path, strerror(errno));
		if (!entry)
			return true;
		if (!load_file(dir, entry->d_name, keys))
			return false;
	}
}

/* The id decides between two keys of one second, so that every node sorts alike. */
static int compare_signers(const void *a, const void *b)
{
	const struct keys_sign *left = &((const struct signer *)a)->public;
	const struct keys_sign *right = &((const struct signer *)b)->public;
	if (left->from_sec != right->from_sec)
		return left->from_sec < right->from_sec ? -1 : 1;
	return strcmp(left->kid, right->kid);
}

static int compare_macs(const void *a, const void *b)
{
	const struct keys_mac *left = a, *right = b;
	if (left->from_sec != right->from_sec)
		return left->from_sec < right->from_sec ? -1 : 1;
	return memcmp(left->id, right->id, KEYS_MAC_ID_BYTES);
}

static bool check_usable(const struct keyfile_dir *dir, const struct keys *keys)
{
	int64_t now = clock_now_sec();
	const struct keys_sign *sign = keys_signing_at(keys, now);
	const struct keys_mac *mac = keys_mac_at(keys, now);
	if (!sign || !mac)
		return keyfile_refuse(dir, "%s: no %s; run: doorwardctl keys new", dir->path,
			sign ? "MAC key" : "private signing key");
	if (sign->from_sec > now || mac->from_sec > now)
		return keyfile_refuse(dir,
			"%s: the first %s is for a later time; look at the clock, or run: doorwardctl "
			"keys new",
			dir->path, sign->from_sec > now ? "signing key" : "MAC key");
	return true;
}

struct keys *keys_load(const char *path, char *error, size_t error_size)
{
	struct keyfile_dir dir;
	struct keys *keys = NULL;
	if (!keyfile_open(&dir, path, error, error_size))
		return NULL;
	keys = calloc(1, sizeof(*keys));
	if (!keys)
		fatal("out of memory: the keys");
	bool ok = load_files(&dir, keys);
	qsort(keys->sign, keys->sign_count, sizeof(keys->sign[0]), compare_signers);
	qsort(keys->mac, keys->mac_count, sizeof(keys->mac[0]), compare_macs);
	ok = ok && check_usable(&dir, keys);
	keyfile_close(&dir);
	if (!ok) {
		keys_free(keys);
		keys = NULL;
	}
	return keys;
}

const struct keys_sign *keys_find(const struct keys *keys, const char *kid, size_t len)
{
	for (size_t i = 0; len == KEYS_KID_LEN && i < keys->sign_count; i++) {
		if (memcmp(keys->sign[i].public.kid, kid, KEYS_KID_LEN) == 0)
			return &keys->sign[i].public;
	}
	return NULL;
}

const struct keys_sign *keys_signing_at(const struct keys *keys, int64_t at_sec)
{
	const struct keys_sign *found = NULL;
	for (size_t i = 0; i < keys->sign_count; i++) {
		const struct keys_sign *sign = &keys->sign[i].public;
		if (sign->pem && (!found || sign->from_sec <= at_sec))
			found = sign;
	}
	return found;
}

const struct keys_mac *keys_find_mac(const struct keys *keys, const uint8_t id[KEYS_MAC_ID_BYTES])
{
	for (size_t i = 0; i < keys->mac_count; i++) {
		if (memcmp(keys->mac[i].id, id, KEYS_MAC_ID_BYTES) == 0)
			return &keys->mac[i];
	}
	return NULL;
}

const struct keys_mac *keys_mac_at(const struct keys *keys, int64_t at_sec)
{
	const struct keys_mac *found = NULL;
	for (size_t i = 0; i < keys->mac_count; i++) {
		if (!found || keys->mac[i].from_sec <= at_sec)
			found = &keys->mac[i];
	}
	return found;
}

size_t keys_count(const struct keys *keys)
{
	return keys->sign_count;
}

const struct keys_sign *keys_at(const struct keys *keys, size_t index)
{
	return index < keys->sign_count ? &keys->sign[index].public : NULL;
}

static struct json *jwk_of(const struct keys_sign *sign)
{
	struct crypto_jwk jwk;
	struct json *member = json_object();
	if (!crypto_key_jwk(sign->key, &jwk))
		fatal("the key %s cannot be written as a JWK", sign->kid);
	bool is_rsa = crypto_key_alg(sign->key) == CRYPTO_RS256;
	json_set(member, "kty", json_text(jwk.kty));
	json_set(member, "use", json_text("sig"));
	json_set(member, "alg", json_text(crypto_alg_name(crypto_key_alg(sign->key))));
	json_set(member, "kid", json_text(sign->kid));
	if (!is_rsa)
		json_set(member, "crv", json_text("P-256"));
	json_set(member, is_rsa ? "n" : "x", json_text(jwk.n_or_x));
	return json_set(member, is_rsa ? "e" : "y", json_text(jwk.e_or_y));
}

struct json *keys_jwks(const struct keys *keys)
{
	struct json *list = json_array();
	for (size_t i = 0; i < keys->sign_count; i++)
		json_add(list, jwk_of(&keys->sign[i].public));
	return json_set(json_object(), "keys", list);
}
