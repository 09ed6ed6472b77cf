"""Mixed requests to a Doorward that runs under valgrind: no error, nothing lost, and no more heap in use at the end
than there was after the first tenth. What its bounded caches hold is counted by itself.

What is used for the first time in the second part grows too, but once: after a growth as many requests again are made,
and what was lost with a request is lost with those as well. Only growth in each of three stretches is an error.

MEMCHECK_REQUESTS (default 10000) says how many, SEED=n repeats their choice. The browsers are those of the soak test
(tests/flow/22-soak.py), with fewer sign-ins (a password costs fifty times as much here) and more nonsense.
"""

import importlib.util
import os
import random
import re
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import fastcgi
import nodes
from nodes import ACCESS, REFRESH, Site, parallel, program

spec = importlib.util.spec_from_file_location("soak", os.path.join(HERE, "..", "flow", "22-soak.py"))
soak = importlib.util.module_from_spec(spec)
spec.loader.exec_module(soak)

REQUESTS = int(os.environ.get("MEMCHECK_REQUESTS") or 10000)
THREADS, ROUND, WARM_UP, STRETCHES = 3, 25, 200, 3
# What is used for the first time in most runs: the memory of three requests at once, a connection or two to Redis.
SLACK_BYTES, SLACK_BLOCKS = 3 * 16500 + 4096, 24
SETTINGS = ("mirror.enabled=yes", "mirror.max_entries=1000", "session.max_sessions=4", "server.responder_threads=8",
            "server.authorizer_threads=2", "password.max_parallel=4", "store.timeout_ms=5000")
# Who fills a cache that has a bound of its own (unit tests hold them to it): tokens that were verified, answers of
# Redis.
CACHES = ("remembered_add", "mirror_fill", "known_table_take", "known_set_text")
KINDS = {"check": 50, "refresh": 20, "sign_in": 2, "sign_out": 1, "page": 12, "use_old": 3, "junk": 4, "nonsense": 7,
         "admin": 1}
VALGRIND = ("valgrind", "--tool=memcheck", "--leak-check=full", "--show-leak-kinds=definite,indirect",
            "--errors-for-leak-kinds=definite,indirect", "--error-exitcode=99", "--num-callers=30",
            "--child-silent-after-fork=yes", f"--suppressions={HERE}/valgrind.supp")


def add(into, pair):
    for i in (0, 1):
        into[i] += pair[i]


class Counter:
    """Every request that goes out."""

    def __init__(self):
        self.asked, self.lock, self.ask = 0, threading.Lock(), fastcgi.ask
        fastcgi.ask = self

    def __call__(self, *arguments, **options):
        with self.lock:
            self.asked += 1
        return self.ask(*arguments, **options)


class Watched(Site):
    """A site whose node runs under valgrind."""

    def _start(self, name, command, clock):
        super()._start(name, [*VALGRIND, *command] if name.startswith("node") else command, clock)

    def _wait(self, path):
        end = time.monotonic() + 120
        while not os.path.exists(path) and time.monotonic() < end:
            self.check_alive()
            time.sleep(0.1)
        super()._wait(path)

    def heap(self):
        """Bytes and blocks that the node holds now, whoever points to them, by who asked for them."""
        pid = next(process.pid for name, process in self.processes if name == "node0")
        said = subprocess.run(["vgdb", f"--pid={pid}", "leak_check", "full", "reachable", "any"], capture_output=True, text=True,
                              timeout=300).stdout
        held = {}
        for record in re.split(r"\n==\d+== *(?=\n|$)", said):
            found = re.search(r"== ([\d,]+)(?: \([^)]*\))? bytes in ([\d,]+) blocks .*loss record", record)
            if found:
                add(held.setdefault(tuple(re.findall(r": (\w+) \(", record)), [0, 0]),
                    [int(number.replace(",", "")) for number in found.groups()])
        if not held:
            raise AssertionError(f"vgdb said: {said[-2000:]!r}")
        return held


