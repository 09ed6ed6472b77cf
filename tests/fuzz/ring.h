/* A key ring that never changes: a signing key and a MAC key made for these tests, which sign
 * nothing else. The tokens of the corpus belong to it. */
#ifndef DOORWARD_TESTS_FUZZ_RING_H
#define DOORWARD_TESTS_FUZZ_RING_H

#include <fcntl.h>

#include "auth/keys.h"
#include "base/clock.h"
#include "base/settings.h"
#include "fuzz/fuzz.h"

#define RING_KID "00112233aabbccdd"

/* The tests' clock stands near this second. */
enum { RING_NOW_SEC = 1900000100 };

static const char ring_pem[] = "-----BEGIN PRIVATE KEY-----\n"
			       "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg1tLUaUVNsBsWXSlY\n"
			       "7lD7exnTI57LOJON2/l9aV75uN+hRANCAAQD7vuEkJbmtP76MNT3aKUKj+U3DRlf\n"
			       "jd427EMEd3PRPvn/ErT8rtP4y3N88TJtv8+5Bw0Q0SPWa8OR+WPwgyXy\n"
			       "-----END PRIVATE KEY-----\n";

static const char ring_mac[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/* Issued at 1900000000 for 600 s, to "alice". */
static const char ring_token[] =
	"eyJhbGciOiJFUzI1NiIsImtpZCI6IjAwMTEyMjMzYWFiYmNjZGQiLCJ0eXAiOiJKV1QifQ.eyJpc3MiO"
	"iJodHRwczovL2F1dGguZXhhbXBsZS8iLCJhdWQiOiJodHRwczovL2FwcC5leGFtcGxlLyIsInN1YiI6I"
	"mMzVmlMWE4xWWkxemRXSXRjM1ZpTFEiLCJzaWQiOiJjMmxrTFhOcFpDMXphV1F0YzJsa0xRIiwianRpI"
	"joiYW5ScExXcDBhUzFxZEdrdGFuUnBMUSIsInVzZSI6ImFjY2VzcyIsInZlciI6MSwiaWF0IjoxOTAwM"
	"DAwMDAwLCJuYmYiOjE5MDAwMDAwMDAsImV4cCI6MTkwMDAwMDYwMCwiYXV0aF90aW1lIjoxOTAwMDAwM"
	"DAwLCJuYW1lIjoiYWxpY2UiLCJyb2xlcyI6ImFkbWluLHN0YWZmIn0.7WfpqFQgAgCv0wXjlNi_dYw5r"
	"uAOSVXWle8lcuigutgj_0IRLGdpOY784uxmHGKnqrCN1yxcQxsG82x2GqGWfA";

static const struct settings ring_settings = { .token = { .issuer = "https://auth.example/",
						       .audience = "https://app.example/" } };

static inline void ring_write(int folder, const char *name, const char *text)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	HOLDS(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	(void)close(fd);
}

/* Read once by the product's own code, from a folder that is gone afterwards. */
static inline const struct keys *ring_keys(void)
{
	static const char sign_name[] = "sign-20200101T000000Z-" RING_KID ".pem";
	static const char mac_name[] = "mac-20200101T000000Z-00010203.key";
	static struct keys *keys;
	char path[] = "/tmp/doorward-fuzz-XXXXXX", error[400] = "";

	if (keys)
		return keys;
	HOLDS(mkdtemp(path) != NULL);
	int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ring_write(folder, sign_name, ring_pem);
	ring_write(folder, mac_name, ring_mac);
	keys = keys_load(path, error, sizeof error);
	if (!keys)
		fprintf(stderr, "%s\n", error);
	HOLDS(keys != NULL);
	(void)unlinkat(folder, sign_name, 0);
	(void)unlinkat(folder, mac_name, 0);
	(void)close(folder);
	(void)rmdir(path);
	clock_shift_sec(RING_NOW_SEC - clock_now_sec());
	return keys;
}

/* A valid text with the input's edits: each three bytes are where, what, and which byte. */
static inline char *ring_edit(const char *valid, const uint8_t *edits, size_t size)
{
	size_t len = strlen(valid);
	char *text = fuzz_text(valid, len);
	for (; size >= 3; size -= 3, edits += 3) {
		size_t at = (edits[0] + 256U * (edits[1] & 7U)) % (len + 1);
		switch (edits[1] >> 4 & 3U) {
		case 0: /* another byte */
			text[at == len ? len - 1 : at] = (char)edits[2];
			break;
		case 1: /* one bit */
			text[at == len ? len - 1 : at] ^= (char)(1U << (edits[2] & 7U));
			break;
		case 2: /* cut */
			text[at] = '\0';
			break;
		default: /* its rest once more, from another place */
			memmove(text + at, text + edits[2] % (at + 1), len - at);
			break;
		}
		len = strlen(text);
		if (len == 0)
			break;
	}
	return text;
}

#endif
