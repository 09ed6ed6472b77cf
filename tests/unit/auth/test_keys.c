#include "check.h"

#include "auth/keyfile.h"
#include "auth/keys.h"
#include "base/clock.h"
#include "base/json.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char base[] = "/tmp/doorward-keys-XXXXXX";
static char dir[80], error[1024], path[400];
static int dirs_made;

/* Every test works in a directory of its own. */
static void start(void)
{
	snprintf(dir, sizeof(dir), "%s/%d", base, ++dirs_made);
	CHECK_INT(mkdir(dir, 0700), 0);
	error[0] = '\0';
}

static void write_file(const char *name, const char *text, mode_t mode)
{
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *out = fopen(path, "w");
	fputs(text, out);
	fclose(out);
	chmod(path, mode);
}

static bool make(enum crypto_alg alg, int64_t from, char kid[KEYS_KID_LEN + 1])
{
	return keys_make(dir, alg, from, kid, error, sizeof(error));
}

/* A directory that loads. */
static void start_with_keys(char kid[KEYS_KID_LEN + 1])
{
	start();
	CHECK(make(CRYPTO_ES256, clock_now_sec() - 1000, kid));
}

static struct keys *load(void)
{
	error[0] = '\0';
	return keys_load(dir, error, sizeof(error));
}

/* Refused, with all of these words in the sentence. */
static bool is_refused(const char *word, const char *other_word)
{
	struct keys *keys = load();
	bool ok = !keys && strstr(error, word) && strstr(error, other_word);
	if (!ok)
		fprintf(stderr, "loaded %d, error <%s>, expected <%s> <%s>\n", keys != NULL, error,
			word, other_word);
	keys_free(keys);
	return ok;
}

/* The name of the only file with that beginning and end; "" if there is none. */
static const char *find_name(const char *prefix)
{
	static char found[80];
	DIR *stream = opendir(dir);
	found[0] = '\0';
	for (struct dirent *entry; (entry = readdir(stream));) {
		if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0)
			snprintf(found, sizeof(found), "%.79s", entry->d_name);
	}
	closedir(stream);
	return found;
}

static int count_files(void)
{
	int count = 0;
	DIR *stream = opendir(dir);
	for (struct dirent *entry; (entry = readdir(stream));)
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(stream);
	return count;
}

static mode_t mode_of(const char *name)
{
	struct stat info = { 0 };
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	CHECK_INT(stat(path, &info), 0);
	return info.st_mode & 07777;
}

static char *read_whole(const char *name)
{
	static char text[20000];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *in = fopen(path, "r");
	text[in ? fread(text, 1, sizeof(text) - 1, in) : 0] = '\0';
	if (in)
		fclose(in);
	return text;
}

/* Takes over pkey. */
static const char *pem_of(EVP_PKEY *pkey, bool as_private, const EVP_CIPHER *cipher)
{
	static char text[20000];
	BIO *out = BIO_new(BIO_s_mem());
	char *bytes;
	if (as_private)
		PEM_write_bio_PKCS8PrivateKey(out, pkey, cipher, "secret", 6, NULL, NULL);
	else
		PEM_write_bio_PUBKEY(out, pkey);
	long len = BIO_get_mem_data(out, &bytes);
	snprintf(text, sizeof(text), "%.*s", (int)len, bytes);
	BIO_free(out);
	EVP_PKEY_free(pkey);
	return text;
}