class Browser(soak.Walker):
    def step(self):
        client = self.random.choice(self.clients)
        kind = self.random.choices(tuple(KINDS), KINDS.values())[0]
        getattr(self, kind)(client)

    def expect(self, what, reply, *allowed):
        """Under valgrind on a busy machine a request may be late, and says so."""
        super().expect(what, reply, 503, *allowed)

    def nonsense(self, client):
        """What no browser sends. Any answer will do, as long as there is one."""
        noise = "".join(chr(self.random.choice((0x25, 0x2f, 0x2e, 0x3b, 0x41, 0xe9, 0x7f))) for _ in range(60))
        headers = [("HTTP_COOKIE", f"{ACCESS}={noise}; {REFRESH}={noise}; {ACCESS}=2"), ("CONTENT_LENGTH", "3"),
                   ("HTTP_ACCEPT_LANGUAGE", noise), ("HTTP_X_FORWARDED_FOR", noise), ("REQUEST_METHOD", noise)]
        self.random.shuffle(headers)
        params = [("REQUEST_METHOD", self.random.choice(("GET", "POST", "BREW"))), ("REQUEST_URI", f"/{noise}"),
                  ("SCRIPT_NAME", self.random.choice(("/auth/login", "/auth/refresh", "/auth/", noise)))]
        params += headers[:self.random.randrange(len(headers))]
        role, name = self.random.choice(((fastcgi.RESPONDER, "responder"), (fastcgi.AUTHORIZER, "authorizer")))
        body = b"=&%" if role == fastcgi.RESPONDER else None
        answer = fastcgi.ask(self.site.socket_path(name, 0), params, body, role=role)
        self.expect("nonsense", answer, *range(200, 600))


def drive(browsers, counter, until):
    def some(browser):
        for _ in range(ROUND):
            browser.step()
    while counter.asked < until:
        parallel([lambda b=b: some(b) for b in browsers])
        browsers[0].site.check_alive()


def sign_all_in(browsers):
    """One after the other: what a password costs at the same time is another test's subject."""
    for browser in browsers:
        for client in browser.clients:
            browser.expect("sign-in", client.sign_in(browser.random.choice(soak.USERS)), 303)


def report(site, counter):
    """What the node holds, its caches left out, by who asked for it."""
    sums, own = ([0, 0], [0, 0]), {}
    for frames, pair in site.heap().items():
        cached = not set(CACHES).isdisjoint(frames)
        add(sums[cached], pair)
        if not cached:
            own[frames] = pair
    print("after {} requests: {} bytes in {} blocks, and in caches {} in {}".format(counter.asked, *sums[0], *sums[1]),
          flush=True)
    return own


def growth(early, late):
    """An error text that names where it grew; None within the slack."""
    grown = {frames: [late.get(frames, (0, 0))[i] - early.get(frames, (0, 0))[i] for i in (0, 1)]
             for frames in {*early, *late}}
    size, blocks = (sum(pair[i] for pair in grown.values()) for i in (0, 1))
    # Something lost at every hundredth request is growth.
    if size <= SLACK_BYTES and blocks <= max(SLACK_BLOCKS, REQUESTS // 100):
        return None
    most = sorted(grown.items(), key=lambda item: item[1], reverse=True)[:12]
    return "\n".join([f"grown by {size} bytes, {blocks} blocks", *(
        f"  {pair[0]} bytes in {pair[1]}: {' < '.join(frames[:8])}" for frames, pair in most if pair[0] > 0)])


def watch_growth(site, counter, browsers):
    early = report(site, counter)
    for _ in range(STRETCHES):
        drive(browsers, counter, counter.asked + REQUESTS - max(REQUESTS // 10, WARM_UP))
        late = report(site, counter)
        wrong = growth(early, late)
        if not wrong:
            return None
        print(wrong, flush=True)
        early = late
    return f"grown in each of {STRETCHES} stretches"


def main():
    counter, started = Counter(), time.monotonic()
    print(f"SEED={soak.SEED}, {program('doorward')}", flush=True)
    site = Watched("memcheck", 1, SETTINGS)
    wrong = None
    try:
        for name in soak.USERS:
            site.add_user(name, "staff")
        browsers = [Browser(site, i) for i in range(THREADS)]
        sign_all_in(browsers)
        drive(browsers, counter, max(REQUESTS // 10, WARM_UP))
        wrong = watch_growth(site, counter, browsers)
        print(f"{time.monotonic() - started:.0f} s")
        counts = {}
        for browser in browsers:
            for key, n in browser.counts.items():
                counts[key] = counts.get(key, 0) + n
        print(", ".join(f"{key}: {n}" for key, n in sorted(counts.items())))
        late = sum(n for key, n in counts.items() if key.endswith(" 503"))
        if late * 20 > counter.asked:
            wrong = f"{late} of {counter.asked} requests were late: too little was tried"
    finally:
        ended = site.close()
    wrong = wrong or ended
    print(wrong or "memcheck: no error, nothing lost, no growth")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
