#include "base/encode.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

static const char base64url_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

size_t encode_base64url(char *out, const void *bytes, size_t len)
{
	const uint8_t *in = bytes;
	char *next = out;
	uint32_t bits = 0;
	unsigned bit_count = 0;
	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | in[i];
		for (bit_count += 8; bit_count >= 6; bit_count -= 6)
			*next++ = base64url_digits[bits >> (bit_count - 6) & 63];
	}
	if (bit_count > 0)
		*next++ = base64url_digits[bits << (6 - bit_count) & 63];
	*next = '\0';
	return (size_t)(next - out);
}

/* The value of a digit, 64 for anything else. */
static uint32_t base64url_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (uint32_t)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (uint32_t)(c - 'a' + 26);
	if (c >= '0' && c <= '9')
		return (uint32_t)(c - '0' + 52);
	if (c == '-')
		return 62;
	return c == '_' ? 63 : 64;
}

bool encode_base64url_decode(
	void *out, size_t max_len, size_t *out_len, const char *text, size_t text_len)
{
	uint8_t *next = out;
	uint32_t bits = 0;
	unsigned bit_count = 0;
	size_t len = text_len / 4 * 3 + text_len % 4 * 3 / 4;
	if (text_len % 4 == 1 || len > max_len)
		return false;
	for (size_t i = 0; i < text_len; i++) {
		uint32_t value = base64url_value(text[i]);
		if (value > 63)
			return false;
		bits = bits << 6 | value;
		bit_count += 6;
		if (bit_count >= 8) {
			bit_count -= 8;
			*next++ = (uint8_t)(bits >> bit_count & 0xff);
		}
	}
	if ((bits & ((1U << bit_count) - 1)) != 0)
		return false;
	*out_len = len;
	return true;
}

void encode_hex(char *out, const void *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *in = bytes;
	for (size_t i = 0; i < len; i++) {
		*out++ = digits[in[i] >> 4];
		*out++ = digits[in[i] & 15];
	}
	*out = '\0';
}

bool encode_parse_uint(const char *text, long long min, long long max, long long *out)
{
	long long number = 0;
	const char *c = text;
	if (*c == '0' && c[1] != '\0')
		return false;
	for (; *c >= '0' && *c <= '9'; c++) {
		int digit = *c - '0';
		if (number > (LLONG_MAX - digit) / 10)
			return false;
		number = number * 10 + digit;
	}
	if (c == text || *c != '\0' || number < min || number > max)
		return false;
	*out = number;
	return true;
}

static bool is_within(uint8_t byte, uint8_t low, uint8_t high)
{
	return byte >= low && byte <= high;
}

/* The length of the well-formed character at the start of in, 0 if there is none. The ranges of
 * the second byte are those of RFC 3629 section 4: they exclude overlong forms (E0, F0),
 * surrogates (ED) and all past U+10FFFF (F4). */
static size_t utf8_char_len(const uint8_t *in, size_t len)
{
	uint8_t lead = in[0];
	if (lead < 0x80)
		return 1;
	size_t char_len = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
	if (!is_within(lead, 0xc2, 0xf4) || char_len > len)
		return 0;
	uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
	uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
	if (!is_within(in[1], low, high))
		return 0;
	for (size_t i = 2; i < char_len; i++) {
		if (!is_within(in[i], 0x80, 0xbf))
			return 0;
	}
	return char_len;
}

bool encode_is_utf8(const char *text, size_t len)
{
	const uint8_t *next = (const uint8_t *)text;
	while (len > 0) {
		size_t char_len = utf8_char_len(next, len);
		if (char_len == 0)
			return false;
		next += char_len;
		len -= char_len;
	}
	return true;
}

int encode_hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

size_t encode_base64(char *out, const void *bytes, size_t len)
{
	size_t text_len = encode_base64url(out, bytes, len);

	for (size_t i = 0; i < text_len; i++)
		out[i] = (char)(out[i] == '-' ? '+' : out[i] == '_' ? '/' : out[i]);
	while (text_len % 4 != 0)
		out[text_len++] = '=';
	out[text_len] = '\0';
	return text_len;
}

size_t encode_char_len(const char *text, size_t len)
{
	for (size_t n = 1; n <= 4 && n <= len; n++)
		if (encode_is_utf8(text, n))
			return n;
	return 0;
}

unsigned encode_codepoint(const char *text, size_t char_len)
{
	static const unsigned masks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	unsigned codepoint = (unsigned char)text[0] & masks[char_len];

	for (size_t i = 1; i < char_len; i++)
		codepoint = codepoint << 6 | ((unsigned char)text[i] & 0x3fU);
	return codepoint;
}
