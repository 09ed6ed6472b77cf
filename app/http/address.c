#include "http/address.h"

#include "base/arena.h"
#include "base/encode.h"
#include "http/blank.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

/* As IPv6; IPv4 is ::ffff:a.b.c.d, so that both spellings of an IPv4 address are equal. */
struct address {
	uint8_t bytes[16];
};

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static bool is_ipv4(const struct address *address)
{
	return memcmp(address->bytes, mapped, sizeof(mapped)) == 0;
}

static bool address_parse(struct address *out, const char *text, size_t len)
{
	char copy[INET6_ADDRSTRLEN];
	if (len == 0 || len >= sizeof(copy) || memchr(text, '\0', len))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (inet_pton(AF_INET6, copy, out->bytes) == 1)
		return true;
	memcpy(out->bytes, mapped, sizeof(mapped));
	return inet_pton(AF_INET, copy, out->bytes + sizeof(mapped)) == 1;
}

static const char *address_format(struct arena *arena, const struct address *address)
{
	char text[INET6_ADDRSTRLEN];
	bool ipv4 = is_ipv4(address);
	const uint8_t *bytes = ipv4 ? address->bytes + sizeof(mapped) : address->bytes;
	if (!inet_ntop(ipv4 ? AF_INET : AF_INET6, bytes, text, sizeof(text)))
		return "";
	return arena_strdup(arena, text);
}

/* Four numbers as inet_ntop writes them. */
static bool is_canonical_ipv4(const char *text)
{
	for (int part = 0; part < 4; part++) {
		const char *digits = text;
		int number = 0;
		while (*text >= '0' && *text <= '9' && text - digits < 3)
			number = number * 10 + (*text++ - '0');
		bool leading_zero = *digits == '0' && text - digits > 1;
		if (text == digits || number > 255 || leading_zero)
			return false;
		if (*text++ != (part < 3 ? '.' : '\0'))
			return false;
	}
	return true;
}

const char *address_canonical(struct arena *arena, const char *text)
{
	struct address address;
	/* Nearly every request: no reason to take it apart and put it together again. */
	if (is_canonical_ipv4(text))
		return text;
	/* A link-local peer has a zone, "fe80::1%eth0". */
	if (!address_parse(&address, text, strcspn(text, "%")))
		return "";
	return address_format(arena, &address);
}

static bool prefix_is_equal(const struct address *a, const struct address *b, unsigned bits)
{
	unsigned whole = bits / 8;
	uint8_t mask = (uint8_t)(0xff00U >> (bits % 8));
	if (memcmp(a->bytes, b->bytes, whole) != 0)
		return false;
	return bits % 8 == 0 || ((a->bytes[whole] ^ b->bytes[whole]) & mask) == 0;
}

/* entry is an address or a network; a network of one family holds no address of the other, so
 * ::/0 does not trust IPv4. */
static bool entry_matches(const char *entry, size_t len, const struct address *address)
{
	struct address network;
	const char *slash = memchr(entry, '/', len);
	size_t address_len = slash ? (size_t)(slash - entry) : len;
	if (!address_parse(&network, entry, address_len) || is_ipv4(&network) != is_ipv4(address))
		return false;
	bool dotted = !memchr(entry, ':', address_len);
	long long bits = dotted ? 32 : 128;
	if (slash) {
		char number[4] = "";
		size_t number_len = len - address_len - 1;
		if (number_len >= sizeof(number))
			return false;
		memcpy(number, slash + 1, number_len);
		if (!encode_parse_uint(number, 0, bits, &bits))
			return false;
	}
	unsigned prefix_bits = (unsigned)(dotted ? bits + 96 : bits);
	return prefix_is_equal(&network, address, prefix_bits);
}

static bool is_listed(const char *list, const struct address *address)
{
	for (const char *entry = list; *entry; entry += *entry == ',') {
		const char *text = entry;
		size_t len = strcspn(entry, ",");
		entry += len;
		blank_trim(&text, &len);
		bool is_unix = len == 4 && memcmp(text, "unix", 4) == 0;
		if (address ? entry_matches(text, len, address) : is_unix)
			return true;
	}
	return false;
}

bool address_is_listed(const char *list, const char *address)
{
	struct address parsed;
	if (*address == '\0')
		return is_listed(list, NULL);
	return address_parse(&parsed, address, strlen(address)) && is_listed(list, &parsed);
}

/* An entry of X-Forwarded-For: an address, or as some load balancers write it, a.b.c.d:port or
 * [v6]:port. */
static bool forwarded_parse(struct address *out, const char *text, size_t len)
{
	blank_trim(&text, &len);
	if (len > 0 && *text == '[') {
		const char *end = memchr(text, ']', len);
		return end && address_parse(out, text + 1, (size_t)(end - text) - 1);
	}
	const char *colon = memchr(text, ':', len);
	bool has_port = colon && !memchr(colon + 1, ':', len - (size_t)(colon - text) - 1);
	return address_parse(out, text, has_port ? (size_t)(colon - text) : len);
}

const char *address_of_browser(
	struct arena *arena, const char *remote, const char *forwarded, const char *trusted)
{
	const char *direct = address_canonical(arena, remote);
	size_t left = strlen(forwarded);
	struct address address;
	if (left == 0 || !address_is_listed(trusted, direct))
		return direct;
	/* From the right: what stands left of the first stranger may be the browser's invention. */
	for (;;) {
		const char *comma = memrchr(forwarded, ',', left);
		const char *entry = comma ? comma + 1 : forwarded;
		if (!forwarded_parse(&address, entry, left - (size_t)(entry - forwarded)))
			return direct;
		if (!comma || !is_listed(trusted, &address))
			return address_format(arena, &address);
		left = (size_t)(comma - forwarded);
	}
}
