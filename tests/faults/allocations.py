"""Every allocation fails once: for each kind of request the first, the second, ... and for a sample all from one on, in
the program as it is shipped (allocations.c stands before libc). Nobody is let in, nobody is thrown out, nothing is
counted as a failed sign-in; the process answers 503, or ends with a reason in its log and is started again.

allocations.py [--json] [WORD...]: the kinds whose name contains a WORD; --json adds one line for the table of
`make faults`. From the environment: DOORWARD_BUILD, where faults/allocations.so must be (the Makefile makes it), and
ALLOCATIONS=full: every allocation of every request, instead of each place in the program once, which a loop or another
request reaches again.
"""

import collections
import json
import multiprocessing
import os
import sys
import time
import traceback

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import fastcgi
import nodes
from allocation_kinds import KINDS, Wrong, expect, settled
from allocation_site import COUNT, FAIL_FROM, FAIL_ONE, FaultySite, death_of
from nodes import Client

PATIENCE_SEC = 10  # a breaker's probe, a heartbeat, a start: all far below
CLOSED = (fastcgi.Silence, ConnectionError)
FULL = os.environ.get("ALLOCATIONS") == "full"
SAMPLES = 12 if FULL else 4


class World:
    """A site, the people on it, and what a good answer looks like."""

    def __init__(self, name, settings=()):
        self.site = FaultySite(name, settings)
        self.site.add_user("alice", "staff")
        self.alice = Client(self.site).signed_in("alice")
        self.variables = len(self.alice.check().answer.variables)
        self.session_members = set(self.alice.page("GET", "/auth/session").json)
        self.jwks = self.alice.page("GET", "/auth/jwks.json").text
        self.login_page = self.show_login_page()
        scrape = Client(self.site, address="127.0.0.1").page("GET", "/auth/metrics").text
        self.metric_names = {line.split("{")[0].split(" ")[0] for line in scrape.splitlines() if line[:1].islower()}

    def show_login_page(self):
        """In another language, which is a file of its own."""
        params = Client(self.site)._params("GET", "/auth/login", {}, (*nodes.NAVIGATION, ("HTTP_ACCEPT_LANGUAGE", "de")))
        return settled(fastcgi.ask(self.site.socket_path("responder", 0), params).text)

    def another(self):
        return Client(self.site).signed_in("alice")

    def attempts(self):
        return {key: self.site.redis("GET", key) for key in self.site.redis.keys() if ":throttle:" in key}

    def forget_attempts(self):
        for key in self.attempts():
            self.site.redis("DEL", key)

    def patient(self, function):
        """The first answer that is one: a fault may last a moment longer than its cause."""
        end = time.monotonic() + PATIENCE_SEC
        while True:
            reply = function()
            if reply.status != 503 or time.monotonic() > end:
                return reply
            time.sleep(0.005)