static const char sign_name[] = "sign-20200102T030405Z-0123456789abcdef.pem";
static const char mac_name[] = "mac-20200102T030405Z-01234567.key";
static const char secret[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/* ---- making and loading ---- */

static void new_keys_load_and_are_found(void)
{
	char kid[KEYS_KID_LEN + 1] = "";
	int64_t from = clock_now_sec() - 5;
	start();
	rmdir(dir);
	CHECK(make(CRYPTO_RS256, from, kid));
	CHECK_INT(strspn(kid, "0123456789abcdef"), KEYS_KID_LEN);
	struct keys *keys = load();
	CHECK_TEXT(error, "");
	CHECK(keys != NULL);
	if (!keys)
		return;
	const struct keys_sign *sign = keys_find(keys, kid, strlen(kid));
	CHECK(sign && sign->from_sec == from && sign->pem && strlen(sign->pem) == sign->pem_len);
	CHECK(sign && crypto_key_alg(sign->key) == CRYPTO_RS256);
	CHECK(sign && crypto_key_bits(sign->key) >= 3072);
	CHECK_INT(keys_count(keys), 1);
	CHECK(keys_at(keys, 0) == sign && !keys_at(keys, 1));
	const struct keys_mac *mac = keys_mac_at(keys, from);
	CHECK(mac && keys_find_mac(keys, mac->id) == mac && mac->from_sec == from);
	keys_free(keys);
}

static void new_files_are_private_whole_and_alone(void)
{
	start();
	rmdir(dir);
	mode_t old = umask(0);
	CHECK(make(CRYPTO_ES256, 0, NULL));
	umask(old);
	CHECK_INT(mode_of(""), 0700);
	CHECK_INT(mode_of(find_name("sign-19700101T000000Z-")), 0600);
	CHECK_INT(mode_of(find_name("mac-19700101T000000Z-")), 0600);
	CHECK_INT(count_files(), 2);
	CHECK_INT(strlen(read_whole(find_name("mac-"))), 65);
}

static void two_calls_make_different_keys(void)
{
	char first[KEYS_KID_LEN + 1], second[KEYS_KID_LEN + 1];
	start_with_keys(first);
	CHECK(make(CRYPTO_ES256, clock_now_sec() - 1000, second));
	CHECK(strcmp(first, second) != 0);
	CHECK_INT(count_files(), 4);
	struct keys *keys = load();
	CHECK(keys && keys_count(keys) == 2);
	CHECK(keys && strcmp(keys_at(keys, 0)->pem, keys_at(keys, 1)->pem) != 0);
	keys_free(keys);
}

static void a_moment_without_a_four_digit_year_is_refused(void)
{
	start();
	CHECK(!make(CRYPTO_ES256, -1, NULL));
	CHECK(strstr(error, "-1"));
	CHECK(!make(CRYPTO_ES256, 253402300800, NULL));
	CHECK(!make(CRYPTO_ES256, INT64_MAX, NULL));
	CHECK_INT(count_files(), 0);
	CHECK(make(CRYPTO_ES256, 253402300799, NULL));
}

/* The limit on the size of files stands for a full disk: the MAC key fits, the signing key not. */
static void a_disk_that_is_full_leaves_nothing_behind(void)
{
	struct rlimit old, small;
	start();
	getrlimit(RLIMIT_FSIZE, &old);
	small = old;
	small.rlim_cur = 100;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &small);
	CHECK(!make(CRYPTO_ES256, 0, NULL));
	setrlimit(RLIMIT_FSIZE, &old);
	CHECK(strstr(error, "cannot write") && strstr(error, "File too large"));
	CHECK_INT(count_files(), 0);
}

static void keys_cannot_be_made_below_a_missing_directory(void)
{
	start();
	snprintf(dir + strlen(dir), sizeof(dir) - strlen(dir), "/no/such");
	CHECK(!make(CRYPTO_ES256, 0, NULL));
	CHECK(strstr(error, dir) && strstr(error, "No such file"));
}

static void without_directory_or_keys_the_sentence_says_what_to_run(void)
{
	start();
	CHECK(is_refused(dir, "doorwardctl keys new"));
	rmdir(dir);
	CHECK(is_refused(dir, "doorwardctl keys new"));
	dir[0] = '\0';
	CHECK(is_refused("No such file", "doorwardctl keys new"));
}

static void a_signing_key_and_a_mac_key_are_both_needed(void)
{
	start_with_keys(NULL);
	snprintf(path, sizeof(path), "%s/%s", dir, find_name("mac-"));
	unlink(path);
	CHECK(is_refused(dir, "no MAC key"));
	start_with_keys(NULL);
	snprintf(path, sizeof(path), "%s/%s", dir, find_name("sign-"));
	unlink(path);
	CHECK(is_refused(dir, "no private signing key"));
}

