#include "base/crypto.h"
#include "base/encode.h"
#include "check.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <pthread.h>
#include <stdlib.h>

/* The keys and signatures of RFC 7515 appendix A.2 and A.3. */
static const char rfc_rsa_pem[] =
	"-----BEGIN PUBLIC KEY-----\n"
	"MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAofgWCuLjybRlzo0tZWJj\n"
	"NiuSfb4p4fAkd/wWJcyQoTbji9k0l8W26mPddxHmfHQp+Vaw+4qPCJrcS2mJPMEz\n"
	"P1Pt0Bm4d4QlL+yRT+SFd2lZS+pCgNMsD1W/YpRPEwOWvG6b32690r2jZ47soMZo\n"
	"9wGzjb/7OMg0LOL+bSf63kpaSHSXndS5z5rexMdbBYUsLA9e+KXBdQOS+UTo7WTB\n"
	"EMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6/I5IhlJH7aGhyxX\n"
	"FvUK+DWNmoudF8NAco9/h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXp\n"
	"oQIDAQAB\n-----END PUBLIC KEY-----\n";
static const char rfc_rsa_n[] =
	"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0"
	"Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXnd"
	"S5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5Ihl"
	"JH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
static const char rfc_rs256_signature[] =
	"cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2"
	"Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjt"
	"QBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6"
	"IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
static const char rfc_ec_pem[] =
	"-----BEGIN PUBLIC KEY-----\n"
	"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n"
	"6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
	"-----END PUBLIC KEY-----\n";
static const char rfc_es256_signature[] =
	"DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
static const char rfc_rs256_input[] =
	"eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLm"
	"NvbS9pc19yb290Ijp0cnVlfQ";
static const char rfc_es256_input[] =
	"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLm"
	"NvbS9pc19yb290Ijp0cnVlfQ";

static struct crypto_key *rsa_key, *ec_key;

static void check_hex(const uint8_t *bytes, size_t len, const char *expected)
{
	char text[2 * 32 + 1];
	encode_hex(text, bytes, len);
	CHECK_TEXT(text, expected);
}

