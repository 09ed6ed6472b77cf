"""Doorward is killed (-9) in the middle of a rotation, at each step of it. Afterwards exactly one lineage works: the old
token and the new one lead to the same successor, and what is older than that is a theft.

Node 1 is the one that is killed; the traffic goes on at node 0 and must not notice.
"""

import re
import subprocess
import threading

from books import generation_of
from nodes import REFRESH, claims, ACCESS
from proxy import Proxy
from s_replies import AsideSite
from stage import scenario
from stores import until
from traffic import Visitor


class Killed:
    def __init__(self, stage):
        self.stage, self.site = stage, stage.site
        stage.books.silence = True  # who asks a program that dies gets no answer
        self.visitor = Visitor(stage, "victim", 150)

    def fresh(self):
        """A session that node 1 has rotated once, so that its connections are open."""
        session = self.stage.must(self.visitor.sign_in(0))
        self.visitor.check(session, 1)
        self.stage.shows(self.visitor.refresh(session, 1), "no refresh before the kill")
        return session

    def restart(self):
        if ("node1", self.process) in self.site.processes:
            self.process.wait(10)
            self.site.processes.remove(("node1", self.process))
        self.site.start_nodes([1])

    def killed(self, kill_in_between):
        """A rotation in which node 1 dies; whether its client got an answer."""
        session, self.process = self.fresh(), self.site.process(1)
        old = dict(session.client.jar)
        answered = kill_in_between(lambda: self.visitor.refresh(session, 1))
        self.restart()
        self.one_lineage(session, old)
        return answered

    def one_lineage(self, session, old):
        """From the token before the kill to its successor, once or twice, and on; then the old one is a theft."""
        visitor, held = self.visitor, generation_of(old[REFRESH])
        first = self.again(session, old)
        self.stage.shows(first == held + 1, f"the old token of generation {held} gives {first}")
        session.client.jar.update(self.jar)
        session.generation = held + 1
        self.stage.shows(visitor.refresh(session, 1) and session.generation == held + 2, "the new token does not work")
        for node in (0, 1):
            self.stage.shows(visitor.check(session, node), f"its access token does not work at node {node}")
        visitor.ask("reuse", "forged", None, lambda: session.client.refresh(0, jar=old, keep=False))
        session.end()
        self.stage.shows(self.again(session, dict(session.client.jar), "ended") is None, "there are two lineages")

    def again(self, session, jar, truth="alive"):
        """The generation that this token gives, or None."""
        reply = self.visitor.ask("refresh", truth, session, lambda: session.client.refresh(1, jar=jar, keep=False))
        if not reply or reply.status != 200:
            return None
        self.jar = {REFRESH: reply.given(REFRESH), ACCESS: reply.given(ACCESS)}
        self.stage.books.learn(session, self.jar[REFRESH])
        self.stage.shows(claims(self.jar[ACCESS])["sid"] == session.handle, "a token of another session")
        return generation_of(self.jar[REFRESH])


class Gate:
    """Holds the n-th message between Doorward and Redis, and those after it."""

    def __init__(self, proxy, number):
        self.held, self.over, self.left, self.lock = threading.Event(), threading.Event(), number, threading.Lock()
        proxy.requests = proxy.replies = self

    def __call__(self, connection, data):
        with self.lock:
            self.left -= 1
            if self.left > 0:
                return data
        self.held.set()
        raise Proxy.Cut if self.over.wait(10) else TimeoutError


MESSAGES = ("before the question for the user", "after it", "before the rotation is asked for", "after Redis has rotated")


@scenario(quick=True, site=AsideSite, traffic=[0], pace=0.01)
def doorward_is_killed_at_each_message_of_a_rotation(stage):
    killed, proxy = Killed(stage), stage.site.proxy

    def at(number):
        def kill(refresh):
            gate = Gate(proxy, number)
            asking = threading.Thread(target=refresh)
            asking.start()
            stage.shows(gate.held.wait(10), f"no message {number}")
            killed.process.kill()
            asking.join(10)
            proxy.plain()
            gate.over.set()
        return kill
    with stage.fault():
        for number, name in enumerate(MESSAGES, 1):
            killed.killed(at(number))
    stage.note("killed " + ", ".join(MESSAGES))


