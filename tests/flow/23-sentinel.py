"""A master, its replicas and sentinels: Doorward follows a failover, and uses no server that is not the master."""

import os
import socketserver
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"))
import nodes
from nodes import Client, check_equal
from stores import Server, StoreSite, Traffic, free_port, until

MASTER = "doorward-master"
PASSWORD = "for-the-sentinels"


def pair(site, count):
    """A master and its replicas, in step."""
    data = [Server(site, "r0")]
    site.servers += data
    for i in range(1, count):
        data.append(Server(site, f"r{i}", "--replicaof", "127.0.0.1", str(data[0].port)))
        site.servers.append(data[i])
    for replica in data[1:]:
        until(lambda r=replica: r.info("master_link_status") == "up", what="a replica in step")
    return data


class SentinelSite(StoreSite):
    """One master, two replicas, three sentinels that want a password."""

    def _start_redis(self):
        self.data = pair(self, 3)
        self.redis = nodes.Redis(self.data[0].path)
        text = (f"sentinel monitor {MASTER} 127.0.0.1 {self.data[0].port} 2\n"
                f"sentinel down-after-milliseconds {MASTER} 500\nsentinel failover-timeout {MASTER} 3000\n"
                f"user default on >{PASSWORD} ~* &* +@all\n"
                f"user doorward on >{PASSWORD} +sentinel|get-master-addr-by-name +ping +auth\nsentinel sentinel-pass {PASSWORD}\n")
        self.sentinels = [Server(self, f"sentinel{i}", sentinel=text, password=PASSWORD) for i in range(3)]
        self.servers += self.sentinels
        for sentinel in self.sentinels:
            until(lambda s=sentinel: self.knows(s), what="sentinels that know each other")
        self.url = "sentinel://doorward@" + ",".join(f"127.0.0.1:{s.port}" for s in self.sentinels) + f"/{MASTER}"

    def write_settings(self, values, count):
        with open(f"{self.state}/sentinel-password", "w") as f:
            os.chmod(f.name, 0o600)
            f.write(PASSWORD + "\n")
        super().write_settings({"store.sentinel_password_file": f.name, "store.sentinel_user": "doorward", **values},
                               count)

    def knows(self, sentinel):
        fields = sentinel.ask("SENTINEL", "MASTER", MASTER)
        fields = dict(zip(fields[::2], fields[1::2]))
        return fields["num-other-sentinels"] == "2" and fields["num-slaves"] == "2"

    def master(self):
        """As the sentinels have it."""
        port = int(self.sentinels[0].ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER)[1])
        return next(s for s in self.data if s.port == port)

    def settled(self):
        """All replicas have what the master has."""
        offset = self.master().info("master_repl_offset")
        return all(s.process.poll() is not None or s.info("master_repl_offset") == offset for s in self.data)