static void sha256_gives_the_vectors_of_fips_180(void)
{
	uint8_t out[CRYPTO_SHA256_BYTES];
	crypto_sha256(out, "abc", 3);
	check_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	crypto_sha256(out, NULL, 0);
	check_hex(out, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* RFC 1321 appendix A.5. */
static void md5_gives_the_vectors_of_rfc_1321(void)
{
	static const char *const vectors[][2] = {
		{ "", "d41d8cd98f00b204e9800998ecf8427e" },
		{ "a", "0cc175b9c0f1b6a831c399e269772661" },
		{ "abc", "900150983cd24fb0d6963f7d28e17f72" },
		{ "message digest", "f96b697d7cb7938d525a2f31aaf161d0" },
		{ "abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b" },
		{ "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
			"57edf4a22be3c955ac49da2e2107b67a" },
	};
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		uint8_t out[CRYPTO_MD5_BYTES];
		crypto_md5(out, vectors[i][0], strlen(vectors[i][0]));
		check_hex(out, 16, vectors[i][1]);
	}
}

static void check_hmac(const char *key, size_t key_len, const char *text, const char *expected)
{
	uint8_t out[CRYPTO_SHA256_BYTES];
	crypto_hmac_sha256(out, key, key_len, text, strlen(text));
	check_hex(out, 32, expected);
}

/* RFC 4231 section 4, the cases 1 to 4, 6 and 7 (5 is about cutting the result). */
static void hmac_gives_the_vectors_of_rfc_4231(void)
{
	char key[131], text[51] = "";
	memset(key, 0x0b, 20);
	check_hmac(key, 20, "Hi There",
		"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	check_hmac("Jefe", 4, "what do ya want for nothing?",
		"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	memset(text, 0xdd, 50);
	check_hmac(
		key, 20, text, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
	check_hmac(key, 131, "Test Using Larger Than Block-Size Key - Hash Key First",
		"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	check_hmac(key, 131,
		"This is a test using a larger than block-size key and a larger than block-size "
		"data. The key needs to be hashed before being used by the HMAC algorithm.",
		"9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
	for (int i = 0; i < 25; i++)
		key[i] = (char)(i + 1);
	memset(text, 0xcd, 50);
	check_hmac(
		key, 25, text, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
}

static void an_empty_key_of_an_hmac_is_a_key(void)
{
	check_hmac(NULL, 0, "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void equal_compares_all_bytes(void)
{
	CHECK(crypto_equal("abcd", "abcd", 4));
	CHECK(!crypto_equal("abcd", "abce", 4));
	CHECK(!crypto_equal("abcd", "xbcd", 4));
	CHECK(crypto_equal("abcd", "abce", 3));
	CHECK(crypto_equal("a", "b", 0));
	unsigned char one[200], other[200];
	memset(one, 'x', sizeof one);
	memset(other, 'x', sizeof other);
	for (size_t len = 1; len <= sizeof one; len++) {
		CHECK(crypto_equal(one, other, len));
		for (size_t at = 0; at < len; at++) {
			other[at] ^= (unsigned char)(1 << at % 8);
			CHECK(!crypto_equal(one, other, len));
			other[at] = 'x';
		}
	}
}

static void wipe_leaves_zeros_and_nothing_else_changed(void)
{
	char bytes[] = "abcdef";
	crypto_wipe(bytes + 1, 3);
	CHECK(memcmp(bytes, "a\0\0\0ef", 7) == 0);
	crypto_wipe(NULL, 0);
}

static void the_version_is_that_of_openssl(void)
{
	CHECK(strncmp(crypto_version(), "OpenSSL 3.", 10) == 0);
}

static bool verifies(const struct crypto_key *key, const char *input, const char *signature)
{
	uint8_t bytes[512];
	size_t len = 0;
	CHECK(encode_base64url_decode(bytes, sizeof(bytes), &len, signature, strlen(signature)));
	return crypto_verify(key, input, strlen(input), bytes, len);
}

static struct crypto_key *parse(const char *pem)
{
	const char *why = NULL;
	struct crypto_key *key = crypto_key_parse(pem, strlen(pem), &why);
	CHECK((key == NULL) == (why != NULL));
	return key;
}

static void the_signatures_of_rfc_7515_verify(void)
{
	struct crypto_key *rsa = parse(rfc_rsa_pem), *ec = parse(rfc_ec_pem);
	CHECK(verifies(rsa, rfc_rs256_input, rfc_rs256_signature));
	CHECK(verifies(ec, rfc_es256_input, rfc_es256_signature));
	CHECK(!verifies(rsa, rfc_es256_input, rfc_rs256_signature));
	CHECK(!verifies(ec, rfc_rs256_input, rfc_es256_signature));
	CHECK(!verifies(ec, rfc_rs256_input, rfc_rs256_signature));
	CHECK(!verifies(rsa, rfc_es256_input, rfc_es256_signature));
	CHECK(!crypto_key_is_private(rsa) && !crypto_key_is_private(ec));
	crypto_key_free(rsa);
	crypto_key_free(ec);
}

static void a_jwk_has_the_members_of_rfc_7515(void)
{
	struct crypto_key *rsa = parse(rfc_rsa_pem), *ec = parse(rfc_ec_pem);
	struct crypto_jwk jwk;
	CHECK(crypto_key_jwk(rsa, &jwk));
	CHECK_TEXT(jwk.kty, "RSA");
	CHECK_TEXT(jwk.n_or_x, rfc_rsa_n);
	CHECK_TEXT(jwk.e_or_y, "AQAB");
	CHECK(crypto_key_jwk(ec, &jwk));
	CHECK_TEXT(jwk.kty, "EC");
	CHECK_TEXT(jwk.n_or_x, "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU");
	CHECK_TEXT(jwk.e_or_y, "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
	crypto_key_free(rsa);
	crypto_key_free(ec);
}

/* One coordinate in 256 starts with a zero byte, which must not be left out. */
static void the_coordinates_of_a_jwk_are_always_32_bytes(void)
{
	for (int i = 0; i < 300; i++) {
		struct crypto_jwk jwk;
		struct crypto_key *key = crypto_key_generate(CRYPTO_ES256);
		CHECK(crypto_key_jwk(key, &jwk));
		CHECK_INT(strlen(jwk.n_or_x), 43);
		CHECK_INT(strlen(jwk.e_or_y), 43);
		crypto_key_free(key);
	}
}

static void made_keys_are_what_was_asked_for(void)
{
	CHECK(crypto_key_alg(rsa_key) == CRYPTO_RS256);
	CHECK_INT(crypto_key_bits(rsa_key), 3072);
	CHECK(crypto_key_is_private(rsa_key));
	CHECK(crypto_key_alg(ec_key) == CRYPTO_ES256);
	CHECK_INT(crypto_key_bits(ec_key), 256);
	CHECK(crypto_key_is_private(ec_key));
	CHECK_TEXT(crypto_alg_name(CRYPTO_RS256), "RS256");
	CHECK_TEXT(crypto_alg_name(CRYPTO_ES256), "ES256");
}

static void check_pem_comes_back(const struct crypto_key *key)
{
	size_t len = 0;
	char *pem = crypto_key_to_pem(key, &len);
	struct crypto_jwk before, after;
	CHECK_INT(strlen(pem), len);
	CHECK(strncmp(pem, "-----BEGIN PRIVATE KEY-----\n", 28) == 0);
	struct crypto_key *back = parse(pem);
	CHECK(back != NULL && crypto_key_is_private(back));
	CHECK(crypto_key_alg(back) == crypto_key_alg(key));
	CHECK(crypto_key_jwk(key, &before) && crypto_key_jwk(back, &after));
	CHECK_TEXT(after.n_or_x, before.n_or_x);
	CHECK_TEXT(after.e_or_y, before.e_or_y);
	crypto_key_free(back);
	crypto_wipe(pem, len);
	free(pem);
}

static void a_private_key_comes_back_from_its_pem(void)
{
	check_pem_comes_back(rsa_key);
	check_pem_comes_back(ec_key);
}

static void a_public_key_is_written_as_it_was_read(void)
{
	size_t len = 0;
	struct crypto_key *key = parse(rfc_rsa_pem);
	char *pem = crypto_key_to_pem(key, &len);
	CHECK_TEXT(pem, rfc_rsa_pem);
	free(pem);
	crypto_key_free(key);
}

/* From here on signatures and keys are made with OpenSSL itself. */

static EVP_PKEY *openssl_key_of(const struct crypto_key *key)
{
	size_t len = 0;
	char *pem = crypto_key_to_pem(key, &len);
	BIO *in = BIO_new_mem_buf(pem, (int)len);
	EVP_PKEY *pkey = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
	CHECK(pkey != NULL);
	BIO_free(in);
	free(pem);
	return pkey;
}

static size_t sign(
	const struct crypto_key *key, const EVP_MD *md, int rsa_padding, uint8_t signature[512])
{
	size_t len = 512;
	EVP_PKEY *pkey = openssl_key_of(key);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *options = NULL;
	CHECK(EVP_DigestSignInit(context, &options, md, NULL, pkey) == 1);
	if (rsa_padding)
		CHECK(EVP_PKEY_CTX_set_rsa_padding(options, rsa_padding) == 1);
	CHECK(EVP_DigestSign(context, signature, &len, (const uint8_t *)"input", 5) == 1);
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(pkey);
	return len;
}

static void der_to_raw(uint8_t raw[64], const uint8_t *der, size_t der_len)
{
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)der_len);
	CHECK(pair != NULL);
	CHECK(BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, 32) == 32);
	CHECK(BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + 32, 32) == 32);
	ECDSA_SIG_free(pair);
}

static bool input_verifies(const struct crypto_key *key, const uint8_t *signature, size_t len)
{
	return crypto_verify(key, "input", 5, signature, len);
}

static void an_rs256_signature_with_any_byte_changed_is_refused(void)
{
	uint8_t signature[512];
	size_t len = sign(rsa_key, EVP_sha256(), 0, signature);
	CHECK_INT(len, 384);
	CHECK(input_verifies(rsa_key, signature, len));
	CHECK(!crypto_verify(rsa_key, "Input", 5, signature, len));
	CHECK(!crypto_verify(rsa_key, "input", 4, signature, len));
	for (size_t i = 0; i < len; i++) {
		signature[i] ^= 1;
		CHECK(!input_verifies(rsa_key, signature, len));
		signature[i] ^= 1;
	}
	CHECK(input_verifies(rsa_key, signature, len));
}

static void an_rs256_signature_of_another_length_is_refused(void)
{
	uint8_t signature[512], longer[513] = { 0 };
	size_t len = sign(rsa_key, EVP_sha256(), 0, signature);
	memcpy(longer + 1, signature, len);
	CHECK(!input_verifies(rsa_key, longer, len + 1));
	CHECK(!input_verifies(rsa_key, signature, len - 1));
	CHECK(!input_verifies(rsa_key, signature, len + 1));
	CHECK(!input_verifies(rsa_key, signature, 0));
	CHECK(!input_verifies(rsa_key, NULL, 0));
}

static void other_digests_and_paddings_are_refused(void)
{
	uint8_t signature[512];
	size_t len = sign(rsa_key, EVP_sha512(), 0, signature);
	CHECK(!input_verifies(rsa_key, signature, len));
	len = sign(rsa_key, EVP_sha256(), RSA_PKCS1_PSS_PADDING, signature);
	CHECK(!input_verifies(rsa_key, signature, len));
}

static void an_es256_signature_with_any_byte_changed_is_refused(void)
{
	uint8_t der[512], raw[64];
	der_to_raw(raw, der, sign(ec_key, EVP_sha256(), 0, der));
	CHECK(input_verifies(ec_key, raw, 64));
	CHECK(!crypto_verify(ec_key, "Input", 5, raw, 64));
	for (size_t i = 0; i < 64; i++) {
		raw[i] ^= 1;
		CHECK(!input_verifies(ec_key, raw, 64));
		raw[i] ^= 1;
	}
	CHECK(input_verifies(ec_key, raw, 64));
}

static void an_es256_signature_in_der_or_of_another_length_is_refused(void)
{
	uint8_t der[512], raw[66] = { 0 };
	size_t der_len = sign(ec_key, EVP_sha256(), 0, der);
	CHECK(!input_verifies(ec_key, der, der_len));
	der_to_raw(raw + 1, der, der_len);
	CHECK(input_verifies(ec_key, raw + 1, 64));
	CHECK(!input_verifies(ec_key, raw + 1, 63));
	CHECK(!input_verifies(ec_key, raw + 1, 65));
	CHECK(!input_verifies(ec_key, raw, 65));
	CHECK(!input_verifies(ec_key, raw, 0));
	CHECK(!input_verifies(ec_key, NULL, 0));
}

/* CVE-2022-21449: r = s = 0 was taken as a valid signature of anything. */
static void r_and_s_out_of_range_are_refused(void)
{
	static const char order_hex[] =
		"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
	uint8_t order[32], der[512], good[64], raw[64];
	BIGNUM *n = NULL;
	BN_hex2bn(&n, order_hex);
	BN_bn2binpad(n, order, 32);
	BN_free(n);
	der_to_raw(good, der, sign(ec_key, EVP_sha256(), 0, der));
	memset(raw, 0, 64);
	CHECK(!input_verifies(ec_key, raw, 64));
	memcpy(raw, good, 32);
	CHECK(!input_verifies(ec_key, raw, 64));
	memcpy(raw + 32, order, 32);
	CHECK(!input_verifies(ec_key, raw, 64));
	memcpy(raw, order, 32);
	CHECK(!input_verifies(ec_key, raw, 64));
	memcpy(raw + 32, good + 32, 32);
	CHECK(!input_verifies(ec_key, raw, 64));
	memset(raw, 0, 32);
	CHECK(!input_verifies(ec_key, raw, 64));
	memset(raw, 0xff, 64);
	CHECK(!input_verifies(ec_key, raw, 64));
}

static void a_signature_by_another_key_is_refused(void)
{
	uint8_t der[512], raw[64];
	struct crypto_key *other = crypto_key_generate(CRYPTO_ES256);
	der_to_raw(raw, der, sign(other, EVP_sha256(), 0, der));
	CHECK(input_verifies(other, raw, 64));
	CHECK(!input_verifies(ec_key, raw, 64));
	crypto_key_free(other);
}

/* Takes over pkey; the reason why it is refused, or "(taken)". */
static const char *reason_to_refuse(EVP_PKEY *pkey, bool as_private)
{
	BIO *out = BIO_new(BIO_s_mem());
	char *pem = NULL;
	const char *why = "(taken)";
	CHECK(pkey != NULL);
	if (as_private)
		CHECK(PEM_write_bio_PrivateKey(out, pkey, NULL, NULL, 0, NULL, NULL) == 1);
	else
		CHECK(PEM_write_bio_PUBKEY(out, pkey) == 1);
	long len = BIO_get_mem_data(out, &pem);
	crypto_key_free(crypto_key_parse(pem, (size_t)len, &why));
	BIO_free(out);
	EVP_PKEY_free(pkey);
	return why;
}

static void rsa_keys_that_are_too_short_are_refused(void)
{
	CHECK_TEXT(
		reason_to_refuse(EVP_RSA_gen(1024), true), "an RSA key needs at least 2048 bits");
	CHECK_TEXT(
		reason_to_refuse(EVP_RSA_gen(2047), false), "an RSA key needs at least 2048 bits");
	CHECK_TEXT(reason_to_refuse(EVP_RSA_gen(2048), true), "(taken)");
	CHECK_TEXT(reason_to_refuse(EVP_RSA_gen(2048), false), "(taken)");
}

static void other_curves_and_types_are_refused(void)
{
	static const char curve[] = "of the EC keys only those on the named curve P-256 are used";
	static const char type[] = "only RSA and EC keys are used";
	CHECK_TEXT(reason_to_refuse(EVP_EC_gen("P-256"), false), "(taken)");
	CHECK_TEXT(reason_to_refuse(EVP_EC_gen("P-384"), true), curve);
	CHECK_TEXT(reason_to_refuse(EVP_EC_gen("secp256k1"), false), curve);
	CHECK_TEXT(reason_to_refuse(EVP_EC_gen("prime192v1"), true), curve);
	CHECK_TEXT(reason_to_refuse(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), true), type);
	CHECK_TEXT(reason_to_refuse(EVP_PKEY_Q_keygen(NULL, NULL, "X25519"), false), type);
}

static void a_curve_with_its_parameters_written_out_is_refused(void)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-256");
	CHECK(EVP_PKEY_set_utf8_string_param(pkey, OSSL_PKEY_PARAM_EC_ENCODING, "explicit") == 1);
	CHECK_TEXT(reason_to_refuse(pkey, false),
		"of the EC keys only those on the named curve P-256 are used");
}

/* Takes over build. */
static EVP_PKEY *key_from(const char *type, OSSL_PARAM_BLD *build, int selection)
{
	EVP_PKEY *pkey = NULL;
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	CHECK(EVP_PKEY_fromdata_init(context) == 1);
	CHECK(EVP_PKEY_fromdata(context, &pkey, selection, params) == 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(context);
	return pkey;
}

/* With the exponent 1 every padded digest is its own signature. */
static void an_rsa_exponent_of_one_is_refused(void)
{
	EVP_PKEY *good = openssl_key_of(rsa_key);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *n = NULL, *e = BN_new();
	BN_one(e);
	CHECK(EVP_PKEY_get_bn_param(good, OSSL_PKEY_PARAM_RSA_N, &n) == 1);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e);
	CHECK_TEXT(reason_to_refuse(key_from("RSA", build, EVP_PKEY_PUBLIC_KEY), false),
		"the numbers of the public key are not sound");
	BN_free(n);
	BN_free(e);
	EVP_PKEY_free(good);
}

static void a_private_key_with_the_public_half_of_another_is_refused(void)
{
	EVP_PKEY *one = openssl_key_of(ec_key), *other = EVP_EC_gen("P-256");
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *number = NULL;
	uint8_t point[65];
	size_t point_len = 0;
	CHECK(EVP_PKEY_get_bn_param(one, OSSL_PKEY_PARAM_PRIV_KEY, &number) == 1);
	CHECK(EVP_PKEY_get_octet_string_param(
		      other, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &point_len) == 1);
	OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, number);
	OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, point_len);
	CHECK_TEXT(reason_to_refuse(key_from("EC", build, EVP_PKEY_KEYPAIR), true),
		"the private key does not match its public half");
	BN_free(number);
	EVP_PKEY_free(one);
	EVP_PKEY_free(other);
}

