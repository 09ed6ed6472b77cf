"""A Doorward as it is shipped, with allocations.c before libc: which allocation fails, and what became of the process."""

import mmap
import os
import re
import signal
import socket
import struct
import subprocess
import time

import nodes
from nodes import BUILD, ROOT, Site

PASS, LEARN, COUNT, FAIL_ONE, FAIL_FROM = range(5)
REQUESTS, MAIN, BACKGROUND = range(3)
PLACES = 1 << 16
FIELDS = {name: 4 * i for i, name in enumerate(("mode", "whose", "target", "count", "failed", "learned"))}
PLACE = 24
FIXED = ("setarch", "--addr-no-randomize")
SHIM = f"{BUILD}/faults/allocations.so"

nodes.program = lambda name: f"{BUILD}/{name}"  # never the sanitized ones: those have an allocator of their own


class Control:
    """The page that the program maps too."""

    def __init__(self, path):
        self.path = path
        with open(path, "wb") as f:
            f.truncate(PLACE + 8 * PLACES)
        with open(path, "r+b") as f:
            self.page = mmap.mmap(f.fileno(), 0)

    def get(self, name):
        return struct.unpack_from("=I", self.page, FIELDS[name])[0]

    def set(self, **values):
        for name, value in values.items():
            struct.pack_into("=I", self.page, FIELDS[name], value)

    def begin(self, mode, target=0, whose=REQUESTS):
        self.set(mode=PASS)
        self.set(whose=whose, target=target, count=0, failed=0)
        self.set(mode=mode)

    def end(self):
        """How many allocations there were, and of how many it was said that they failed."""
        self.set(mode=PASS)
        return self.get("count"), self.get("failed")

    def places(self, count):
        """Of each allocation counted a digest of the calls that led to it. The same in every process: FIXED."""
        return struct.unpack_from(f"={min(count, PLACES)}Q", self.page, PLACE)


class FaultySite(Site):
    """One node in real time; it is started again whenever it ended."""

    def __init__(self, name, settings=()):
        self.control = None
        super().__init__(name, 1, ("server.authorizer_threads=1", "server.responder_threads=2", "password.max_parallel=1",
                                   "store.timeout_ms=5000", *settings))

    def _start(self, name, command, clock):
        environment = {n: v for n, v in os.environ.items() if n not in ("DOORWARD_CONF", "LD_PRELOAD")}
        if name.startswith("node"):
            self.control = self.control or Control(f"{self.state}/control")
            self.control.set(mode=LEARN if self.values["mirror.enabled"] == "yes" else PASS, learned=0)
            environment.update(LD_PRELOAD=SHIM, FAULTS_CONTROL=self.control.path)
        with open(f"{self.state}/{name}.log", "ab") as log:
            process = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", *FIXED, *command], stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=log, env=environment, cwd=self.state)
        self.processes.append((name, process))
        if name.startswith("node"):
            self._learn(process)

    def _learn(self, process):
        """Before anybody asks anything: the threads of the mirror are those that allocate by themselves."""
        end = time.monotonic() + 20
        while self.control.get("mode") == LEARN and process.poll() is None and time.monotonic() < end:
            if self.control.get("learned"):
                self.control.set(mode=PASS)
            time.sleep(0.001)

    def start_nodes(self, numbers):
        super().start_nodes(numbers)
        self.said()

    def _wait(self, path):
        end = time.monotonic() + 20
        while time.monotonic() < end:
            self.check_alive()
            with socket.socket(socket.AF_UNIX) as probe:
                if probe.connect_ex(path) == 0:
                    return
            time.sleep(0.002)
        raise RuntimeError(f"nobody listens on {path}")

    @property
    def node(self):
        return next(process for name, process in self.processes if name == "node0")

    def said(self):
        """What the node has logged since this was asked the last time."""
        with open(f"{self.state}/node0.log", "rb") as f:
            f.seek(getattr(self, "read_so_far", 0))
            text = f.read()
            self.read_so_far = f.tell()
        return text.decode("utf-8", "replace")

    def ended(self, seconds=0.0):
        """Whether the node has ended; a closed connection may be a little sooner."""
        try:
            self.node.wait(seconds or 0.001)
            return True
        except subprocess.TimeoutExpired:
            return False

    def start_again(self):
        self.processes = [p for p in self.processes if p[0] != "node0"]
        self.start_nodes([0])

    def reload(self):
        os.kill(self.node.pid, signal.SIGHUP)

    def cgi(self, control, variables):
        """One request to a process of its own: (what it wrote, its exit status, its log)."""
        environment = {"PATH": os.environ["PATH"], "LD_PRELOAD": SHIM, "FAULTS_CONTROL": control.path,
                       "GATEWAY_INTERFACE": "CGI/1.1", **dict(variables)}
        done = subprocess.run([*FIXED, f"{BUILD}/doorward", "-c", self.settings_file(0)], stdin=subprocess.DEVNULL,
                              capture_output=True, env=environment, cwd=self.state, timeout=60)
        return done.stdout, done.returncode, done.stderr.decode("utf-8", "replace")


def ours(line):
    """The function and line behind "PATH/doorward(+0x1234)", or None for another file's."""
    found = re.match(r"\S*/doorward\(\+(0x[0-9a-f]+)\)", line)
    if not found:
        return None
    address = hex(int(found.group(1), 16) - 1)  # a return address is that of the next instruction
    said = subprocess.run(["addr2line", "-f", "-s", "-e", f"{BUILD}/doorward", address], capture_output=True, text=True)
    return " ".join(said.stdout.split()) or None


def innermost(frames, most=6):
    """From the library that died on, as far as to the first function of ours."""
    for frame in (f for f in frames if not f.startswith("libc.so")):
        yield frame
        most -= 1
        if ".so" not in frame or most == 0:
            return


def death_of(said):
    """What a process that ended left behind: ("logged", its last words) or ("died", the frames, the innermost first),
    or None for no reason at all."""
    if "died by a signal at\n" in said:
        frames = [line for line in said.split("died by a signal at\n", 1)[1].splitlines() if "[0x" in line]
        # Before the one that died: the handler and the signal's return.
        frames = frames[2:]
        return "died", tuple(innermost(ours(f) or re.sub(r"\[0x[0-9a-f]+\]|^\S*/", "", f) for f in frames))
    errors = re.findall(r'"level":"error","message":"([^"]*)"|(?m:^\S+ doorward\[\d+\] error: (.*)$|^doorward: (.*)$)', said)
    reason = re.sub(r"\d+|/\S+", "...", "".join(errors[-1])) if errors else ""
    return ("logged", re.sub(r"(the JSON member|unknown key) .*", r"\1 ...", reason)) if reason else None
