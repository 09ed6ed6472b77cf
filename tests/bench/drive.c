/* Asks FastCGI sockets as fast as they answer, without a web server: one request per connection.
 *
 * drive load SOCKET FILE CONNECTIONS COUNT SECONDS PAUSE_US [FIRST]
 *     The requests of FILE in turn (from FIRST on), COUNT of them (0: for SECONDS), over so many
 *     connections at once, each with this pause after an answer. Prints: answers, seconds, those
 *     that were neither 200 nor 303, and p50, p99, max in microseconds.
 * drive revoke WRITER READER FILE PAUSE_US
 *     FILE holds pairs: a check, and what ends its session. READER must say 200 to the check, then
 *     WRITER ends the session, then READER is asked until it refuses. Prints for each pair the
 *     microseconds from the writer's reply to the first refusal (-1: still let in after 2 s).
 *
 * FILE: requests as they go over the wire, each after its length (4 bytes, little endian).
 * A SOCKET of digits only is a TCP port of this machine. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
	CONNECTIONS_MAX = 256,
	MISSED_AFTER_US = 2000000,
	RECORD_HEADER = 8,
	RECORD_END = 3,
	ANSWER_MAX_BYTES = 12 * 1024
};

struct request {
	const char *bytes;
	size_t len;
};

struct address {
	struct sockaddr_storage at;
	socklen_t len;
};

struct load {
	struct address to;
	const struct request *request;
	size_t requests, count, first;
	useconds_t pause_us;
	double until;
	atomic_size_t next, bad;
	uint32_t *took_us;
	size_t room;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void give_up(const char *what)
{
	perror(what);
	exit(1);
}

static struct address address_of(const char *text)
{
	struct address out = { .len = 0 };
	struct sockaddr_un *path = (struct sockaddr_un *)&out.at;
	struct sockaddr_in *port = (struct sockaddr_in *)&out.at;

	if (text[strspn(text, "0123456789")] == '\0') {
		port->sin_family = AF_INET;
		port->sin_port = htons((uint16_t)strtoul(text, NULL, 10));
		port->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		out.len = sizeof *port;
		return out;
	}
	path->sun_family = AF_UNIX;
	snprintf(path->sun_path, sizeof path->sun_path, "%s", text);
	out.len = sizeof *path;
	return out;
}

/* All requests of the file; they stay mapped. */
static struct request *read_requests(const char *name, size_t *count)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	struct stat info;
	struct request *list = NULL;
	size_t n = 0, room = 0;

	if (fd < 0 || fstat(fd, &info) != 0)
		give_up(name);
	const char *at =
		mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (at == MAP_FAILED)
		give_up(name);
	for (const char *end = at + info.st_size; at < end;) {
		uint32_t len;

		memcpy(&len, at, sizeof len);
		if (n == room && !(list = realloc(list, (room = room * 2 + 64) * sizeof *list)))
			give_up("realloc");
		list[n++] = (struct request){ .bytes = at + sizeof len, .len = len };
		at += sizeof len + len;
	}
	close(fd);
	*count = n;
	return list;
}

/* Is the record that ends a request in what was read? */
static bool is_whole(const unsigned char *in, size_t len)
{
	for (size_t at = 0; at + RECORD_HEADER <= len;) {
		size_t size = RECORD_HEADER + (size_t)(in[at + 4] << 8 | in[at + 5]) + in[at + 6];

		if (in[at + 1] == RECORD_END)
			return at + size <= len;
		at += size;
	}
	return false;
}