static void keys_for_later_alone_are_refused(void)
{
	start();
	CHECK(make(CRYPTO_ES256, clock_now_sec() + 1000, NULL));
	CHECK(is_refused("later", "signing key"));
	clock_shift_sec(1001);
	struct keys *keys = load();
	CHECK(keys != NULL);
	keys_free(keys);
	clock_shift_sec(0);
}

/* ---- J11: who may read, and what is no key of ours ---- */

static void a_file_with_any_permission_for_others_is_refused(void)
{
	static const mode_t modes[] = { 0640, 0604, 0660, 0610, 0602, 0644, 0666, 0601, 0777 };
	static const char *const kinds[] = { "sign-", "mac-" };
	for (size_t kind = 0; kind < 2; kind++) {
		start_with_keys(NULL);
		char file[200], advice[220];
		snprintf(file, sizeof(file), "%.80s/%.79s", dir, find_name(kinds[kind]));
		snprintf(advice, sizeof(advice), "chmod 600 %.199s", file);
		for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
			char mode[8];
			snprintf(mode, sizeof(mode), "%04o", (unsigned)modes[i]);
			chmod(file, modes[i]);
			CHECK(is_refused(advice, mode));
		}
		chmod(file, 0400);
		struct keys *keys = load();
		CHECK(keys != NULL);
		keys_free(keys);
	}
}

static void a_directory_that_others_may_write_to_is_refused(void)
{
	start_with_keys(NULL);
	chmod(dir, 0770);
	CHECK(is_refused("chmod go-w", dir));
	chmod(dir, 0702);
	CHECK(is_refused("chmod go-w", dir));
	CHECK(!make(CRYPTO_ES256, 0, NULL));
	chmod(dir, 0755);
	struct keys *keys = load();
	CHECK(keys != NULL);
	keys_free(keys);
}

static void what_is_not_a_key_is_refused(void)
{
	static const char *const texts[] = { "", "x", "-----BEGIN PRIVATE KEY-----\n",
		"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" };
	start_with_keys(NULL);
	char whole[4000];
	snprintf(whole, sizeof(whole), "%s", read_whole(find_name("sign-")));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		write_file(sign_name, texts[i], 0600);
		CHECK(is_refused(sign_name, "PEM"));
	}
	whole[strlen(whole) / 2] = '\0';
	write_file(sign_name, whole, 0600);
	CHECK(is_refused(sign_name, "PEM"));
	write_file(sign_name, pem_of(EVP_EC_gen("P-256"), true, EVP_aes_128_cbc()), 0600);
	CHECK(is_refused(sign_name, "unencrypted"));
}

static void weak_rsa_and_other_curves_are_refused(void)
{
	start_with_keys(NULL);
	write_file(sign_name, pem_of(EVP_RSA_gen(1024), true, NULL), 0600);
	CHECK(is_refused(sign_name, "2048"));
	write_file(sign_name, pem_of(EVP_RSA_gen(1024), false, NULL), 0600);
	CHECK(is_refused(sign_name, "2048"));
	write_file(sign_name, pem_of(EVP_EC_gen("P-384"), true, NULL), 0600);
	CHECK(is_refused(sign_name, "P-256"));
	write_file(sign_name, pem_of(EVP_EC_gen("secp256k1"), true, NULL), 0600);
	CHECK(is_refused(sign_name, "P-256"));
	write_file(sign_name, pem_of(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), true, NULL), 0600);
	CHECK(is_refused(sign_name, "RSA and EC"));
	write_file(sign_name, pem_of(EVP_RSA_gen(2048), true, NULL), 0600);
	struct keys *keys = load();
	CHECK(keys != NULL);
	keys_free(keys);
}

