"""Doorward is killed, hangs, or is not there, behind each of the real web servers: what is protected is not served.

Doorward is started again by a program that watches it, as systemd does. A web server says what it says of a check that
fails: 500, 502, 503 or 504; to whoever may see the page and to whoever may not.
"""

import http.client
import os
import shutil
import signal
import sys
import tempfile
import urllib.parse

import nodes
from nodes import ACCESS, NAVIGATION, SCRIPT
from stage import Stage, scenario

sys.path.append(f"{nodes.ROOT}/tests/flow")
import harness

WATCHER = """#!/bin/bash
# Starts {program} again when it has ended, unless {folder}/hold is there.
child=
trap '[ -z "$child" ] || kill -TERM $child; wait; exit 0' TERM
while :; do
	while [ -e {folder}/hold ]; do sleep 0.02; done
	{program} "$@" &
	child=$!
	echo $child >{folder}/pid.new && mv {folder}/pid.new {folder}/pid
	wait $child
	child=
	sleep 0.3
done
"""


class WebReply:
    """As nodes.Reply, of what a web server said."""

    def __init__(self, response, body):
        self.status, self.headers, self.text, self.answer = response.status, response.headers, body.decode("utf-8", "replace"), self
        self.cookies = {}
        for line in response.headers.get_all("Set-Cookie") or []:
            pair, *attributes = line.split(";")
            name, _, value = pair.partition("=")
            ages = [int(a.strip()[8:]) for a in attributes if a.strip().lower().startswith("max-age=")]
            self.cookies[name] = (value, ages[0] if ages else None)

    given, taken = nodes.Reply.given, nodes.Reply.taken
    error = None

    def header(self, name):
        return self.headers.get(name)

    def __repr__(self):
        return f"<{self.status} {self.text[:80]!r}>"


class WebClient:
    """As nodes.Client, over HTTPS."""

    def __init__(self, site, address=None):
        self.site, self.jar = site, {}

    @staticmethod
    def identity(reply):
        return None

    def request(self, method, uri, jar, headers, body=None):
        sent = {name[5:].replace("_", "-").title(): value for name, value in headers}
        cookies = {n: v for n, v in jar.items() if uri.startswith("/auth") or n == ACCESS}
        sent |= {"Connection": "close", "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Faults/1.0"}
        if cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        if body is not None:
            sent |= {"Origin": self.site.url, "Content-Type": "application/x-www-form-urlencoded"}
        connection = http.client.HTTPSConnection("localhost", self.site.port, context=self.site.tls, timeout=20)
        try:
            connection.request(method, uri, body=body, headers=sent)
            response = connection.getresponse()
            return WebReply(response, response.read())
        except http.client.HTTPException as error:
            raise ConnectionError(repr(error)) from error
        finally:
            connection.close()

    def check(self, node=0, jar=None):
        return self.request("GET", "/private/1k.txt", self.jar if jar is None else jar, SCRIPT)

    def page(self, method, uri, node=0, fields=None, navigation=False, jar=None, keep=True):
        body = urllib.parse.urlencode(fields or {}) if method == "POST" else None
        reply = self.request(method, uri, self.jar if jar is None else jar, NAVIGATION if navigation else SCRIPT, body)
        if keep:
            self.keep(reply)
        return reply

    def refresh(self, node=0, jar=None, keep=True):
        return self.page("POST", "/auth/refresh", node, jar=jar, keep=keep)

    def keep(self, reply):
        for name, (value, age) in reply.cookies.items():
            if value and age != 0:
                self.jar[name] = value
            else:
                self.jar.pop(name, None)


class WebSite(harness.Site):
    """A demo whose Doorward is watched."""

    count = 1

    def __init__(self, name, server):
        self.folder = tempfile.mkdtemp(prefix="doorward-f.", dir="/tmp")
        with open(f"{self.folder}/doorward", "w") as f:
            f.write(WATCHER.format(program=nodes.program("doorward"), folder=self.folder))
        os.chmod(f.name, 0o755)
        os.symlink(nodes.program("doorwardctl"), f"{self.folder}/doorwardctl")
        harness.BUILD = self.folder
        super().__init__(f"faults-{server}", server, settings=("throttle.per_both=1000000",), clock=False)

    def add_user(self, name):
        self.redis("hset", f"dw:user:{{{nodes.uid_of(name)}}}", "name", name, "password", nodes.quick_hash(), "created", "1")

    def keys(self):
        return set(self.redis("keys", "*").split("\n"))

    def doorward(self):
        with open(f"{self.folder}/pid") as f:
            return int(f.read())

    def away(self):
        """Nobody listens, and the sockets are gone."""
        open(f"{self.folder}/hold", "w").close()
        os.kill(self.doorward(), signal.SIGKILL)
        for name in ("authorizer.sock", "responder.sock"):
            if os.path.exists(f"{self.state}/{name}"):
                os.unlink(f"{self.state}/{name}")

    def back(self):
        os.unlink(f"{self.folder}/hold")

    def log(self, name):
        return self.log_text()

    def close(self):
        wrong = super().close()
        shutil.rmtree(self.folder)
        return wrong


class WebStage(Stage):
    client = WebClient

    def __init__(self, name, server):
        super().__init__(name, site=WebSite, server=server, limit=5, longest=15, pace=0.01)
        self.books.errors = (500, 502, 503, 504)

    def seen(self, what):
        """What people saw of the latest fault."""
        began, ended, _ = self.books.windows[-1]
        counts = {}
        for event in [e for e in self.books.events if e.truth == "alive" and e.began < ended and e.done > began and not e.good]:
            counts[event.status] = counts.get(event.status, 0) + 1
        self.note(f"{what}: " + (", ".join(f"{n} x {status}" for status, n in sorted(counts.items())) or "they waited"))


def fails_behind(stage):
    site = stage.site
    with stage.fault(refuses=None):
        os.kill(site.doorward(), signal.SIGKILL)
        stage.go_on(0.3)
    stage.seen("killed")
    with stage.fault():
        site.away()
        stage.go_on(1)
        site.back()
    stage.seen("not there")
    with stage.fault(refuses=None):
        pid = site.doorward()
        os.kill(pid, signal.SIGSTOP)
        stage.go_on(3.7)
        os.kill(pid, signal.SIGCONT)
    stage.seen("hung")


@scenario(stage=WebStage, server="apache")
def behind_apache_doorward_is_killed_missing_and_hung(stage):
    fails_behind(stage)


@scenario(quick=True, stage=WebStage, server="lighttpd")
def behind_lighttpd_doorward_is_killed_missing_and_hung(stage):
    fails_behind(stage)


@scenario(stage=WebStage, server="nginx")
def behind_nginx_doorward_is_killed_missing_and_hung(stage):
    fails_behind(stage)


@scenario(stage=WebStage, server="caddy")
def behind_caddy_doorward_is_killed_missing_and_hung(stage):
    fails_behind(stage)
