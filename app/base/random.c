#include "base/random.h"

#include "base/log.h"

#include <errno.h>
#include <sys/random.h>

void random_bytes(void *out, size_t len)
{
	unsigned char *next = out;
	while (len > 0) {
		ssize_t got = getrandom(next, len, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			fatal("getrandom: %m");
		next += got;
		len -= (size_t)got;
	}
}
