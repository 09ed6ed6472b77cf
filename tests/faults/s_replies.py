"""What comes from Redis comes slowly, late, in part, or is nonsense: a proxy sits in between."""

import itertools
import os
import time

from proxy import Count, CutAfter, Proxy, drip
from sites import FaultSite
from stage import scenario
from traffic import Visitor


class ProxySite(FaultSite):
    """All nodes ask through the proxy; or node 1 alone, which the traffic leaves in peace."""

    proxied = (0, 1)

    def _start_redis(self):
        super()._start_redis()
        self.proxy = Proxy(f"{self.state}/proxy.sock", self.store.path)

    def write_settings(self, values, count):
        for node in range(count):
            url = f"unix:{self.state}/proxy.sock?user=doorward" if node in self.proxied else self.url
            super().write_settings({"store.url": url, **self.settings_of(node), **values}, count)
            os.rename(self.settings_file(node), self.settings_file(node) + ".made")
        for node in range(count):
            os.rename(self.settings_file(node) + ".made", self.settings_file(node))

    def settings_of(self, node):
        return {}


@scenario(quick=True, site=ProxySite)
def redis_drips_one_byte_at_a_time(stage):
    """The deadline counts for the whole exchange, not for each byte."""
    with stage.fault(hangs=True):
        stage.site.proxy.replies = drip(0.03)
        stage.go_on(1.8)
        stage.site.proxy.plain()


@scenario(site=ProxySite)
def replies_come_later_than_the_deadline(stage):
    """And are nobody else's answer: each 200 names its own user and session."""
    def late(connection, data):
        time.sleep(1.1)
        return data
    with stage.fault(hangs=True):
        stage.site.proxy.replies = late
        stage.go_on(2)
        stage.site.proxy.plain()


@scenario(site=ProxySite)
def requests_arrive_and_replies_are_swallowed(stage):
    """Redis does what it is asked, and nobody hears of it: a refresh is repeated and gives the same token."""
    rotated = lambda: int(stage.store.info("total_writes_processed") or 0)
    before = rotated()
    with stage.fault(hangs=True):
        stage.site.proxy.replies = lambda connection, data: b""
        stage.go_on(1.8)
        stage.site.proxy.plain()
        cut_all(stage)
    stage.note(f"{rotated() - before} writes")


def cut_all(stage):
    stage.store.ask("CLIENT", "KILL", "USER", "doorward")


NONSENSE = (b"HTTP/1.1 400 Bad Request\r\n\r\n<html>", b"*1\r\n" * 12 + b":1\r\n", b"$536870912\r\n", b"*2147483647\r\n", b"$-7\r\nx\r\n",
            b"*-5\r\n", b":99999999999999999999999\r\n", b"+OK\r\n" * 50, b"\0" * 300, b"*3\r\n$2\r\nok\r\n", b"$3\r\nabcde\r\n",
            b"*-1\r\n", b"$-1\r\n", b":1\r\n", b"-\r\n", b"!", b"%1\r\n+a\r\n+b\r\n", b"_\r\n", b"*0\r\n", b"+ok\r\n")


@scenario(quick=True, site=ProxySite)
def redis_answers_nonsense(stage):
    """And what has the form of an answer but is none: nobody is let in by it, nobody is thrown out."""
    kinds = itertools.cycle(NONSENSE)
    with stage.fault(hangs=True):
        stage.site.proxy.replies = lambda connection, data: next(kinds)
        stage.go_on(1.5)
        stage.site.proxy.plain()
        cut_all(stage)


class AsideSite(ProxySite):
    """Node 1 asks through the proxy, without a mirror, and nobody but the scenario asks node 1."""

    proxied = (1,)

    def settings_of(self, node):
        """The deadline is not the subject, and the proxy shares this process with the traffic."""
        own = {"mirror.enabled": "no", "server.responder_threads": "1", "server.authorizer_threads": "1", "store.timeout_ms": "4000"}
        return own if node == 1 else {}


class Cuts:
    """Does something on node 1 again and again, with the connection to Redis cut after each number of bytes."""

    def __init__(self, stage):
        self.stage, self.proxy = stage, stage.site.proxy
        self.visitor = Visitor(stage, "victim", 150)
        self.session = stage.must(self.visitor.sign_in(1))

    def act(self, kind):
        if kind == "sign-in":
            self.session.state = "unknown"  # of hundreds, the last is asked in the end
            self.session = self.visitor.sign_in(1) or self.session
            return self.session.state == "alive"
        return (self.visitor.check if kind == "check" else self.visitor.refresh)(self.session, 1)

    def measure(self, kind):
        """How many bytes of replies it takes: connections are open, scripts are loaded."""
        self.act(kind)
        count = self.proxy.replies = Count()
        self.stage.must(self.act(kind))
        self.proxy.plain()
        return count.bytes

    def at_every_byte(self, kind, step=1):
        size = self.measure(kind)
        refused = {True: 0, False: 0}
        for once in (True, False):
            for at in range(0, size, step):
                self.proxy.replies = CutAfter(self.proxy, at, once)
                refused[once] += not self.act(kind)
                self.proxy.plain()
                self.stage.shows(self.act(kind), f"{kind}: no good answer after a cut at byte {at}")
        self.stage.note(f"{kind}: {size} bytes; cut once: {refused[True]} refused, cut again and again: {refused[False]} refused")
        return size, refused


def cut(stage, kind, step=1):
    """Nobody but the victim may notice: traffic goes on at node 0."""
    cuts = Cuts(stage)
    with stage.fault():
        size, refused = cuts.at_every_byte(kind, step)
    stage.shows(refused[False] > size / step / 2, "connections that were cut for good were hardly felt")
    own = ("victim", "prober")
    others = [e for e in stage.books.events if e.truth == "alive" and not e.good and e.session and e.session.user not in own]
    stage.shows(not others, f"others were refused: {others[:3]}")


@scenario(site=AsideSite, traffic=[0], pace=0.03)
def the_connection_is_cut_at_every_byte_of_a_check(stage):
    cut(stage, "check")


@scenario(site=AsideSite, traffic=[0], pace=0.03)
def the_connection_is_cut_at_every_byte_of_a_refresh(stage):
    cut(stage, "refresh")


@scenario(site=AsideSite, traffic=[0], pace=0.03, users_file=True)
def the_connection_is_cut_at_every_byte_of_a_sign_in(stage):
    cut(stage, "sign-in")
