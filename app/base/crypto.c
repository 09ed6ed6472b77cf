#include "base/crypto.h"

#include "base/encode.h"
#include "base/log.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
	RSA_NEW_BITS = 3072,
	RSA_MIN_BITS = 2048,
	RSA_MAX_BITS = 8192, /* what crypto_jwk holds; longer ones only make verifying slow */
	EC_HALF_BYTES = 32,
};

/* Where it lacks memory OpenSSL says the same as of a signature that does not fit: whoever is
 * signed in would be refused. */
static void *had(void *memory, size_t len)
{
	if (!memory && len > 0)
		fatal("out of memory: OpenSSL");
	return memory;
}

static void *take(size_t len, const char *file, int line)
{
	(void)file;
	(void)line;
	return had(malloc(len), len);
}

static void *take_again(void *old, size_t len, const char *file, int line)
{
	(void)file;
	(void)line;
	return had(realloc(old, len), len);
}

static void give(void *memory, const char *file, int line)
{
	(void)file;
	(void)line;
	free(memory);
}

struct crypto_key {
	EVP_PKEY *pkey;
	enum crypto_alg alg;
	bool is_private;
};

/* Looked up once: OpenSSL 3 looks EVP_sha256() up by its name each time, which takes longer than
 * the digest of a name. */
static EVP_MD *sha256;

static void fetch_sha256(void)
{
	if (!(sha256 = EVP_MD_fetch(NULL, "SHA256", NULL)))
		fatal("OpenSSL has no SHA-256");
}

static const EVP_MD *sha256_kind(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, fetch_sha256);
	return sha256;
}

void crypto_init(void)
{
	if (CRYPTO_set_mem_functions(take, take_again, give) != 1)
		fatal("OpenSSL was used before it was set up");
	(void)sha256_kind();
}

static void digest(uint8_t *out, const EVP_MD *kind, const void *bytes, size_t len)
{
	if (EVP_Digest(bytes, len, out, NULL, kind, NULL) != 1)
		fatal("digest %s failed", EVP_MD_get0_name(kind));
}

void crypto_sha256(uint8_t out[CRYPTO_SHA256_BYTES], const void *bytes, size_t len)
{
	digest(out, sha256_kind(), bytes, len);
}

void crypto_md5(uint8_t out[CRYPTO_MD5_BYTES], const void *bytes, size_t len)
{
	digest(out, EVP_md5(), bytes, len);
}

void crypto_hmac_sha256(uint8_t out[CRYPTO_SHA256_BYTES], const void *key, size_t key_len,
	const void *bytes, size_t len)
{
	if (key_len > INT_MAX || !HMAC(sha256_kind(), key, (int)key_len, bytes, len, out, NULL))
		fatal("HMAC failed");
}

/* CRYPTO_memcmp goes byte by byte. What differs is gathered first in one block, without a branch
 * that knows it; then it judges that block and the rest. */
bool crypto_equal(const void *a, const void *b, size_t len)
{
	const unsigned char *left = a, *right = b;
	typedef uint64_t block_bytes __attribute__((vector_size(16)));
	static const block_bytes same;
	block_bytes differs = { 0 }, x, y;
	size_t at = 0;

	for (; at + sizeof(x) <= len; at += sizeof(x)) {
		memcpy(&x, left + at, sizeof(x));
		memcpy(&y, right + at, sizeof(y));
		differs |= x ^ y;
	}
	int block = CRYPTO_memcmp(&differs, &same, sizeof(differs));
	int rest = CRYPTO_memcmp(left + at, right + at, len - at);
	return (block | rest) == 0;
}

void crypto_wipe(void *bytes, size_t len)
{
	if (len > 0)
		explicit_bzero(bytes, len);
}

const char *crypto_version(void)
{
	return OpenSSL_version(OPENSSL_VERSION);
}

static struct crypto_key *key_new(EVP_PKEY *pkey, enum crypto_alg alg, bool is_private)
{
	struct crypto_key *key = malloc(sizeof(*key));
	if (!key)
		fatal("out of memory: a key");
	*key = (struct crypto_key){ .pkey = pkey, .alg = alg, .is_private = is_private };
	return key;
}

struct crypto_key *crypto_key_generate(enum crypto_alg alg)
{
	EVP_PKEY *pkey = alg == CRYPTO_RS256 ? EVP_RSA_gen(RSA_NEW_BITS) : EVP_EC_gen("P-256");
	if (!pkey)
		fatal("making a key for %s failed", crypto_alg_name(alg));
	return key_new(pkey, alg, true);
}

