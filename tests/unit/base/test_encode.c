#include "base/encode.h"
#include "base/random.h"
#include "check.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>

static void check_both_ways(const char *bytes, const char *expected)
{
	char text[64];
	char back[64];
	size_t back_len = 99;
	CHECK_INT(encode_base64url(text, bytes, strlen(bytes)), strlen(expected));
	CHECK_TEXT(text, expected);
	CHECK(encode_base64url_decode(back, sizeof(back), &back_len, text, strlen(text)));
	CHECK_INT(back_len, strlen(bytes));
	CHECK(memcmp(back, bytes, back_len) == 0);
}

/* RFC 4648 section 10, without the padding. */
static void the_vectors_of_rfc_4648_come_out(void)
{
	check_both_ways("", "");
	check_both_ways("f", "Zg");
	check_both_ways("fo", "Zm8");
	check_both_ways("foo", "Zm9v");
	check_both_ways("foob", "Zm9vYg");
	check_both_ways("fooba", "Zm9vYmE");
	check_both_ways("foobar", "Zm9vYmFy");
}

static void check_base64(const char *bytes, const char *expected)
{
	char text[64];
	CHECK_INT(encode_base64(text, bytes, strlen(bytes)), strlen(expected));
	CHECK_TEXT(text, expected);
	CHECK_INT(ENCODE_BASE64_LEN(strlen(bytes)), strlen(expected));
}

static void base64_with_padding_gives_the_vectors_too(void)
{
	check_base64("", "");
	check_base64("f", "Zg==");
	check_base64("fo", "Zm8=");
	check_base64("foo", "Zm9v");
	check_base64("foob", "Zm9vYg==");
	check_base64("fooba", "Zm9vYmE=");
	check_base64("foobar", "Zm9vYmFy");
	check_base64("\xfb\xef\xbe\xff\xff\xff", "++++////");
}

/* RFC 7515 appendix A.1: two octets that need both characters of the URL alphabet. */
static void the_url_alphabet_is_used(void)
{
	check_both_ways("\x03\xec\xff\xe0\xc1", "A-z_4ME");
	check_both_ways("\xfb\xef\xbe\xff\xff\xff", "----____");
}

static void random_bytes_of_every_length_come_back(void)
{
	uint8_t bytes[100], back[100];
	char text[ENCODE_BASE64URL_LEN(100) + 1];
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		size_t back_len = 0;
		random_bytes(bytes, len);
		size_t text_len = encode_base64url(text, bytes, len);
		CHECK_INT(text_len, ENCODE_BASE64URL_LEN(len));
		CHECK_INT(strlen(text), text_len);
		CHECK(encode_base64url_decode(back, len, &back_len, text, text_len));
		CHECK_INT(back_len, len);
		CHECK(memcmp(back, bytes, len) == 0);
	}
}

static bool decodes(const char *text, size_t len)
{
	char out[64];
	size_t out_len = 0;
	/* A copy of exactly that length, so that reading past it is seen. */
	char *copy = malloc(len > 0 ? len : 1);
	CHECK(copy != NULL);
	memcpy(copy, text, len);
	bool ok = encode_base64url_decode(out, sizeof(out), &out_len, copy, len);
	free(copy);
	return ok;
}

static bool text_decodes(const char *text)
{
	return decodes(text, strlen(text));
}

static void unused_bits_must_be_zero(void)
{
	CHECK(text_decodes("Zg"));
	CHECK(!text_decodes("Zh"));
	CHECK(!text_decodes("Zn"));
	CHECK(!text_decodes("Zv"));
	CHECK(text_decodes("Zm8"));
	CHECK(!text_decodes("Zm9"));
	CHECK(!text_decodes("Zm-"));
	CHECK(!text_decodes("Zm_"));
}

static void no_second_text_decodes_to_the_same_byte(void)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	int accepted = 0;
	for (size_t i = 0; i < 64; i++) {
		for (size_t j = 0; j < 64; j++) {
			char text[2] = { digits[i], digits[j] };
			accepted += decodes(text, 2);
		}
	}
	CHECK_INT(accepted, 256);
}

