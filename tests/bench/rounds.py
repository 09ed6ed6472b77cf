"""Rows that are measured in turn, round after round, so that what disturbs the machine disturbs all of them."""

import os
import re
import statistics
import subprocess
import sys
import time

sys.dont_write_bytecode = True
import machine
import plant

HERE = os.path.dirname(os.path.realpath(__file__))
CONNECTIONS = 16


class Row:
    """Something to measure: run(seconds) makes load and returns what it saw (requests, seconds, bad, p50_us, p99_us);
    pids() are the processes on the server's side, redis() those of Redis."""

    def __init__(self, name, title, run, pids, redis=lambda: [], group=""):
        self.name, self.title, self.run, self.pids, self.redis, self.group = name, title, run, pids, redis, group
        self.rounds, self.seconds = [], None  # seconds: of a round, where it is not that of all
        self.warm_up = 1
        # The same load, not measured, right before each measuring: what is done once a minute for each session (or
        # when a cache has not been used for that long) belongs to minutes, not to two seconds out of each minute.
        self.settle = 0

    def measure(self, seconds, patience):
        if self.settle:
            self.run(self.settle)
        quiet = machine.wait_until_quiet(patience)
        before, before_redis, busy = self.used(), sum(machine.cpu(self.redis())), machine.busy()
        own = sum(os.times()[:4])
        seen = self.run(seconds)
        after, after_redis = self.used(), sum(machine.cpu(self.redis()))
        server, redis = after - before, after_redis - before_redis
        foreign = machine.busy() - busy - server - redis - (sum(os.times()[:4]) - own)
        rss, pss = machine.memory(machine.tree(self.pids()))
        n = max(1, seen["requests"])
        self.rounds.append({**seen, "quiet": quiet, "cpu": (server + redis) / n * 1000, "cpu_redis": redis / n * 1000,
                            "rps": seen["requests"] / seen["seconds"], "rss_mib": rss, "pss_mib": pss,
                            "foreign_cores": foreign / seen["seconds"]})

    def used(self):
        return sum(machine.cpu(machine.tree(self.pids())))

    def median(self, what):
        return statistics.median(r[what] for r in self.rounds)

    def result(self):
        keys = ("cpu", "cpu_redis", "rps", "p50_us", "p99_us", "rss_mib", "pss_mib", "foreign_cores")
        return {"name": self.name, "title": self.title, "group": self.group,
                **{key: self.median(key) for key in keys}, "cpu_min": min(r["cpu"] for r in self.rounds),
                "cpu_max": max(r["cpu"] for r in self.rounds), "bad": sum(r["bad"] for r in self.rounds),
                "rounds": self.rounds}


def wrk(url, cookies=None, headers=(), refused=False):
    """A run() of Row: wrk with 16 connections. cookies: a file of Cookie headers. refused: a 2xx is what is bad."""
    def run(seconds):
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", f"{HERE}/cookies.lua"]
        for header in headers:
            command += ["-H", header]
        done = subprocess.run([*command, url], capture_output=True, text=True, timeout=seconds + 60,
                              env=dict(os.environ, COOKIES=cookies or ""))
        found = re.search(r"^RESULT (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)$", done.stdout, re.M)
        if not found:
            raise RuntimeError(f"wrk {url}: {done.stdout[-500:]}{done.stderr[-500:]}")
        requests, duration, status, errors, p50, p99 = (int(word) for word in found.groups())
        return {"requests": requests, "seconds": duration / 1e6, "p50_us": p50, "p99_us": p99,
                "bad": (requests - status if refused else status) + errors}
    return run


def drive(socket_path, requests, connections=CONNECTIONS, pause_us=0, once=False):
    """A run() of Row: FastCGI without a web server (drive.c), the requests of a file in turn; once: each of them one
    time in all runs together."""
    first = 0

    def run(seconds):
        nonlocal first
        command = [f"{plant.BUILD}/bench/drive", "load", socket_path, requests, str(connections), "0", str(seconds),
                   str(pause_us), str(first)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60)
        if done.returncode != 0:
            raise RuntimeError(f"drive: {done.stderr[-500:]}")
        answers, took, bad, p50, p99, most = done.stdout.split()
        if once:
            first += int(answers)
        return {"requests": int(answers), "seconds": float(took), "bad": int(bad), "p50_us": int(p50),
                "p99_us": int(p99), "max_us": int(most)}
    return run


class Progress:
    """One line per step, with the time that is left of the steps that were announced."""

    def __init__(self):
        self.steps, self.start = [], time.monotonic()

    def announce(self, what, seconds):
        self.steps.append([what, seconds])

    def say(self, text):
        passed = time.monotonic() - self.start
        left = sum(seconds for _, seconds in self.steps)
        print(f"[{_clock(passed)}] {text}" + (f"  (about {_clock(left)} left)" if left > 0 else ""), flush=True)

    def done(self, what, seconds=None):
        """A step, or so many seconds of it, are over."""
        for step in self.steps:
            if step[0] == what:
                step[1] = 0 if seconds is None else max(0, step[1] - seconds)


def _clock(seconds):
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def interleave(rows, rounds, seconds, patience, progress, what):
    """Measures all rows once per round. One that fails is left out from then on."""
    for row in rows:
        try:
            seen = row.run(row.warm_up)
            if seen["bad"] * 2 > seen["requests"]:
                raise RuntimeError(f"{seen['bad']} of {seen['requests']} answers were wrong")
        except Exception as error:  # noqa: one row must not end the others
            row.failed = f"{error}"[:300]
            progress.say(f"{row.name} is left out: {row.failed}")
    rows = [row for row in rows if not hasattr(row, "failed")]
    for i in range(rounds):
        # There and back again: no row always comes after the same other.
        for row in rows if i % 2 == 0 else rows[::-1]:
            start = time.monotonic()
            row.measure(row.seconds or seconds, patience)
            progress.done(what, time.monotonic() - start)
        progress.say(f"{what}: round {i + 1} of {rounds}")
    progress.done(what)
    return rows
