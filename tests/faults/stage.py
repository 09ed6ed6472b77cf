"""A stage for a fault: Doorward's nodes, their store, traffic, and the reckoning.

    @scenario()
    def redis_is_killed_and_restarted_with_its_data(stage):
        with stage.fault():
            stage.store.kill()
            stage.go_on(1)
            stage.store.start()

The runner lets traffic run before the scenario and after it, then asks each session whether it is still alive.
"""

import contextlib
import os
import subprocess
import time
import traceback

from sites import KEEPERS, THREADS, TIMEOUT_MS, USERS, FaultSite  # first: it says where the helpers are
from books import RECOVERY_SEC, Books
from traffic import PAUSE_SEC, Client, Thread, Visitor

BEFORE_SEC, AFTER_SEC, QUIET_SEC = 0.5, 0.5, 0.3
KINDS = ("check", "refresh", "sign-in")
SCENARIOS = {}


def scenario(quick=False, stage=None, network=False, mounts=False, **options):
    """quick: part of FAULTS=quick. stage: another class than Stage. network, mounts: in a network, with
    file systems, of its own. The rest is for the stage."""
    def mark(function):
        # The first step in a network of its own.
        function.before = (["ip", "link", "set", "lo", "up"],) if network else ()
        function.quick, function.stage, function.options = quick, Stage if stage is None else stage, options
        function.network, function.mounts = network, mounts
        SCENARIOS[function.__name__] = function
        return function
    return mark


