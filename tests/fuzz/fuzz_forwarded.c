/* Three lines: the peer's address, X-Forwarded-For, the trusted proxies. The browser's address is
 * the peer's, unless that is trusted; it is an entry of the header then; and always in its one
 * form.
 */
#include "fuzz/fuzz.h"
#include "http/address.h"

static bool is_entry(const char *forwarded, const char *address)
{
	bool found = false;
	char *copy = fuzz_text(forwarded, strlen(forwarded)), *rest = copy, *entry;
	while (!found && (entry = strsep(&rest, ","))) {
		entry += strspn(entry, " \t");
		entry[strcspn(entry, " \t")] = '\0';
		/* Some proxies add the port, or brackets: [2001:db8::1]:443, 192.0.2.1:443. */
		char *bracket = strchr(entry, ']');
		char *colon = strchr(entry, ':');
		if (*entry == '[' && bracket)
			*bracket = '\0', entry++;
		else if (colon && !strchr(colon + 1, ':'))
			*colon = '\0';
		found = strcmp(address_canonical(fuzz_arena, entry), address) == 0;
	}
	free(copy);
	return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_parts parts = { data, data + size };
	char *remote = fuzz_part(&parts, '\n'), *forwarded = fuzz_part(&parts, '\n');
	char *trusted = fuzz_part(&parts, '\n');

	fuzz_begin();
	const char *peer = address_canonical(fuzz_arena, remote);
	const char *address = address_of_browser(fuzz_arena, remote, forwarded, trusted);
	HOLDS(strcmp(address_canonical(fuzz_arena, peer), peer) == 0);
	HOLDS(strcmp(address_canonical(fuzz_arena, address), address) == 0);
	HOLDS(!address_is_listed("", peer));
	if (!address_is_listed(trusted, peer))
		HOLDS(strcmp(address, peer) == 0);
	else
		HOLDS(strcmp(address, peer) == 0 || is_entry(forwarded, address));
	free(remote);
	free(forwarded);
	free(trusted);
	return 0;
}