/* An encrypted PEM is not for us; without this OpenSSL would ask at the terminal. */
static int refuse_passphrase(char *out, int size, int for_writing, void *context)
{
	(void)out, (void)size, (void)for_writing, (void)context;
	return -1;
}

static EVP_PKEY *read_pem(const char *pem, size_t pem_len, bool *is_private)
{
	EVP_PKEY *pkey = NULL;
	BIO *in = pem_len > INT_MAX ? NULL : BIO_new_mem_buf(pem, (int)pem_len);
	if (!in)
		return NULL;
	pkey = PEM_read_bio_PrivateKey(in, NULL, refuse_passphrase, NULL);
	*is_private = pkey != NULL;
	if (!pkey && BIO_reset(in) == 1)
		pkey = PEM_read_bio_PUBKEY(in, NULL, refuse_passphrase, NULL);
	BIO_free(in);
	return pkey;
}

static bool has_text_param(const EVP_PKEY *pkey, const char *name, const char *expected)
{
	char text[64] = "";
	return EVP_PKEY_get_utf8_string_param(pkey, name, text, sizeof(text), NULL) == 1 &&
	       strcmp(text, expected) == 0;
}

static const char *find_fault_of_type(const EVP_PKEY *pkey, enum crypto_alg *alg)
{
	if (EVP_PKEY_is_a(pkey, "RSA")) {
		*alg = CRYPTO_RS256;
		if (EVP_PKEY_get_bits(pkey) < RSA_MIN_BITS)
			return "an RSA key needs at least 2048 bits";
		return EVP_PKEY_get_bits(pkey) > RSA_MAX_BITS
			       ? "an RSA key may have at most 8192 bits"
			       : NULL;
	}
	if (!EVP_PKEY_is_a(pkey, "EC"))
		return "only RSA and EC keys are used";
	*alg = CRYPTO_ES256;
	/* The parameters of a curve written out could differ from P-256 in a detail
	 * (CVE-2020-0601). */
	if (!has_text_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1") ||
		!has_text_param(pkey, OSSL_PKEY_PARAM_EC_ENCODING, "named_curve"))
		return "of the EC keys only those on the named curve P-256 are used";
	return NULL;
}

static bool verify(EVP_PKEY *pkey, const void *input, size_t input_len, const uint8_t *signature,
	size_t signature_len)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	if (!context)
		fatal("out of memory: verifying a signature");
	bool ok = EVP_DigestVerifyInit(context, NULL, sha256_kind(), NULL, pkey) == 1 &&
		  EVP_DigestVerify(context, signature, signature_len, input, input_len) == 1;
	EVP_MD_CTX_free(context);
	/* Errors stay in the thread's queue otherwise, for an unrelated call to find. */
	ERR_clear_error();
	return ok;
}

/* OpenSSL's own check of a pair proves RSA primes prime again, which takes a tenth of a second;
 * signing once shows the same of the two halves. */
static bool is_pair(EVP_PKEY *pkey)
{
	static const uint8_t input[] = "pair";
	uint8_t signature[RSA_MAX_BITS / 8];
	size_t len = sizeof(signature);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	if (!context)
		fatal("out of memory: checking a key");
	bool ok = EVP_DigestSignInit(context, NULL, sha256_kind(), NULL, pkey) == 1 &&
		  EVP_DigestSign(context, signature, &len, input, sizeof(input)) == 1;
	EVP_MD_CTX_free(context);
	return ok && verify(pkey, input, sizeof(input), signature, len);
}

/* Arithmetic: an exponent of 1, a point that is not on the curve, halves that do not match. */
static const char *find_fault_of_numbers(EVP_PKEY *pkey, bool is_private)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pkey, NULL);
	const char *fault = NULL;
	if (!context)
		fatal("out of memory: checking a key");
	if (EVP_PKEY_public_check(context) != 1)
		fault = "the numbers of the public key are not sound";
	else if (is_private && !is_pair(pkey))
		fault = "the private key does not match its public half";
	EVP_PKEY_CTX_free(context);
	return fault;
}

struct crypto_key *crypto_key_parse(const char *pem, size_t pem_len, const char **why)
{
	enum crypto_alg alg = CRYPTO_RS256;
	bool is_private = false;
	EVP_PKEY *pkey = read_pem(pem, pem_len, &is_private);
	const char *fault = pkey ? find_fault_of_type(pkey, &alg)
				 : "it is not an unencrypted private or public key in PEM";
	if (!fault)
		fault = find_fault_of_numbers(pkey, is_private);
	ERR_clear_error();
	if (fault) {
		*why = fault;
		EVP_PKEY_free(pkey);
		return NULL;
	}
	return key_new(pkey, alg, is_private);
}