class Stage:
    """What a scenario gets."""

    client = Client

    def __init__(self, name, limit=RECOVERY_SEC, site=FaultSite, traffic=None, needs=KINDS, longest=5, pace=PAUSE_SEC, repairs=(), **options):
        """limit: seconds to recover. traffic: the nodes that it goes to. needs: what must work again for the fault to
        be over. longest: that a request may take (s). pace:
        the pause between two requests of a thread. Keepers' sessions are touched by nobody while the fault is on."""
        self.books, self.limit, self.needs, self.longest, self.pace = Books(), limit, needs, longest, pace
        self.notes, self.losses, self.recoveries = [], [], {}
        self.repairs = repairs  # errors of a check after which a browser refreshes
        self.endings = True  # whether the traffic ends sessions, too
        self.site = site(name, **options)
        try:
            self.people(traffic)
        except BaseException:
            self.site.close()
            raise

    def people(self, traffic):
        self.nodes = list(range(self.site.count)) if traffic is None else traffic
        for user in USERS:
            self.site.add_user(user)
        self.threads = [Thread(self, i) for i in range(THREADS)]
        self.prober = Visitor(self, "prober", 100)
        self.keepers = [self.must(Visitor(self, f"keeper{i}", 110 + i).sign_in()) for i in range(KEEPERS)]
        self.probe = self.must(self.prober.sign_in())

    @property
    def store(self):
        return self.site.store

    def must(self, session):
        if not session:
            raise RuntimeError(f"no sign-in before the fault: {self.books.events[-1]}")
        return session

    # ---- what a scenario says ----

    def go_on(self, seconds):
        """Traffic, for so long."""
        time.sleep(seconds)

    @contextlib.contextmanager
    def fault(self, refuses=True, limit=None, hangs=False):
        """The fault is on inside; all must be well again a little after. refuses: it must be felt, by so many refusals
        or by some; False: nobody may feel it. hangs: calls to the store may wait for their time-out when the fault is
        over, and only then fail."""
        began = time.monotonic()
        window = [began, float("inf"), float("inf")]
        if refuses is not False:
            self.books.windows.append(window)
        yield
        window[1] = time.monotonic()
        refused = sum(1 for e in self.books.during(began, window[1]) if not e.good)
        if refuses and refused < int(refuses):
            self.fails(f"the fault was not felt: {refused} refusals")
        self.recover(window, limit or self.limit, int(TIMEOUT_MS) / 1000 + QUIET_SEC if hangs else QUIET_SEC)

    def fails(self, text):
        self.books.complain(text)

    def note(self, text):
        self.notes.append(text)

    def shows(self, fact, text):
        """What must have been so for the scenario to mean anything, or to hold."""
        if not fact:
            self.fails(text)

    @contextlib.contextmanager
    def store_loses(self, surely=True):
        """Inside, the store loses data, surely or perhaps. Which sessions those are is reckoned from its keys: they, and
        no others."""
        before = time.monotonic()
        yield
        self.losses.append((before, time.monotonic(), self.site.keys()))
        self.loses_surely = surely

    def reckon_losses(self):
        """When the traffic is over: a sign-in may have been on its way, and have made its record later."""
        left = self.site.keys() if self.losses else set()
        for before, after, keys in self.losses:
            for session in self.books.sessions:
                alive = session.state == "alive" or (session.state == "thrown out" and session.thrown >= before)
                if session.began < after and alive and session.key not in keys | left:
                    self.books.store_lost.add(session.handle)
        if self.losses and self.loses_surely:
            self.shows(self.books.store_lost, "the store lost nothing: the scenario shows nothing")

    def cost_of_waiting(self):
        """After the first time-outs the breaker answers at once: a hundred requests cost one time-out, not a hundred."""
        began, ended, _ = self.books.windows[-1]
        waits = [e.took for e in self.books.during(began, ended) if e.status == 503]
        slow = [took for took in waits if took > 0.1]
        self.note(f"{len(waits)} refusals in {ended - began:.1f} s, {len(slow)} of them waited")
        self.shows(len(slow) * 3 < len(waits), f"{len(slow)} of {len(waits)} refusals waited for the store")

    def spares(self, *kinds):
        """These were answered as ever while the latest fault was on."""
        began, ended, _ = self.books.windows[-1]
        during = [e for e in self.books.during(began, ended) if e.kind in kinds]
        self.shows(len(during) > 5 and all(e.good for e in during), f"refused: {[e for e in during if not e.good][:2]} of {len(during)}")

    def says(self, word, times=1):
        """The log of a node has it."""
        found = max(self.site.log(f"node{node}").count(word) for node in range(self.site.count))
        self.shows(found >= times, f"the log does not say {word!r}")

    # ---- recovery ----

    def recover(self, window, limit, quiet):
        """Until the prober got a good answer of each kind, and for a moment nobody was refused."""
        missing, give_up = set(self.needs), window[1] + limit + 10
        while (missing or time.monotonic() - max(self.books.refused, window[1]) < quiet) and time.monotonic() < give_up:
            for kind in sorted(missing):
                if self.try_kind(kind):
                    missing.discard(kind)
                    took = time.monotonic() - window[1]
                    self.recoveries[kind] = max(self.recoveries.get(kind, 0), took)
            time.sleep(0.01)
        if missing:
            self.fails(f"{limit + 10:.0f} s after the fault there is still no good {', '.join(sorted(missing))}")
        window[2] = min(max(self.books.refused, window[1]), window[1] + limit) + 0.001

    def try_kind(self, kind):
        if kind == "sign-in" or self.probe.state != "alive":
            found = self.prober.sign_in()
            self.probe = found or self.probe
            return bool(found)
        return (self.prober.check if kind == "check" else self.prober.refresh)(self.probe)

    # ---- the runner ----

    def begin(self):
        for thread in self.threads:
            thread.start()
        for thread in self.threads:
            if not thread.mine.wait(20):
                raise RuntimeError(f"no sign-in before the fault: {self.books.events[-1]}")
        self.go_on(BEFORE_SEC)

    def end(self):
        self.go_on(AFTER_SEC)
        for thread in self.threads:
            thread.over.set()
        for thread in self.threads:
            thread.join(30)
        self.reckon_sessions()

    def reckon_sessions(self):
        """Whoever must be alive is asked: by a check on each node, and by a refresh."""
        self.reckon_losses()
        held = {s.handle for s in self.books.sessions if s.state in ("alive", "thrown out")}
        self.lost = {s.handle for s in self.books.sessions if s.state == "thrown out"}
        self.expected_lost = self.books.store_lost & held
        for session in [s for s in self.books.sessions if s.state == "alive"]:
            lives = all(self.prober.check(session, node) for node in self.nodes) and self.prober.refresh(session)
            if not lives:
                self.lost.add(session.handle)

    def result(self):
        books = self.books
        wrong_allows, false = books.counted(books.is_wrong_allow), books.counted(books.is_false_refusal)
        deletions = books.counted(books.is_deletion)
        alive = [e for e in books.events if e.truth == "alive"]
        failed = [f"wrong allow: {books.placed(e)}" for e in wrong_allows[:3]] + [f"false refusal: {books.placed(e)}" for e in false[:3]]
        failed += [f"cookie deleted: {e}" for e in deletions[:3]] + books.wrong[:5]
        if self.lost != self.expected_lost:
            failed.append(f"lost {len(self.lost)} sessions, {len(self.expected_lost)} were to be expected: "
                          f"{sorted(self.lost ^ self.expected_lost)[:3]}")
        late = {kind: took for kind, took in self.recoveries.items() if took > self.limit}
        failed += [f"{kind}: good again after {took:.1f} s" for kind, took in late.items()]
        if books.longest() > self.longest:
            failed.append(f"a request took {books.longest():.2f} s, at most {self.longest} s were allowed")
        return {"wrong_allows": len(wrong_allows), "false_refusals": len(false), "cookies_deleted": len(deletions),
                "sessions_lost": len(self.lost), "sessions_lost_expected": len(self.expected_lost),
                "requests": len(books.events), "refused": sum(1 for e in alive if not e.good),
                "longest": repr(max(books.events, key=lambda e: e.took))[:100], "longest_ms": round(books.longest() * 1000),
                "recover_ms": round(max(self.recoveries.values()) * 1000) if self.recoveries else None,
                "notes": self.notes, "failed": failed}


def run(name):
    """The result of one scenario, as a dictionary."""
    function = SCENARIOS[name]
    started, stage, result = time.monotonic(), None, {}
    try:
        for command in function.before:
            subprocess.run(command, check=True)
        stage = function.stage("f", **function.options)
        stage.begin()
        function(stage)
        stage.end()
        result = stage.result()
    except Exception as error:
        if stage is None or os.environ.get("FAULTS_TRACE"):
            traceback.print_exc()
        result = {**(result or {}), "failed": [f"{type(error).__name__}: {error}"[:2000]]}
    finally:
        if stage:
            for thread in stage.threads:
                thread.over.set()
            wrong = stage.site.close()
            if wrong:
                result["failed"].append(wrong)
    return {"scenario": name, **result, "seconds": round(time.monotonic() - started, 1)}