/* The private number of one key with the point of another. */
static EVP_PKEY *mismatched(void)
{
	EVP_PKEY *one = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256"), *result = NULL;
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *number = NULL;
	unsigned char point[80];
	size_t point_len = 0;
	EVP_PKEY_get_bn_param(one, OSSL_PKEY_PARAM_PRIV_KEY, &number);
	EVP_PKEY_get_octet_string_param(
		other, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &point_len);
	OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, number);
	OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, point_len);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_fromdata_init(context);
	CHECK_INT(EVP_PKEY_fromdata(context, &result, EVP_PKEY_KEYPAIR, params), 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	BN_free(number);
	EVP_PKEY_CTX_free(context);
	EVP_PKEY_free(one);
	EVP_PKEY_free(other);
	return result;
}

static void a_private_key_with_another_public_half_is_refused(void)
{
	start_with_keys(NULL);
	write_file(sign_name, pem_of(mismatched(), true, NULL), 0600);
	CHECK(is_refused(sign_name, "match"));
}

static void a_mac_key_is_64_hex_digits(void)
{
	char text[80];
	start_with_keys(NULL);
	write_file(mac_name, secret, 0600);
	struct keys *keys = load();
	static const uint8_t id[KEYS_MAC_ID_BYTES] = { 0x01, 0x23, 0x45, 0x67 };
	const struct keys_mac *mac = keys ? keys_find_mac(keys, id) : NULL;
	CHECK(mac && mac->secret[0] == 0 && mac->secret[31] == 0x1f);
	keys_free(keys);

	static const char *const endings[] = { "0", "\n\n", "\r\n", " ", "00" };
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		snprintf(text, sizeof(text), "%s%s", secret, endings[i]);
		write_file(mac_name, text, 0600);
		CHECK(is_refused(mac_name, "hex"));
	}
	for (size_t len = 0; len < 64; len += 21) {
		snprintf(text, sizeof(text), "%.*s", (int)len, secret);
		write_file(mac_name, text, 0600);
		CHECK(is_refused(mac_name, "hex"));
	}
	for (size_t i = 0; i < 64; i += 21) {
		snprintf(text, sizeof(text), "%s", secret);
		text[i] = 'A';
		write_file(mac_name, text, 0600);
		CHECK(is_refused(mac_name, "hex"));
		text[i] = 'g';
		write_file(mac_name, text, 0600);
		CHECK(is_refused(mac_name, "hex"));
	}
}

static void what_only_looks_like_a_file_is_refused(void)
{
	start_with_keys(NULL);
	snprintf(path, sizeof(path), "%s/%s", dir, sign_name);
	CHECK_INT(mkfifo(path, 0600), 0);
	CHECK(is_refused(sign_name, "not a file"));
	unlink(path);
	CHECK_INT(mkdir(path, 0700), 0);
	CHECK(is_refused(sign_name, "not a file"));
	rmdir(path);
	CHECK_INT(symlink("nowhere", path), 0);
	CHECK(is_refused(sign_name, "No such file"));
	unlink(path);
	write_file(sign_name, "", 0600);
	CHECK_INT(truncate(path, 20000), 0);
	CHECK(is_refused(sign_name, "larger"));
}

/* ---- names ---- */

static void a_name_that_is_wrong_in_part_is_refused(void)
{
	static const char *const names[] = { "sign-", "mac-", "sign-x.pem",
		"sign-20200102T030405Z-0123456789abcdef.pem~",
		"sign-20200102T030405Z-0123456789abcdef",
		"sign-20200102T030405Z-0123456789abcde.pem",
		"sign-20200102T030405Z-0123456789abcdef0.pem",
		"sign-20200102T030405Z-0123456789ABCDEF.pem",
		"sign-20200102T030405-0123456789abcdef.pem",
		"sign-20200102T030405Z_0123456789abcdef.pem",
		"sign-20200230T030405Z-0123456789abcdef.pem",
		"sign-20201302T030405Z-0123456789abcdef.pem",
		"sign-20200102T240405Z-0123456789abcdef.pem",
		"sign-20200102T030460Z-0123456789abcdef.pem",
		"sign- 2020102T030405Z-0123456789abcdef.pem",
		"sign-19690102T030405Z-0123456789abcdef.pem",
		"sign-20200102t030405z-0123456789abcdef.pem",
		"sign-20200102T030405Z-0123456789abcdef.key", "mac-20200102T030405Z-0123456.key",
		"mac-20200102T030405Z-01234567.pem", "mac-20200102T030405Z-0123456g.key" };
	start_with_keys(NULL);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		write_file(names[i], "", 0600);
		CHECK(is_refused(names[i], "not a name"));
		unlink(path);
	}
}