void crypto_key_free(struct crypto_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->pkey);
	free(key);
}

enum crypto_alg crypto_key_alg(const struct crypto_key *key)
{
	return key->alg;
}

const char *crypto_alg_name(enum crypto_alg alg)
{
	return alg == CRYPTO_RS256 ? "RS256" : "ES256";
}

int crypto_key_bits(const struct crypto_key *key)
{
	return EVP_PKEY_get_bits(key->pkey);
}

bool crypto_key_is_private(const struct crypto_key *key)
{
	return key->is_private;
}

static bool write_pem(BIO *out, const struct crypto_key *key)
{
	if (!out)
		return false;
	if (key->is_private)
		return PEM_write_bio_PKCS8PrivateKey(out, key->pkey, NULL, NULL, 0, NULL, NULL) ==
		       1;
	return PEM_write_bio_PUBKEY(out, key->pkey) == 1;
}

char *crypto_key_to_pem(const struct crypto_key *key, size_t *len)
{
	/* Memory BIOs overwrite what they held when they are freed. */
	BIO *out = BIO_new(BIO_s_mem());
	char *bytes = NULL, *pem = NULL;
	if (!write_pem(out, key))
		fatal("writing a key as PEM failed");
	long bytes_len = BIO_get_mem_data(out, &bytes);
	*len = (size_t)bytes_len;
	pem = malloc(*len + 1);
	if (!pem)
		fatal("out of memory: a key as PEM");
	memcpy(pem, bytes, *len);
	pem[*len] = '\0';
	BIO_free(out);
	return pem;
}

/* The number in base64url: at least width_bytes long (EC coordinates, RFC 7518 section 6.2.1.2),
 * 0 for the shortest form (section 6.3.1). */
static bool write_number(char *out, size_t out_size, const struct crypto_key *key,
	const char *param, size_t width_bytes)
{
	uint8_t bytes[RSA_MAX_BITS / 8];
	BIGNUM *number = NULL;
	size_t len = width_bytes;
	bool ok = false;
	if (EVP_PKEY_get_bn_param(key->pkey, param, &number) != 1)
		goto out;
	if (len == 0)
		len = (size_t)BN_num_bytes(number);
	if (len > sizeof(bytes) || ENCODE_BASE64URL_LEN(len) >= out_size)
		goto out;
	if (BN_bn2binpad(number, bytes, (int)len) < 0)
		goto out;
	encode_base64url(out, bytes, len);
	ok = true;
out:
	BN_free(number);
	return ok;
}

bool crypto_key_jwk(const struct crypto_key *key, struct crypto_jwk *out)
{
	bool is_rsa = key->alg == CRYPTO_RS256;
	size_t width = is_rsa ? 0 : EC_HALF_BYTES;
	out->kty = is_rsa ? "RSA" : "EC";
	return write_number(out->n_or_x, sizeof(out->n_or_x), key,
		       is_rsa ? OSSL_PKEY_PARAM_RSA_N : OSSL_PKEY_PARAM_EC_PUB_X, width) &&
	       write_number(out->e_or_y, sizeof(out->e_or_y), key,
		       is_rsa ? OSSL_PKEY_PARAM_RSA_E : OSSL_PKEY_PARAM_EC_PUB_Y, width);
}

/* r || s to the DER that OpenSSL takes; it checks the range of both itself. The caller frees with
 * OPENSSL_free. */
static int es256_to_der(uint8_t **der, const uint8_t *signature)
{
	ECDSA_SIG *pair = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(signature, EC_HALF_BYTES, NULL);
	BIGNUM *s = BN_bin2bn(signature + EC_HALF_BYTES, EC_HALF_BYTES, NULL);
	if (!pair || !r || !s)
		fatal("out of memory: a signature");
	ECDSA_SIG_set0(pair, r, s);
	int der_len = i2d_ECDSA_SIG(pair, der);
	ECDSA_SIG_free(pair);
	return der_len;
}

bool crypto_verify(const struct crypto_key *key, const void *input, size_t input_len,
	const uint8_t *signature, size_t signature_len)
{
	if (key->alg == CRYPTO_RS256) {
		size_t modulus_len = (size_t)EVP_PKEY_get_size(key->pkey);
		return signature_len == modulus_len &&
		       verify(key->pkey, input, input_len, signature, signature_len);
	}
	uint8_t *der = NULL;
	if (signature_len != 2 * EC_HALF_BYTES)
		return false;
	int der_len = es256_to_der(&der, signature);
	bool ok = der_len > 0 && verify(key->pkey, input, input_len, der, (size_t)der_len);
	OPENSSL_free(der);
	return ok;
}
