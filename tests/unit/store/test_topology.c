#include "check.h"

#include "store/topology_own.h"

static void slots_are_those_of_the_specification(void)
{
	/* redis.io, cluster specification: CRC16 of "123456789" is 0x31C3. */
	CHECK_INT(topology_slot("123456789"), 0x31C3 % 16384);
	/* As CLUSTER KEYSLOT has them. */
	CHECK_INT(topology_slot("foo"), 12182);
	CHECK_INT(topology_slot("somekey"), 11058);
	CHECK_INT(topology_slot(""), 0);
}

static void only_the_first_tag_that_is_not_empty_counts(void)
{
	CHECK_INT(topology_slot("dw:user:{abc}"), topology_slot("abc"));
	CHECK_INT(topology_slot("dw:session:{abc}:xyz"), topology_slot("dw:user:{abc}"));
	CHECK_INT(topology_slot("foo{{bar}}zap"), topology_slot("{bar"));
	CHECK_INT(topology_slot("foo{bar}{zap}"), topology_slot("bar"));
	CHECK(topology_slot("foo{}{bar}") != topology_slot("bar"));
	CHECK_INT(topology_slot("foo{bar"), topology_slot("foo{bar"));
	CHECK(topology_slot("foo{bar") != topology_slot("bar"));
}

static const char *key_of(struct store_command command)
{
	const char *key = topology_key(&command);
	return key ? key : "any node";
}

static void the_key_of_a_command_says_where_it_goes(void)
{
	struct store_command script = store_call(STORE_SESSION_END, 3, true);
	store_arg(&script, "dw:session:{u}:s");
	CHECK_TEXT(key_of(script), "dw:session:{u}:s");
	CHECK_TEXT(key_of(store_read("HMGET", "dw:user:{u}", "name", NULL)), "dw:user:{u}");
	CHECK_TEXT(key_of(store_read("XADD", "dw:events", "*", "a", "b", NULL)), "dw:events");
	CHECK_TEXT(key_of(store_read("TIME", NULL)), "any node");
	CHECK_TEXT(key_of(store_read("multi", NULL)), "any node");
	CHECK_TEXT(key_of(store_read("WAIT", "1", "100", NULL)), "any node");
	CHECK_TEXT(key_of(store_read("SCAN", "0", NULL)), "any node");
}

static struct topology_redirect to;

static bool parse(const char *text)
{
	return topology_parse_redirect(&to, text);
}

static void redirections_say_slot_and_address(void)
{
	CHECK(parse("MOVED 3999 127.0.0.1:6381"));
	CHECK(!to.asking);
	CHECK_INT(to.slot, 3999);
	CHECK_TEXT(to.host, "127.0.0.1");
	CHECK_TEXT(to.port, "6381");
	CHECK(parse("ASK 16383 redis-1.example.org:7000"));
	CHECK(to.asking);
	CHECK_INT(to.slot, 16383);
	CHECK_TEXT(to.host, "redis-1.example.org");
	CHECK(parse("MOVED 0 fe80::1:6381"));
	CHECK_TEXT(to.host, "fe80::1");
	/* The same host as the one that says so. */
	CHECK(parse("MOVED 1 :6381"));
	CHECK_TEXT(to.host, "");
}

static void what_is_no_redirection_is_none(void)
{
	const char *texts[] = { "", "MOVED", "MOVED ", "MOVED 1", "MOVED 1 ", "MOVED 1 host",
		"MOVED 1 host:", "MOVED 1 host:0", "MOVED 1 host:65536", "MOVED 1 host:6x",
		"MOVED 16384 h:1", "MOVED -1 h:1", "MOVED 99999999999 h:1", "MOVED x h:1",
		"ASKING 1 h:1", "ERR MOVED 1 h:1", "moved 1 h:1" };
	char host[400];
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (parse(texts[i]))
			fprintf(stderr, "accepted: %s\n", texts[i]);
		CHECK(!parse(texts[i]));
	}
	memset(host, 'a', sizeof(host));
	memcpy(host, "MOVED 1 ", 8);
	memcpy(host + sizeof(host) - 5, ":123", 5);
	CHECK(!parse(host));
}

static void a_line_of_cluster_info_is_found_by_its_whole_name(void)
{
	const char *info = "cluster_state:ok\r\ncluster_known_nodes:6\r\ncluster_size:3\r\n"
			   "cluster_current_epoch:17\r\n";
	CHECK_INT(topology_info(info, "cluster_current_epoch"), 17);
	CHECK_INT(topology_info(info, "cluster_known_nodes"), 6);
	CHECK_INT(topology_info(info, "known_nodes"), -1);
	CHECK_INT(topology_info(info, "cluster_current"), -1);
	CHECK_INT(topology_info("", "cluster_size"), -1);
}

int main(void)
{
	RUN(slots_are_those_of_the_specification);
	RUN(only_the_first_tag_that_is_not_empty_counts);
	RUN(the_key_of_a_command_says_where_it_goes);
	RUN(redirections_say_slot_and_address);
	RUN(what_is_no_redirection_is_none);
	RUN(a_line_of_cluster_info_is_found_by_its_whole_name);
	return check_result();
}