@scenario(site=AsideSite, traffic=[0], settings=("session.refresh_grace=1",))
def a_lost_answer_to_a_refresh_is_asked_for_again_after_the_grace(stage):
    """What a refresh used up and nobody heard of is repeated for refresh_grace (10 s unless set) and no longer: who comes
    back later passes for a thief, and has to sign in. In time: as ever."""
    visitor, proxy, rotated = Visitor(stage, "victim", 150), stage.site.proxy, len(MESSAGES)
    in_time, late = (stage.must(visitor.sign_in(0)) for _ in range(2))
    with stage.fault():
        for session in (in_time, late):
            visitor.check(session, 1)
            gate = Gate(proxy, rotated)
            gate.over.set()
            stage.shows(not visitor.refresh(session, 1), "the answer was not lost")
            proxy.plain()
        stage.shows(visitor.refresh(in_time, 1), "a repeat in time is no repeat")
    stage.go_on(1.2)
    stage.books.store_lost.add(late.handle)
    stage.shows(not visitor.refresh(late, 1) and visitor.latest.status == 401, "a repeat after the grace is a repeat")


class Strace:
    """The system calls of the thread that rotates."""

    def __init__(self, pid, *options):
        self.process = subprocess.Popen(["strace", "-f", "-p", str(pid), *options], stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        if "attached" not in line:
            raise RuntimeError(f"strace: {line}")

    def end(self):
        self.process.terminate()
        self.process.communicate(timeout=10)


def has_ended(process):
    try:
        process.wait(2)
    except subprocess.TimeoutExpired:
        return False
    return True


def steps_of_a_rotation(killed, path):
    """[(system call, its number among those of the thread)] between accept and accept, of which the first may or may not
    be seen."""
    session = killed.fresh()
    tracer = Strace(killed.site.process(1).pid, "-o", path)
    killed.visitor.refresh(session, 1)
    until(lambda: "Status: 200" in open(path).read() and "close(" in open(path).read())
    tracer.end()
    with open(path) as f:
        lines = [re.match(r"(\d+) +(\w+)\((.*)", line) for line in f]
    thread = next(m.group(1) for m in lines if m and "EVALSHA" in m.group(3))
    counts, steps = {}, []
    for call in [m.group(2) for m in lines if m and m.group(1) == thread and m.group(2) != "accept4"]:
        counts[call] = counts.get(call, 0) + 1
        steps.append((call, counts[call]))
    return steps


@scenario(site=AsideSite, traffic=[0], pace=0.03)
def doorward_is_killed_at_each_system_call_of_a_rotation(stage):
    killed, answers, missed = Killed(stage), 0, []

    def at(call, number):
        def kill(refresh):
            tracer = Strace(killed.process.pid, "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}")
            answered = refresh()
            if not has_ended(killed.process):
                # strace may keep the dead from being buried.
                tracer.process.kill()
                if not has_ended(killed.process):
                    # A reply came in fewer pieces than when the steps were noted: this one was not taken.
                    missed.append(call)
                    killed.process.kill()
            tracer.end()
            return answered
        return kill
    with stage.fault():
        steps = steps_of_a_rotation(killed, f"{stage.site.state}/trace")
        for call, number in steps:
            answers += bool(killed.killed(at(call, number)))
    stage.note(f"killed at {len(steps)} system calls: {' '.join(call for call, _ in steps)}; {answers} answers arrived all the same")
    stage.shows(len(missed) < 3, f"not reached: {' '.join(missed)}")
    stage.shows(len(steps) > 10 and 0 < answers < len(steps), "the steps were not those of a rotation")