/* The status of the answer, 0 when there was none. */
static int ask(const struct address *to, const struct request *request)
{
	unsigned char in[ANSWER_MAX_BYTES];
	size_t len = 0;
	ssize_t got = 1;
	int status = 0, fd = socket(to->at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&to->at, to->len) != 0)
		give_up("connect");
	if (send(fd, request->bytes, request->len, MSG_NOSIGNAL) == (ssize_t)request->len)
		while (!is_whole(in, len) && len < sizeof in - 1 &&
			(got = read(fd, in + len, sizeof in - 1 - len)) > 0)
			len += (size_t)got;
	close(fd);
	in[len] = '\0';
	if (len > RECORD_HEADER)
		sscanf((const char *)in + RECORD_HEADER, "Status: %d", &status);
	return status;
}

static void *load_work(void *argument)
{
	struct load *load = argument;

	for (;;) {
		size_t i = atomic_fetch_add(&load->next, 1);
		double start = now();

		if (i >= load->room || (load->count ? i >= load->count : start >= load->until))
			return NULL;
		int status = ask(&load->to, &load->request[(load->first + i) % load->requests]);
		if (status != 200 && status != 303)
			atomic_fetch_add(&load->bad, 1);
		load->took_us[i] = (uint32_t)((now() - start) * 1e6) + 1;
		if (load->pause_us)
			usleep(load->pause_us);
	}
}

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static int load_main(char **argv)
{
	struct load load = { .to = address_of(argv[2]) };
	pthread_t thread[CONNECTIONS_MAX];
	size_t connections = strtoul(argv[4], NULL, 10), answers = 0;

	load.request = read_requests(argv[3], &load.requests);
	load.count = strtoul(argv[5], NULL, 10);
	load.pause_us = (useconds_t)strtoul(argv[7], NULL, 10);
	load.first = argv[8] ? strtoul(argv[8], NULL, 10) : 0;
	load.room = load.count ? load.count : 20000000;
	if (connections < 1 || connections > CONNECTIONS_MAX || load.requests == 0 ||
		!(load.took_us = calloc(load.room, sizeof *load.took_us)))
		return 2;
	double start = now();
	load.until = start + strtod(argv[6], NULL);
	for (size_t i = 0; i < connections; i++)
		if (pthread_create(&thread[i], NULL, load_work, &load) != 0)
			give_up("pthread_create");
	for (size_t i = 0; i < connections; i++)
		pthread_join(thread[i], NULL);
	double took = now() - start;
	for (size_t i = 0; i < load.room && i < load.next; i++)
		if (load.took_us[i] != 0)
			load.took_us[answers++] = load.took_us[i];
	qsort(load.took_us, answers, sizeof *load.took_us, by_size);
	printf("%zu %.6f %zu %u %u %u\n", answers, took, load.bad, load.took_us[answers / 2],
		load.took_us[answers * 99 / 100], load.took_us[answers ? answers - 1 : 0]);
	return 0;
}

static long revoke_one(const struct address *writer, const struct address *reader,
	const struct request *check, const struct request *end)
{
	if (ask(reader, check) != 200 || ask(writer, end) != 200) {
		fprintf(stderr, "a session that was not let in, or could not be ended\n");
		exit(1);
	}
	double start = now();
	for (;;) {
		int status = ask(reader, check);
		double took = (now() - start) * 1e6;

		if (status != 200)
			return (long)took;
		if (took > MISSED_AFTER_US)
			return -1;
	}
}

static int revoke_main(char **argv)
{
	struct address writer = address_of(argv[2]), reader = address_of(argv[3]);
	useconds_t pause = (useconds_t)strtoul(argv[5], NULL, 10);
	size_t count;
	const struct request *request = read_requests(argv[4], &count);

	for (size_t i = 0; i + 1 < count; i += 2) {
		printf("%ld\n", revoke_one(&writer, &reader, &request[i], &request[i + 1]));
		fflush(stdout);
		if (pause)
			usleep(pause);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if ((argc == 8 || argc == 9) && strcmp(argv[1], "load") == 0)
		return load_main(argv);
	if (argc == 6 && strcmp(argv[1], "revoke") == 0)
		return revoke_main(argv);
	fprintf(stderr, "see the head of drive.c\n");
	return 2;
}