static void files_of_others_are_left_alone(void)
{
	start_with_keys(NULL);
	write_file("README", "", 0666);
	write_file(".sign-20200102T030405Z-0123456789abcdef.pem.0011", "half", 0600);
	write_file("old-sign-1.pem", "", 0644);
	struct keys *keys = load();
	CHECK_TEXT(error, "");
	CHECK(keys && keys_count(keys) == 1);
	keys_free(keys);
}

static void names_are_written_as_they_are_read(void)
{
	struct keyfile file;
	char name[KEYFILE_NAME_SIZE];
	CHECK_INT(keyfile_parse_name(sign_name, &file), KEYFILE_SIGN);
	CHECK_INT(file.from_sec, 1577934245);
	CHECK_TEXT(file.id, "0123456789abcdef");
	CHECK(keyfile_format_name(&file, name));
	CHECK_TEXT(name, sign_name);
	CHECK_INT(keyfile_parse_name(mac_name, &file), KEYFILE_MAC);
	CHECK(keyfile_format_name(&file, name));
	CHECK_TEXT(name, mac_name);
}

static void an_id_twice_is_refused(void)
{
	start_with_keys(NULL);
	const char *pem = pem_of(EVP_EC_gen("P-256"), true, NULL);
	write_file(sign_name, pem, 0600);
	write_file("sign-20200102T030406Z-0123456789abcdef.pem", pem, 0600);
	CHECK(is_refused("second key", "0123456789abcdef"));
	start_with_keys(NULL);
	write_file(mac_name, secret, 0600);
	write_file("mac-20200102T030406Z-01234567.key", secret, 0600);
	CHECK(is_refused("second key", "01234567"));
}

