/* The floor of one connection per check: accept, one read, one write of a 200 with one Variable,
 * close. No library, nothing parsed; not a server to use.
 *
 * raw PATH THREADS */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { HEADER = 8, SMALLEST_REQUEST = 16 };

static int listening;
static unsigned char answer[256];
static size_t answer_len;

/* Records of request 1: the text padded to eights, the end of the stream, the end of the request.
 */
static void make_answer(void)
{
	static const char text[] = "Status: 200 OK\r\nVariable-AUTH_USER: alice\r\n\r\n";
	static const char end[] = "\1\6\0\1\0\0\0\0"
				  "\1\3\0\1\0\10\0\0\0\0\0\0\0\0\0";
	size_t len = sizeof text - 1, padding = (8 - len % 8) % 8;
	unsigned char head[HEADER] = { 1, 6, 0, 1, 0, (unsigned char)len, (unsigned char)padding,
		0 };

	memcpy(answer, head, HEADER);
	memcpy(answer + HEADER, text, len);
	memcpy(answer + HEADER + len + padding, end, sizeof end);
	answer_len = HEADER + len + padding + sizeof end;
}

static void *work(void *unused)
{
	static _Thread_local unsigned char in[65536];

	(void)unused;
	for (;;) {
		int peer = accept4(listening, NULL, NULL, SOCK_CLOEXEC);

		if (peer < 0)
			continue;
		if (read(peer, in, sizeof in) >= SMALLEST_REQUEST &&
			write(peer, answer, answer_len) < 0)
			perror("write");
		close(peer);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	pthread_t thread;

	if (argc != 3)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	make_answer();
	snprintf(at.sun_path, sizeof at.sun_path, "%s", argv[1]);
	umask(0);
	listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listening, (struct sockaddr *)&at, sizeof at) != 0 || listen(listening, 1024) != 0)
		return 1;
	for (long threads = strtol(argv[2], NULL, 10); threads > 1; threads--)
		pthread_create(&thread, NULL, work, NULL);
	work(NULL);
	return 0;
}
