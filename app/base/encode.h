/* Bytes to text and back, strictly: one spelling for one value.
 *
 * base64url is RFC 4648 section 5 without padding. Decoding refuses padding, white space, the
 * other alphabet, an impossible length and non-zero unused bits (RFC 4648 section 3.5): two texts
 * never decode to the same bytes, so a token has exactly one form. */
#ifndef DOORWARD_BASE_ENCODE_H
#define DOORWARD_BASE_ENCODE_H

#include <stdbool.h>
#include <stddef.h>

#define ENCODE_BASE64URL_LEN(n) (((n)*4 + 2) / 3)

/* out needs ENCODE_BASE64URL_LEN(len) + 1 bytes; returns the length of the text. */
size_t encode_base64url(char *out, const void *bytes, size_t len);
/* Returns false when the text is not canonical or the result would exceed max_len bytes. */
bool encode_base64url_decode(
	void *out, size_t max_len, size_t *out_len, const char *text, size_t text_len);
#define ENCODE_BASE64_LEN(n) (((n) + 2) / 3 * 4)
/* RFC 4648 section 4, with padding. out needs ENCODE_BASE64_LEN(len) + 1 bytes. */
size_t encode_base64(char *out, const void *bytes, size_t len);
/* out needs 2 * len + 1 bytes. Lower case. */
void encode_hex(char *out, const void *bytes, size_t len);
/* What a hexadecimal digit of either case counts; -1 for anything else. */
int encode_hex_value(char c);
/* Whole text is a decimal number in [min, max], digits only (no sign, space or leading zero). */
bool encode_parse_uint(const char *text, long long min, long long max, long long *out);
/* The well-formed character at the start of text: its length in bytes, 0 if there is none; the
 * codepoint of one of that length. */
size_t encode_char_len(const char *text, size_t len);
unsigned encode_codepoint(const char *text, size_t char_len);
/* True for well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms). NUL bytes are allowed.
 */
bool encode_is_utf8(const char *text, size_t len);

#endif