static void text_that_is_no_key_is_refused(void)
{
	char broken[sizeof(rfc_rsa_pem)];
	memcpy(broken, rfc_rsa_pem, sizeof(broken));
	broken[60] = '!';
	CHECK(parse("") == NULL);
	CHECK(parse("hello") == NULL);
	CHECK(parse(broken) == NULL);
	CHECK(parse("-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n") == NULL);
	const char *why = NULL;
	CHECK(crypto_key_parse(rfc_rsa_pem, sizeof(rfc_rsa_pem) / 2, &why) == NULL);
	CHECK_TEXT(why, "it is not an unencrypted private or public key in PEM");
}

/* It must not ask for the passphrase at the terminal either: the test would hang. */
static void an_encrypted_key_is_refused(void)
{
	static char passphrase[] = "secret";
	EVP_PKEY *pkey = openssl_key_of(ec_key);
	BIO *out = BIO_new(BIO_s_mem());
	char *pem = NULL;
	const char *why = NULL;
	CHECK(PEM_write_bio_PKCS8PrivateKey(
		      out, pkey, EVP_aes_128_cbc(), NULL, 0, NULL, passphrase) == 1);
	long len = BIO_get_mem_data(out, &pem);
	CHECK(crypto_key_parse(pem, (size_t)len, &why) == NULL);
	CHECK_TEXT(why, "it is not an unencrypted private or public key in PEM");
	BIO_free(out);
	EVP_PKEY_free(pkey);
}

