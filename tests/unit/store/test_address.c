#include "check.h"

#include "store/address.h"

static struct address address;
#define parsed address.server
static char why[256];

static const char *parse(const char *url)
{
	why[0] = '\0';
	return address_parse(&address, url, why, sizeof(why)) ? parsed.name : "refused";
}

static void a_unix_socket_is_a_path(void)
{
	CHECK_TEXT(parse("unix:/run/redis/redis.sock"), "unix:/run/redis/redis.sock");
	CHECK_TEXT(parsed.path, "/run/redis/redis.sock");
	CHECK_TEXT(parsed.database, "");
	CHECK_TEXT(parsed.user, "");
}

static void a_unix_socket_may_have_a_database_and_a_user(void)
{
	CHECK_TEXT(parse("unix:/r.sock?db=7&user=doorward"), "unix:/r.sock");
	CHECK_TEXT(parsed.database, "7");
	CHECK_TEXT(parsed.user, "doorward");
}

static void a_host_has_the_usual_port(void)
{
	CHECK_TEXT(parse("redis://db.example.org"), "db.example.org:6379");
	CHECK_TEXT(parse("redis://db.example.org/"), "db.example.org:6379");
	CHECK_TEXT(parsed.path, "");
}

static void a_host_may_have_a_port_a_user_and_a_database(void)
{
	CHECK_TEXT(parse("redis://doorward@10.0.0.7:6390/12"), "10.0.0.7:6390");
	CHECK_TEXT(parsed.host, "10.0.0.7");
	CHECK_TEXT(parsed.port, "6390");
	CHECK_TEXT(parsed.user, "doorward");
	CHECK_TEXT(parsed.database, "12");
}

static void an_ipv6_address_stands_in_brackets(void)
{
	CHECK_TEXT(parse("redis://[::1]:7000/3"), "[::1]:7000");
	CHECK_TEXT(parsed.host, "::1");
	CHECK_TEXT(parse("redis://[fe80::1]"), "[fe80::1]:6379");
	CHECK_TEXT(parse("redis://[::1"), "refused");
	CHECK_TEXT(parse("redis://[::1]7000"), "refused");
	CHECK_TEXT(parse("redis://::1"), "refused");
}

static void a_password_in_the_url_is_refused_and_not_repeated(void)
{
	const char *urls[] = { "redis://:s3cret@host", "redis://user:s3cret@host:6379/1",
		"redis://user:s3@cret@host", "redis://u:s3cret/@host",
		"unix:/r.sock?password=s3cret", "redis://host?password=s3cret" };
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		CHECK_TEXT(parse(urls[i]), "refused");
		CHECK(!strstr(why, "cret"));
	}
	CHECK_TEXT(parse("redis://:s3cret@host"), "refused");
	CHECK(strstr(why, "password_file"));
}

static void what_is_no_url_of_redis_is_refused_with_a_sentence(void)
{
	const char *urls[] = { "", "localhost", "localhost:6379", "http://localhost",
		"unix:", "unix:redis.sock", "unix:/r?", "unix:/r?db=", "unix:/r?db=x",
		"unix:/r?db=-1", "unix:/r?db=1&", "unix:/r?db=1&x=2", "redis://", "redis:///1",
		"redis://host:", "redis://host:0", "redis://host:65536", "redis://host:6379x",
		"redis://host/x", "redis://host/1/2", "redis://host/1x", "redis://@host",
		"redis://host?db=1", "redis://host#1", "redis://a,b" };
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		const char *got = parse(urls[i]);
		if (strcmp(got, "refused") != 0)
			fprintf(stderr, "accepted: %s\n", urls[i]);
		CHECK_TEXT(got, "refused");
		CHECK(strlen(why) > 20);
	}
}

static void sentinels_stand_before_the_name_of_the_master(void)
{
	CHECK_TEXT(parse("sentinel://app@s1,s2:26380,[::1]:26381/main/3"), "");
	CHECK_INT(address.kind, ADDRESS_SENTINEL);
	CHECK_INT(address.seeds, 3);
	CHECK_TEXT(address.seed[0].name, "s1:26379");
	CHECK_TEXT(address.seed[1].name, "s2:26380");
	CHECK_TEXT(address.seed[2].name, "[::1]:26381");
	CHECK_TEXT(address.master, "main");
	CHECK_TEXT(address.server.user, "app");
	CHECK_TEXT(address.seed[0].user, "");
	CHECK_TEXT(address.server.database, "3");
	CHECK_TEXT(parse("sentinel://s1/main"), "");
	CHECK_TEXT(address.server.database, "");
	const char *urls[] = { "sentinel://", "sentinel://h", "sentinel://h/", "sentinel:///main",
		"sentinel://h,/main", "sentinel://h:x/main", "sentinel://h/main/x",
		"sentinel://h/main/1/2", "sentinel://h/main?db=1", "sentinel://u:p@h/main",
		"sentinel://a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q/main" };
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		CHECK_TEXT(parse(urls[i]), "refused");
		CHECK(strstr(why, "[store] url"));
		CHECK(strstr(why, "sentinel://[USER@]HOST"));
	}
}

static void a_cluster_is_some_of_its_nodes_and_no_database(void)
{
	CHECK_TEXT(parse("cluster://app@n1:7000,n2"), "");
	CHECK_INT(address.kind, ADDRESS_CLUSTER);
	CHECK_INT(address.seeds, 2);
	CHECK_TEXT(address.seed[1].name, "n2:6379");
	CHECK_TEXT(address.server.user, "app");
	CHECK_TEXT(parse("cluster://n1/"), "");
	CHECK_TEXT(parse("cluster://n1/1"), "refused");
	CHECK(strstr(why, "no numbered databases"));
	CHECK_TEXT(parse("cluster://"), "refused");
	CHECK_TEXT(parse("cluster://n1,n2/main"), "refused");
}

static void tls_is_a_scheme_of_its_own(void)
{
	CHECK_TEXT(parse("rediss://u@host:6380/2"), "host:6380");
	CHECK(address.tls);
	CHECK_TEXT(parse("redis://host"), "host:6379");
	CHECK(!address.tls);
	CHECK_TEXT(parse("rediss://u:s3cret@host"), "refused");
	CHECK(!strstr(why, "cret"));
}

static void what_is_too_long_is_refused_and_not_cut(void)
{
	char url[600];
	memset(url, 'a', sizeof(url));
	url[sizeof(url) - 1] = '\0';
	memcpy(url, "redis://", 8);
	CHECK_TEXT(parse(url), "refused");
	memcpy(url, "unix:/aa", 8);
	CHECK_TEXT(parse(url), "refused");
	url[5 + 108] = '\0';
	CHECK_TEXT(parse(url), "refused");
	url[5 + 107] = '\0';
	CHECK(strcmp(parse(url), "refused") != 0);
}

int main(void)
{
	RUN(a_unix_socket_is_a_path);
	RUN(a_unix_socket_may_have_a_database_and_a_user);
	RUN(a_host_has_the_usual_port);
	RUN(a_host_may_have_a_port_a_user_and_a_database);
	RUN(an_ipv6_address_stands_in_brackets);
	RUN(a_password_in_the_url_is_refused_and_not_repeated);
	RUN(what_is_no_url_of_redis_is_refused_with_a_sentence);
	RUN(sentinels_stand_before_the_name_of_the_master);
	RUN(a_cluster_is_some_of_its_nodes_and_no_database);
	RUN(tls_is_a_scheme_of_its_own);
	RUN(what_is_too_long_is_refused_and_not_cut);
	return check_result();
}
