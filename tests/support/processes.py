"""Processes that a test holds up or ends: neither has happened yet when kill() returns."""

import os
import signal
import time


def _state(path):
    """One letter, as in proc(5); "X" of what is gone."""
    try:
        with open(f"{path}/stat", encoding="utf-8", errors="replace") as f:
            return f.read().rpartition(")")[2].split()[0]
    except OSError:
        return "X"


def _tasks(pid):
    try:
        return [f"/proc/{pid}/task/{task}" for task in os.listdir(f"/proc/{pid}/task")]
    except OSError:
        return []


def _wait(condition, what):
    end = time.monotonic() + 20
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(what)
        time.sleep(0.001)


def hold(pid):
    """Stops it: when this returns, none of its threads runs."""
    os.kill(pid, signal.SIGSTOP)
    _wait(lambda: all(_state(task) in "TXZ" for task in _tasks(pid)), f"{pid} does not stop")


def wait_for_end(pid):
    """Until nothing of it listens any more: its memory goes before its files."""
    _wait(lambda: _state(f"/proc/{pid}") in "XZ" and len(_tasks(pid)) <= 1, f"{pid} does not end")
