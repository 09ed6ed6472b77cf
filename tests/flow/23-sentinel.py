"""A master, its replicas and sentinels: Doorward follows a failover, and uses no server that is not the master."""

import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"))
import nodes
from nodes import Client, check_equal
from sentinels import MASTER, LiarSite, SentinelSite
from stores import Traffic, until


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
        check_equal(site.master().clients() != [], True, "Doorward's connections are found")

    def a_master_that_dies_is_followed_without_a_restart(self):
        site = self.site
        old = self.old = site.master()
        traffic = Traffic(site, 4)
        time.sleep(1)
        traffic.quiet()
        site.look_closely(500)
        old.kill()
        killed = time.monotonic()
        until(lambda: site.master() is not old, 60, "another master")
        site.look_closely(10000)
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
        site.sentinels[0].fail_over(MASTER, lambda: site.master() is not before)
        until(lambda: before.clients() == [], 6, "Doorward leaves the old master")
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
    site = LiarSite("stale", 1, ("mirror.enabled=no", "store.timeout_ms=1000"))
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