static void padding_spaces_and_the_other_alphabet_are_refused(void)
{
	CHECK(!text_decodes("Zg=="));
	CHECK(!text_decodes("Zm8="));
	CHECK(!text_decodes("Zm9v="));
	CHECK(!text_decodes("Zm9v Zm9v"));
	CHECK(!text_decodes("Zm9v\n"));
	CHECK(!text_decodes(" Zm9v"));
	CHECK(!text_decodes("Zm+v"));
	CHECK(!text_decodes("Zm/v"));
	CHECK(!text_decodes("Zm9v.Zm9v"));
	CHECK(!text_decodes("Zm9\xc3\xa9"));
	CHECK(!decodes("Zm9\0", 4));
}

static void every_byte_outside_the_alphabet_is_refused(void)
{
	int accepted = 0;
	for (int c = 0; c < 256; c++) {
		char text[4] = { 'A', 'A', 'A', (char)c };
		accepted += decodes(text, 4);
	}
	CHECK_INT(accepted, 64);
}

static void impossible_lengths_are_refused(void)
{
	CHECK(!text_decodes("Z"));
	CHECK(!text_decodes("Zm9vY"));
	CHECK(!text_decodes("A"));
}

static void a_result_longer_than_the_room_is_refused(void)
{
	char out[8] = "zzzzzzz";
	size_t out_len = 0;
	CHECK(!encode_base64url_decode(out, 5, &out_len, "Zm9vYmFy", 8));
	CHECK_TEXT(out, "zzzzzzz");
	CHECK(encode_base64url_decode(out, 6, &out_len, "Zm9vYmFy", 8));
	CHECK_INT(out_len, 6);
	CHECK(!encode_base64url_decode(out, 0, &out_len, "Zg", 2));
	CHECK(encode_base64url_decode(out, 0, &out_len, "", 0));
	CHECK_INT(out_len, 0);
}

static void hex_is_lower_case(void)
{
	char text[9];
	encode_hex(text, "\x00\x9f\xa0\xff", 4);
	CHECK_TEXT(text, "009fa0ff");
	encode_hex(text, "", 0);
	CHECK_TEXT(text, "");
}

static long long parsed(const char *text, long long min, long long max)
{
	long long number = 0;
	return encode_parse_uint(text, min, max, &number) ? number : -1;
}

static void whole_numbers_in_range_are_parsed(void)
{
	CHECK_INT(parsed("0", 0, 10), 0);
	CHECK_INT(parsed("10", 0, 10), 10);
	CHECK_INT(parsed("9223372036854775807", 0, LLONG_MAX), LLONG_MAX);
	CHECK_INT(parsed("11", 0, 10), -1);
	CHECK_INT(parsed("4", 5, 10), -1);
	CHECK_INT(parsed("9223372036854775808", 0, LLONG_MAX), -1);
	CHECK_INT(parsed("18446744073709551617", 0, LLONG_MAX), -1);
	CHECK_INT(parsed("99999999999999999999999999", 0, LLONG_MAX), -1);
}

static void anything_but_digits_is_no_number(void)
{
	static const char *const texts[] = { "", "-1", "+1", " 1", "1 ", "1\n", "0x1", "1e1", "1.0",
		"01", "00", "a", "1a", "\xd9\xa1" };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		CHECK_INT(parsed(texts[i], 0, 100), -1);
}

static bool is_utf8(const char *text)
{
	return encode_is_utf8(text, strlen(text));
}

static void well_formed_utf8_is_recognised(void)
{
	CHECK(encode_is_utf8("", 0));
	CHECK(encode_is_utf8("a\0b", 3));
	CHECK(is_utf8("\x7f"));
	CHECK(is_utf8("\xc2\x80"));
	CHECK(is_utf8("\xdf\xbf"));
	CHECK(is_utf8("\xe0\xa0\x80"));
	CHECK(is_utf8("\xed\x9f\xbf"));
	CHECK(is_utf8("\xee\x80\x80"));
	CHECK(is_utf8("\xef\xbf\xbf"));
	CHECK(is_utf8("\xf0\x90\x80\x80"));
	CHECK(is_utf8("\xf4\x8f\xbf\xbf"));
	CHECK(is_utf8("Zo\xc3\xab \xe2\x82\xac \xf0\x9f\x94\x91"));
}