class Row:
    """What is counted of a kind, or of all."""

    def __init__(self, name):
        self.name, self.allocations, self.tried = name, 0, 0
        self.statuses, self.wrong = collections.Counter(), collections.Counter()
        self.ended, self.longest, self.recovered, self.texts = 0, 0.0, 0.0, []
        self.left_counted = 0

    def add(self, other):
        for name in ("allocations", "tried", "ended", "left_counted"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.statuses += other.statuses
        self.wrong += other.wrong
        self.longest, self.recovered = max(self.longest, other.longest), max(self.recovered, other.recovered)
        self.texts += other.texts

    def __str__(self):
        unknown = self.statuses["503"]
        served = sum(n for status, n in self.statuses.items() if status not in ("503", "closed"))
        return f"{self.name:24}{self.allocations:>8}{self.tried:>8}{served:>8}{unknown:>8}{self.ended:>8}" \
            f"{self.wrong['wrong_allows']:>8}{sum(self.wrong.values()) - self.wrong['wrong_allows']:>8}" \
            f"{self.longest * 1000:>9.0f}{self.recovered * 1000:>9.0f}"


HEADING = f"{'request':24}{'allocs':>8}{'failed':>8}{'served':>8}{'503':>8}{'ended':>8}{'allows':>8}{'wrong':>8}" \
    f"{'wait ms':>9}{'back ms':>9}"


class Trial:
    """One kind on one world. seen: the places that other kinds have tried already."""

    def __init__(self, kind, deaths, seen):
        self.kind, self.world = kind, kind.world
        self.row, self.deaths, self.seen = Row(kind.name), deaths, seen
        kind.row, self.cold = self.row, False

    def run(self):
        count = self.row.allocations = self.count()
        if FULL:
            self.one_after_the_other()
        else:
            for number in self.new_places(count):
                self.one(FAIL_ONE, number)
        # All at once from here on: where it begins makes little difference after the first.
        for number in sorted({1, *range(1, count + 1, max(1, count // SAMPLES))}):
            self.one(FAIL_FROM, number)
        self.kind.end()
        return self.row

    def one_after_the_other(self):
        """One request is not quite like the next: it ends when there was nothing left to fail, a few times."""
        number, missed = 1, 0
        while missed < 4:
            missed = 0 if self.one(FAIL_ONE, number) else missed + 1
            number += 1

    def new_places(self, count):
        numbers = []
        for i, place in enumerate(self.kind.control.places(count)):
            if place not in self.seen:
                self.seen.add(place)
                numbers.append(i + 1)
        return numbers

    def count(self):
        """Without a fault, the second time: the first may open a connection."""
        for _ in range(2):
            client = self.kind.prepare()
            self.kind.control.begin(COUNT, 0, self.kind.whose)
            reply = self.kind.ask(client)
            count, _ = self.kind.control.end()
            if reply is None or reply.status not in self.kind.good or not self.kind.whole(reply, client):
                raise AssertionError(f"{self.kind.name} without a fault: {reply}")
            self.kind.settle(reply, client, False)
        return count

    def one(self, mode, number):
        """Whether an allocation failed."""
        failed = True
        try:
            if self.cold:
                # What a process makes once would move the number of all that follows, away from what was counted.
                self.kind.ask(self.kind.prepare())
                self.cold = False
            client = self.kind.prepare()
            reply, took, failed = self.ask(mode, number, client)
            ended = self.after_the_end(reply)
            self.row.longest = max(self.row.longest, took)
            if failed:
                self.row.tried += 1
                self.row.statuses[str(reply.status) if reply else "closed"] += 1
            self.judge(reply, client, ended)
        except Wrong as wrong:
            how = "allocation" if mode == FAIL_ONE else "all from allocation"
            self.row.wrong[wrong.what] += 1
            self.row.texts.append(f"{self.kind.name}, {how} {number}: {wrong.what}: {wrong}")
        return failed

    def ask(self, mode, number, client):
        self.kind.control.begin(mode, number, self.kind.whose)
        started = time.monotonic()
        try:
            reply = self.kind.ask(client)
        except CLOSED as error:
            reply = None
            expect("Status: 2" not in str(error), "wrong_allows", f"half an answer: {error}")
        except TimeoutError:
            raise Wrong("false_refusals", "no answer at all")
        finally:
            took = time.monotonic() - started
            _, failed = self.kind.control.end()
        return reply, took, failed

    def after_the_end(self, reply):
        """Of the process, if it ended: with a reason, and a new one works."""
        ended, said = self.kind.ended(reply)
        if not ended:
            return False
        self.row.ended += 1
        self.cold = True
        started = time.monotonic()
        self.kind.start_again()
        self.row.recovered = max(self.row.recovered, time.monotonic() - started)
        death = death_of(said)
        expect(death, "no_reason", f"it ended and no reason is in its log: {said[-500:]!r}")
        self.deaths[death] += 1
        expect(death[0] == "logged" or ".so" in death[1][0], "own_crashes", f"it died in our own code: {death[1]}")
        return True

    def judge(self, reply, client, ended):
        if reply:
            self.judge_answer(reply, client)
        self.come_back()
        self.kind.settle(reply, client, ended)

    def judge_answer(self, reply, client):
        kind, lines = self.kind, [line for line in reply.answer.lines if line.lower().startswith("status:")]
        expect(len(lines) == 1 and reply.answer.lines[0] == lines[0], "wrong_allows", f"no one status: {reply.answer.lines}")
        if reply.status not in (*kind.good, 503):
            raise Wrong("wrong_allows" if kind.denies and 200 <= reply.status < 300 else "false_refusals", str(reply))
        expect(reply.status == 503 or kind.whole(reply, client), "half_answers", f"{reply} {reply.answer.headers}")
        taken = [name for name in reply.cookies if reply.taken(name) and name != nodes.HOP]
        expect(not taken or (reply.status != 503 and kind.takes_cookies), "cookies_deleted", f"{reply} takes {taken}")

    def come_back(self):
        """Who was signed in still is."""
        started = time.monotonic()
        reply = self.world.patient(self.world.alice.check)
        self.row.recovered = max(self.row.recovered, time.monotonic() - started)
        expect(reply.status == 200, "sessions_lost", f"afterwards: {reply}")


class Worker:
    """A process of its own with its own sites: takes kinds until there are none."""

    def __init__(self, kinds, results):
        self.kinds, self.results = kinds, results
        self.worlds, self.seen = {}, set()

    def world(self, kind):
        if kind.mirror not in self.worlds:
            self.worlds[kind.mirror] = World(f"allocations-{kind.mirror}", (f"mirror.enabled={kind.mirror}",
                                                                            "rules./admin/*=role:admin"))
        return self.worlds[kind.mirror]

    def run(self):
        try:
            while (number := self.kinds.get()) is not None:
                deaths, kind = collections.Counter(), KINDS[number]
                try:
                    row = Trial(kind(self.world(kind)), deaths, self.seen).run()
                except Exception as error:
                    traceback.print_exc()
                    row = Row(kind.name)
                    row.wrong["not_run"] += 1
                    row.texts.append(f"{kind.name}: {error!r}")
                self.results.put((row, deaths))
        finally:
            for world in self.worlds.values():
                world.site.close()


def run(numbers):
    """Two at a time: (row, deaths) of each kind."""
    kinds, results = multiprocessing.SimpleQueue(), multiprocessing.SimpleQueue()
    for number in (*numbers, None, None):
        kinds.put(number)
    workers = [multiprocessing.Process(target=Worker(kinds, results).run) for _ in range(2)]
    for worker in workers:
        worker.start()
    for _ in numbers:
        yield results.get()
    for worker in workers:
        worker.join()


def show_deaths(deaths):
    print("\nwhy a process ended:")
    for (how, what), count in sorted(deaths.items(), key=lambda item: -item[1]):
        print(f"{count:6} {what if how == 'logged' else 'died: ' + ' < '.join(what)}")


def main():
    words = [word for word in sys.argv[1:] if word != "--json"]
    started, deaths, total = time.monotonic(), collections.Counter(), Row("all")
    numbers = [n for n, kind in enumerate(KINDS) if not words or any(word in kind.name for word in words)]
    print(HEADING, flush=True)
    failed = 0
    for row, died in run(numbers):
        failed += bool(row.wrong)
        total.add(row)
        deaths += died
        print(row, flush=True)
    print(total)
    show_deaths(deaths)
    for text in total.texts[:60]:
        print(f"FAILED {text}")
    print(f"{total.left_counted} sign-ins stayed counted as one try: the process ended in the middle of them, or Redis' answer was lost")
    print(f"{time.monotonic() - started:.0f} s")
    if "--json" in sys.argv:
        print(json.dumps(summary(total, failed)))
    print(f"{len(numbers) - failed} passed, {failed} failed")
    return 1 if failed else 0


def summary(total, failed):
    return {"scenario": "malloc fails at each call site", **{name: total.wrong[name] for name in (
        "wrong_allows", "false_refusals", "cookies_deleted", "sessions_lost")},
        "sessions_lost_expected": 0, "longest_ms": round(total.longest * 1000), "recover_ms": round(total.recovered * 1000), "passed": not failed,
        "note": f"{total.tried} allocations failed, {total.ended} processes ended and were started again"}


if __name__ == "__main__":
    sys.exit(main())