static void a_kid_is_only_ever_compared(void)
{
	char kid[KEYS_KID_LEN + 1];
	start_with_keys(kid);
	struct keys *keys = load();
	CHECK(keys && keys_find(keys, kid, KEYS_KID_LEN));
	CHECK(!keys_find(keys, kid, KEYS_KID_LEN - 1));
	CHECK(!keys_find(keys, kid, KEYS_KID_LEN + 1));
	CHECK(!keys_find(keys, kid, 0));
	CHECK(!keys_find(keys, "../../../../etc/", KEYS_KID_LEN));
	CHECK(!keys_find(keys, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", KEYS_KID_LEN));
	kid[0] = kid[0] == '0' ? '1' : '0';
	CHECK(!keys_find(keys, kid, KEYS_KID_LEN));
	keys_free(keys);
}

/* ---- J15: two keys overlap ---- */

static void the_newest_key_that_has_begun_signs(void)
{
	char old[KEYS_KID_LEN + 1], new[KEYS_KID_LEN + 1];
	int64_t now = clock_now_sec();
	start();
	CHECK(make(CRYPTO_ES256, now - 1000, old));
	CHECK(make(CRYPTO_ES256, now + 1000, new));
	struct keys *keys = load();
	CHECK(keys != NULL);
	CHECK_TEXT(keys_signing_at(keys, now)->kid, old);
	CHECK_TEXT(keys_signing_at(keys, now + 999)->kid, old);
	CHECK_TEXT(keys_signing_at(keys, now + 1000)->kid, new);
	CHECK_TEXT(keys_signing_at(keys, INT64_MAX)->kid, new);
	CHECK_TEXT(keys_signing_at(keys, now - 1001)->kid, old);
	CHECK_TEXT(keys_signing_at(keys, INT64_MIN)->kid, old);
	CHECK(keys_find(keys, old, KEYS_KID_LEN) && keys_find(keys, new, KEYS_KID_LEN));
	CHECK_INT(keys_mac_at(keys, now + 999)->from_sec, now - 1000);
	CHECK_INT(keys_mac_at(keys, now + 1000)->from_sec, now + 1000);
	CHECK_INT(keys_mac_at(keys, 0)->from_sec, now - 1000);
	CHECK_TEXT(keys_at(keys, 0)->kid, old);
	keys_free(keys);
}

static void of_two_keys_of_one_second_every_node_takes_the_same(void)
{
	const char *first = "sign-20200102T030405Z-0000000000000000.pem";
	const char *second = "sign-20200102T030405Z-ffffffffffffffff.pem";
	for (int order = 0; order < 2; order++) {
		start();
		write_file(mac_name, secret, 0600);
		write_file(order ? second : first, pem_of(EVP_EC_gen("P-256"), true, NULL), 0600);
		write_file(order ? first : second, pem_of(EVP_EC_gen("P-256"), true, NULL), 0600);
		struct keys *keys = load();
		CHECK(keys != NULL);
		CHECK_TEXT(keys ? keys_signing_at(keys, clock_now_sec())->kid : "",
			"ffffffffffffffff");
		keys_free(keys);
	}
}

static void a_public_key_verifies_and_does_not_sign(void)
{
	char kid[KEYS_KID_LEN + 1];
	start_with_keys(kid);
	EVP_PKEY *pkey = EVP_EC_gen("P-256");
	write_file(sign_name, pem_of(pkey, false, NULL), 0600);
	struct keys *keys = load();
	const struct keys_sign *public = keys ? keys_find(keys, "0123456789abcdef", 16) : NULL;
	CHECK(public && !public->pem && !crypto_key_is_private(public->key));
	/* It is the older one, and even for its own time the private one signs. */
	CHECK(keys && strcmp(keys_signing_at(keys, 1577934245)->kid, kid) == 0);
	keys_free(keys);
	snprintf(path, sizeof(path), "%s/%s", dir, sign_name);
	char newer[200];
	snprintf(newer, sizeof(newer), "%s/sign-20210102T030405Z-0123456789abcdef.pem", dir);
	rename(path, newer);
	keys = load();
	CHECK(keys && strcmp(keys_signing_at(keys, clock_now_sec())->kid, kid) == 0);
	keys_free(keys);
}

static bool retire(const char *kid)
{
	error[0] = '\0';
	return keys_retire(dir, kid, error, sizeof(error));
}

static void the_key_that_signs_now_is_not_retired(void)
{
	char old[KEYS_KID_LEN + 1], new[KEYS_KID_LEN + 1], later[KEYS_KID_LEN + 1];
	start_with_keys(old);
	CHECK(!retire(old));
	CHECK(strstr(error, old) && strstr(error, "keys rotate"));
	CHECK(make(CRYPTO_ES256, clock_now_sec() + 1000, later));
	CHECK(!retire(old));
	CHECK(make(CRYPTO_ES256, clock_now_sec() - 10, new));
	CHECK(!retire(new));
	CHECK_INT(count_files(), 6);
	CHECK(retire(old));
	CHECK(retire(later));
	CHECK_INT(count_files(), 4);
	struct keys *keys = load();
	CHECK(keys && keys_count(keys) == 1 && keys_find(keys, new, KEYS_KID_LEN));
	CHECK(keys && !keys_find(keys, old, KEYS_KID_LEN));
	keys_free(keys);
}

static void an_unknown_key_is_not_retired(void)
{
	start_with_keys(NULL);
	CHECK(!retire("0123456789abcdef"));
	CHECK(strstr(error, "0123456789abcdef"));
	CHECK(!retire("../../etc/passwd"));
	CHECK(!retire(""));
	CHECK_INT(count_files(), 2);
}

/* ---- JWKS ---- */

static void the_jwk_set_has_the_public_numbers_and_no_others(void)
{
	char ec_kid[KEYS_KID_LEN + 1];
	start_with_keys(ec_kid);
	write_file(sign_name, pem_of(EVP_RSA_gen(2048), true, NULL), 0600);
	struct keys *keys = load();
	CHECK(keys != NULL);
	struct json *set = keys_jwks(keys);
	struct json *list = json_get(set, "keys"), *rsa = json_at(list, 0), *ec = json_at(list, 1);
	CHECK_INT(json_count(list), 2);
	CHECK_TEXT(json_as_text(json_get(rsa, "kty")), "RSA");
	CHECK_TEXT(json_as_text(json_get(rsa, "alg")), "RS256");
	CHECK_TEXT(json_as_text(json_get(rsa, "use")), "sig");
	CHECK_TEXT(json_as_text(json_get(rsa, "kid")), "0123456789abcdef");
	CHECK_TEXT(json_as_text(json_get(rsa, "e")), "AQAB");
	CHECK_INT(strlen(json_as_text(json_get(rsa, "n"))), 342);
	CHECK_TEXT(json_as_text(json_get(ec, "kty")), "EC");
	CHECK_TEXT(json_as_text(json_get(ec, "alg")), "ES256");
	CHECK_TEXT(json_as_text(json_get(ec, "crv")), "P-256");
	CHECK_TEXT(json_as_text(json_get(ec, "kid")), ec_kid);
	CHECK_INT(strlen(json_as_text(json_get(ec, "x"))), 43);
	CHECK_INT(strlen(json_as_text(json_get(ec, "y"))), 43);
	static const char *const private[] = { "d", "p", "q", "dp", "dq", "qi", "k", "oth" };
	for (size_t i = 0; i < sizeof(private) / sizeof(private[0]); i++)
		CHECK(!json_get(rsa, private[i]) && !json_get(ec, private[i]));
	json_free(set);
	keys_free(keys);
}

static void freeing_nothing_is_allowed(void)
{
	keys_free(NULL);
}

static void remove_all(const char *folder)
{
	DIR *stream = opendir(folder);
	for (struct dirent *entry; stream && (entry = readdir(stream));) {
		char name[400];
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(name, sizeof(name), "%.100s/%.255s", folder, entry->d_name);
		if (entry->d_type == DT_DIR)
			remove_all(name);
		else
			unlink(name);
	}
	if (stream)
		closedir(stream);
	rmdir(folder);
}

int main(void)
{
	if (!mkdtemp(base))
		return 1;
	RUN(new_keys_load_and_are_found);
	RUN(new_files_are_private_whole_and_alone);
	RUN(two_calls_make_different_keys);
	RUN(a_moment_without_a_four_digit_year_is_refused);
	RUN(a_disk_that_is_full_leaves_nothing_behind);
	RUN(keys_cannot_be_made_below_a_missing_directory);
	RUN(without_directory_or_keys_the_sentence_says_what_to_run);
	RUN(a_signing_key_and_a_mac_key_are_both_needed);
	RUN(keys_for_later_alone_are_refused);
	RUN(a_file_with_any_permission_for_others_is_refused);
	RUN(a_directory_that_others_may_write_to_is_refused);
	RUN(what_is_not_a_key_is_refused);
	RUN(weak_rsa_and_other_curves_are_refused);
	RUN(a_private_key_with_another_public_half_is_refused);
	RUN(a_mac_key_is_64_hex_digits);
	RUN(what_only_looks_like_a_file_is_refused);
	RUN(a_name_that_is_wrong_in_part_is_refused);
	RUN(files_of_others_are_left_alone);
	RUN(names_are_written_as_they_are_read);
	RUN(an_id_twice_is_refused);
	RUN(a_kid_is_only_ever_compared);
	RUN(the_newest_key_that_has_begun_signs);
	RUN(of_two_keys_of_one_second_every_node_takes_the_same);
	RUN(a_public_key_verifies_and_does_not_sign);
	RUN(the_key_that_signs_now_is_not_retired);
	RUN(an_unknown_key_is_not_retired);
	RUN(the_jwk_set_has_the_public_numbers_and_no_others);
	RUN(freeing_nothing_is_allowed);
	remove_all(base);
	return check_result();
}