class Case:
    """The cases are parts of one run, in this order."""

    def __init__(self):
        self.site = None

    def all_is_well_before_anything_breaks(self):
        self.site = site = SentinelSite("sentinel", 2)
        site.add_user("alice")
        self.client = Client(site).signed_in("alice")
        for node in (0, 1):
            check_equal(self.client.check(node).status, 200)

    def a_master_that_dies_is_followed_without_a_restart(self):
        site = self.site
        old = self.old = site.master()
        traffic = Traffic(site, 4)
        time.sleep(1)
        traffic.quiet()
        old.kill()
        killed = time.monotonic()
        until(lambda: site.master() is not old, 15, "another master")
        elected = time.monotonic() - killed
        traffic.refused_at = time.monotonic()
        traffic.quiet(1)
        recovered = traffic.refused_at - killed
        new = site.master()
        # What the old master had and no replica got is lost with it: sessions of its last moment.
        redis = nodes.Redis(new.path)
        self.site.redis = redis
        books = traffic.stop()
        check_equal(self.client.check(0).status, 200, "a session of before")
        check_equal(self.client.refresh(1).status, 200, "its refresh")
        check_equal(books.count("check 200") > 100, True, f"checks: {books.counts}")
        print(f"  elected {elected:.1f} s after the kill, the last refusal at {recovered:.1f} s, longest answer "
              f"{books.longest * 1000:.0f} ms; {dict(sorted(books.counts.items()))}", flush=True)
        check_equal(recovered < elected + 10, True, "back soon after the election")

    def a_stale_master_that_comes_back_is_not_used(self):
        """For some seconds it believes that it is the master; its sentinels know better."""
        site, old = self.site, self.old
        old.start()
        check_equal(old.role(), "master")
        client = Client(site).signed_in("alice")
        while old.role() == "master":
            check_equal(client.check(0).status, 200)
            check_equal(old.clients(), [], "Doorward's connections to the stale master")
            time.sleep(0.05)
        until(lambda: old.info("master_link_status") == "up", what="the old master in step")

    def a_failover_by_hand_throws_nobody_out(self):
        """The old master goes on as one for some seconds, and what is written there will be lost. No session ends
        but those that were made there before the sentinels' new answer was heard."""
        site = self.site
        traffic = Traffic(site, 4, sign_out=False)
        time.sleep(0.5)
        before = site.master()
        site.sentinels[0].ask("SENTINEL", "FAILOVER", MASTER)
        until(lambda: site.master() is not before, 15, "another master")
        until(lambda: before.clients() == [], 2, "Doorward leaves the old master")
        traffic.quiet(1)
        traffic.stop()
        # The mirror follows the new master too: what is written there counts at once.
        client = Client(site).signed_in("alice")
        site.redis = nodes.Redis(site.master().path)
        for node in (0, 1):
            reply = client.check(node)
            check_equal(reply.status, 200, f"node {node}: {reply}")
        site.redis("HSET", f"dw:user:{{{nodes.uid_of('alice')}}}", "disabled", "1")
        nodes.settled(site, lambda: check_equal([client.check(n).status for n in (0, 1)], [401, 401], "a disabled user"))

    def sentinels_that_hang_or_are_gone_do_not_stop_a_healthy_master(self):
        site = self.site
        site.redis("HDEL", f"dw:user:{{{nodes.uid_of('alice')}}}", "disabled")
        client = Client(site).signed_in("alice")
        site.sentinels[0].stop()
        site.sentinels[1].kill()
        for _ in range(30):
            check_equal(client.check(0).status, 200)
            check_equal(client.refresh(0).status, 200)
            time.sleep(0.05)
        site.sentinels[0].go_on()

    def end(self):
        wrong = self.site.close()
        if wrong:
            raise AssertionError(wrong)


class LiarSite(StoreSite):
    """Two servers, and a sentinel that says what the test wants."""

    def _start_redis(self):
        self.data = pair(self, 2)
        self.redis = nodes.Redis(self.data[0].path)
        self.named = self.data[0]
        site = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                while self.rfile.readline():
                    words = [self.rfile.readline() and self.rfile.readline() for _ in range(3)]
                    if not words[-1]:
                        return
                    port = str(site.named.port).encode()
                    self.wfile.write(b"*2\r\n$9\r\n127.0.0.1\r\n$%d\r\n%s\r\n" % (len(port), port))

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = daemon_threads = True
        self.sentinel = Server(("127.0.0.1", free_port()), Handler)
        threading.Thread(target=self.sentinel.serve_forever, daemon=True).start()
        self.url = f"sentinel://127.0.0.1:{self.sentinel.server_address[1]}/{MASTER}"

    def swap(self, cut):
        """The old master becomes a replica that hears nothing of the new one. cut: connections end, as Sentinel does
        it. What the sentinel says stays."""
        a, b = (self.data[0], self.data[1]) if self.data[0].role() == "master" else (self.data[1], self.data[0])
        b.ask("REPLICAOF", "NO", "ONE")
        a.ask("REPLICAOF", "127.0.0.1", free_port())
        if cut:
            a.ask("CLIENT", "KILL", "TYPE", "normal")
        self.redis = nodes.Redis(b.path)
        return b