static void overlong_forms_are_not_utf8(void)
{
	CHECK(!is_utf8("\xc0\x80"));
	CHECK(!is_utf8("\xc0\xaf"));
	CHECK(!is_utf8("\xc1\xbf"));
	CHECK(!is_utf8("\xe0\x80\xaf"));
	CHECK(!is_utf8("\xe0\x9f\xbf"));
	CHECK(!is_utf8("\xf0\x80\x80\xaf"));
	CHECK(!is_utf8("\xf0\x8f\xbf\xbf"));
}

static void surrogates_and_what_is_past_the_last_character_are_not_utf8(void)
{
	CHECK(!is_utf8("\xed\xa0\x80"));
	CHECK(!is_utf8("\xed\xbf\xbf"));
	CHECK(!is_utf8("\xed\xa0\xbd\xed\xb4\x91"));
	CHECK(!is_utf8("\xf4\x90\x80\x80"));
	CHECK(!is_utf8("\xf5\x80\x80\x80"));
	CHECK(!is_utf8("\xf8\x88\x80\x80\x80"));
	CHECK(!is_utf8("\xfe"));
	CHECK(!is_utf8("\xff"));
}

static void broken_sequences_are_not_utf8(void)
{
	CHECK(!is_utf8("\x80"));
	CHECK(!is_utf8("\xbf"));
	CHECK(!is_utf8("\xc3"));
	CHECK(!is_utf8("\xc3("));
	CHECK(!is_utf8("\xe2\x82"));
	CHECK(!is_utf8("\xe2\x28\xa1"));
	CHECK(!is_utf8("\xe2\x82("));
	CHECK(!is_utf8("\xf0\x9f\x94"));
	CHECK(!is_utf8("\xf0\x9f\x94("));
	CHECK(!is_utf8("\xc3\xa9\xa9"));
	CHECK(!is_utf8("caf\xe9"));
	/* The last byte is outside len, but there in memory. */
	CHECK(!encode_is_utf8("\xc3\xa9", 1));
	CHECK(!encode_is_utf8("\xf0\x9f\x94\x91", 3));
}

/* All of Unicode is 1112064 characters; every other sequence of up to 3 bytes must be refused. */
static void the_number_of_characters_of_each_length_is_right(void)
{
	long counts[4] = { 0 };
	for (uint32_t n = 0; n < 1U << 24; n++) {
		uint8_t bytes[4] = { (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n, 0x80 };
		const char *text = (const char *)bytes;
		/* Only those that are one character: the beginning alone must not be valid. */
		if (n < 1U << 16 && bytes[1] >= 0x80)
			counts[1] += !encode_is_utf8(text + 1, 1) && encode_is_utf8(text + 1, 2);
		if (bytes[0] >= 0xe0)
			counts[2] += encode_is_utf8(text, 3);
		if (bytes[0] >= 0xf0)
			counts[3] += encode_is_utf8(text, 4);
	}
	CHECK_INT(counts[1], 0x800 - 0x80);
	CHECK_INT(counts[2], 0x10000 - 0x800 - 0x800);
	CHECK_INT(counts[3] * 64, 0x110000 - 0x10000);
}

int main(void)
{
	RUN(the_vectors_of_rfc_4648_come_out);
	RUN(base64_with_padding_gives_the_vectors_too);
	RUN(the_url_alphabet_is_used);
	RUN(random_bytes_of_every_length_come_back);
	RUN(unused_bits_must_be_zero);
	RUN(no_second_text_decodes_to_the_same_byte);
	RUN(padding_spaces_and_the_other_alphabet_are_refused);
	RUN(every_byte_outside_the_alphabet_is_refused);
	RUN(impossible_lengths_are_refused);
	RUN(a_result_longer_than_the_room_is_refused);
	RUN(hex_is_lower_case);
	RUN(whole_numbers_in_range_are_parsed);
	RUN(anything_but_digits_is_no_number);
	RUN(well_formed_utf8_is_recognised);
	RUN(overlong_forms_are_not_utf8);
	RUN(surrogates_and_what_is_past_the_last_character_are_not_utf8);
	RUN(broken_sequences_are_not_utf8);
	RUN(the_number_of_characters_of_each_length_is_right);
	return check_result();
}