struct shared_check {
	const struct crypto_key *key;
	int failures;
};

static void *verify_with_the_shared_key(void *context)
{
	struct shared_check *check = context;
	uint8_t bytes[64];
	size_t len = 0;
	(void)encode_base64url_decode(
		bytes, sizeof(bytes), &len, rfc_es256_signature, strlen(rfc_es256_signature));
	for (int i = 0; i < 50; i++) {
		check->failures += !crypto_verify(
			check->key, rfc_es256_input, strlen(rfc_es256_input), bytes, len);
		check->failures += crypto_verify(check->key, "input", 5, bytes, len);
	}
	return NULL;
}

static void one_key_serves_several_threads(void)
{
	enum { THREADS = 4 };
	pthread_t threads[THREADS];
	struct shared_check checks[THREADS];
	struct crypto_key *key = parse(rfc_ec_pem);
	for (int i = 0; i < THREADS; i++) {
		checks[i] = (struct shared_check){ .key = key };
		CHECK(pthread_create(&threads[i], NULL, verify_with_the_shared_key, &checks[i]) ==
			0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		CHECK_INT(checks[i].failures, 0);
	}
	crypto_key_free(key);
}

static void freeing_no_key_does_nothing(void)
{
	crypto_key_free(NULL);
}

int main(void)
{
	rsa_key = crypto_key_generate(CRYPTO_RS256);
	ec_key = crypto_key_generate(CRYPTO_ES256);
	RUN(sha256_gives_the_vectors_of_fips_180);
	RUN(md5_gives_the_vectors_of_rfc_1321);
	RUN(hmac_gives_the_vectors_of_rfc_4231);
	RUN(an_empty_key_of_an_hmac_is_a_key);
	RUN(equal_compares_all_bytes);
	RUN(wipe_leaves_zeros_and_nothing_else_changed);
	RUN(the_version_is_that_of_openssl);
	RUN(the_signatures_of_rfc_7515_verify);
	RUN(a_jwk_has_the_members_of_rfc_7515);
	RUN(the_coordinates_of_a_jwk_are_always_32_bytes);
	RUN(made_keys_are_what_was_asked_for);
	RUN(a_private_key_comes_back_from_its_pem);
	RUN(a_public_key_is_written_as_it_was_read);
	RUN(an_rs256_signature_with_any_byte_changed_is_refused);
	RUN(an_rs256_signature_of_another_length_is_refused);
	RUN(other_digests_and_paddings_are_refused);
	RUN(an_es256_signature_with_any_byte_changed_is_refused);
	RUN(an_es256_signature_in_der_or_of_another_length_is_refused);
	RUN(r_and_s_out_of_range_are_refused);
	RUN(a_signature_by_another_key_is_refused);
	RUN(rsa_keys_that_are_too_short_are_refused);
	RUN(other_curves_and_types_are_refused);
	RUN(a_curve_with_its_parameters_written_out_is_refused);
	RUN(an_rsa_exponent_of_one_is_refused);
	RUN(a_private_key_with_the_public_half_of_another_is_refused);
	RUN(text_that_is_no_key_is_refused);
	RUN(an_encrypted_key_is_refused);
	RUN(one_key_serves_several_threads);
	RUN(freeing_no_key_does_nothing);
	crypto_key_free(rsa_key);
	crypto_key_free(ec_key);
	return check_result();
}