def a_demoted_master_that_cuts_nobody_off_is_left_at_once(mirror):
    site = LiarSite("liar", 1, (f"mirror.enabled={mirror}",))
    try:
        site.add_user("alice")
        client = Client(site).signed_in("alice")
        for _ in range(20):
            check_equal(client.check().status, 200)
        until(lambda: site.data[1].info("master_repl_offset") == site.data[0].info("master_repl_offset"))
        new = site.swap(cut=False)
        site.named = new
        # Within the request's time: no answer but the right one.
        check_equal(client.refresh().status, 200, "a refresh")
        site.redis("HSET", f"dw:user:{{{nodes.uid_of('alice')}}}", "disabled", "1")
        time.sleep(0.4 if mirror == "yes" else 0)
        check_equal(client.check().status, 401, "what is written at the new master counts")
    finally:
        wrong = site.close()
    check_equal(wrong, None)


def a_server_that_is_no_master_is_never_asked(cut):
    """The sentinel still names the old one: nobody is let in by what a replica says, nobody is thrown out."""
    site = LiarSite("stale", 1, ("mirror.enabled=no", "store.timeout_ms=300"))
    try:
        site.add_user("alice")
        client = Client(site).signed_in("alice")
        check_equal(client.check().status, 200)
        until(lambda: site.data[1].info("master_repl_offset") == site.data[0].info("master_repl_offset"))
        new = site.swap(cut)
        jar = dict(client.jar)
        for _ in range(3):
            check_equal(client.check().status, 503)
            check_equal(client.refresh().status, 503)
        check_equal(client.jar, jar, "cookies after refusals")
        site.named = new
        until(lambda: client.check().status == 200, what="the new master's answer")
        check_equal(client.refresh().status, 200)
    finally:
        wrong = site.close()
    check_equal(wrong, None)


def wrong_sentinel_settings_refuse_to_start():
    site = LiarSite("forms", 1)
    try:
        for url, words in (("sentinel://h", "the name that the sentinels have"), ("sentinel://h/m/x", "a database"),
                           ("cluster://h/1", "no numbered databases"), ("sentinel://u@h/m", "no password_file")):
            site.values["store.url"] = url
            site.write_settings(site.values, 1)
            done = site.ctl("user", "list", status=None)
            check_equal((done.returncode != 0, words in done.stderr, "[store] url" in done.stderr),
                        (True, True, True), f"{url}: {done.stderr}")
    finally:
        wrong = site.close()
    check_equal(wrong, None)


run = Case()
nodes.main([(name, getattr(run, name)) for name in (
    "all_is_well_before_anything_breaks", "a_master_that_dies_is_followed_without_a_restart",
    "a_stale_master_that_comes_back_is_not_used", "a_failover_by_hand_throws_nobody_out",
    "sentinels_that_hang_or_are_gone_do_not_stop_a_healthy_master", "end")] + [
    ("a_demoted_master_that_cuts_nobody_off_is_left_at_once", lambda: a_demoted_master_that_cuts_nobody_off_is_left_at_once("no")),
    ("a_demoted_master_that_cuts_nobody_off_is_left_at_once_by_the_mirror", lambda: a_demoted_master_that_cuts_nobody_off_is_left_at_once("yes")),
    ("a_server_that_is_no_master_is_never_asked", lambda: a_server_that_is_no_master_is_never_asked(True)),
    ("a_server_that_is_no_master_is_never_asked_on_connections_of_before", lambda: a_server_that_is_no_master_is_never_asked(False)),
    ("wrong_sentinel_settings_refuse_to_start", wrong_sentinel_settings_refuse_to_start)])
