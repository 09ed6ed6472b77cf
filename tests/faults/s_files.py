"""The log cannot be written; keys, settings and templates are broken when Doorward is told to read them again."""

import fcntl
import os
import shutil
import signal
import subprocess
import threading

import nodes
from sites import FaultSite
from stage import scenario
from stores import until


# ---- the log ----

class SmallDiskSite(FaultSite):
    """The log is on a file system of 64 KiB."""

    def write_settings(self, values, count):
        self.disk = f"{self.state}/disk"
        os.makedirs(self.disk)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", self.disk], check=True)
        super().write_settings({"log.target": f"{self.disk}/log", **values}, count)

    def close(self):
        if hasattr(self, "disk"):
            subprocess.run(["umount", "-l", self.disk], check=True)
        return super().close()


@scenario(mounts=True, site=SmallDiskSite)
def the_disk_of_the_log_is_full(stage):
    """Requests go on. What could not be logged is counted, and said when there is room again."""
    log = f"{stage.site.disk}/log"
    with stage.fault(refuses=False):
        until(lambda: os.statvfs(stage.site.disk).f_bavail == 0, 10, "a full disk")
        stage.go_on(0.5)
        os.truncate(log, 0)
        until(lambda: "lines that could not be logged" in open(log).read(), 5, "the count of lost lines")


@scenario(settings=("log.target=/dev/full",))
def the_log_is_a_full_device(stage):
    with stage.fault(refuses=False):
        stage.go_on(0.5)


class SlowReaderSite(FaultSite):
    """The log goes to a pipe, as with systemd's journal; who reads it has stopped."""

    def _start(self, name, command, clock):
        self.pipes = getattr(self, "pipes", {})
        self.pipes[name] = reader, writer = os.pipe()
        process = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", *command], stdin=subprocess.DEVNULL, stdout=writer, stderr=writer,
                                   cwd=self.state)
        self.processes.append((name, process))
        open(f"{self.state}/{name}.log", "ab").close()

    def fill(self):
        for _, writer in self.pipes.values():
            # A number of its own: the flag belongs to the description, which Doorward does not share.
            own = os.open(f"/proc/self/fd/{writer}", os.O_WRONLY | os.O_NONBLOCK)
            for size in (4096, 1):
                try:
                    while os.write(own, b"x" * size):
                        pass
                except BlockingIOError:
                    pass
            os.close(own)

    def drain(self, name):
        """What was logged; for ever."""
        def read():
            with open(f"{self.state}/{name}.log", "ab", buffering=0) as log:
                while chunk := os.read(self.pipes[name][0], 65536):
                    log.write(chunk)
        threading.Thread(target=read, daemon=True).start()


@scenario(site=SlowReaderSite)
def nobody_reads_the_log(stage):
    with stage.fault(refuses=False):
        stage.site.fill()
        stage.go_on(0.7)
        for name in stage.site.pipes:
            stage.site.drain(name)
        until(lambda: "lines that could not be logged" in stage.site.log("node0"), 5, "the count of lost lines")


# ---- what is read at SIGHUP ----

def reload(stage, word):
    """All nodes; each says the word in its log, once more than before."""
    before = [stage.site.log(f"node{node}").count(word) for node in stage.nodes]
    for node in stage.nodes:
        os.kill(stage.site.process(node).pid, signal.SIGHUP)
    for node in stage.nodes:
        until(lambda n=node: stage.site.log(f"node{n}").count(word) > before[n], 10, f"node {node} says {word!r}")


def broken(path, how):
    """A function that breaks the file, and one that mends it."""
    def mend():
        if os.path.isdir(path):
            os.rmdir(path)
        shutil.copy2(path + ".kept", path)
        os.unlink(path + ".kept")

    def breaks():
        shutil.copy2(path, path + ".kept")
        how(path)
    return breaks, mend


def halve(path):
    os.truncate(path, os.path.getsize(path) // 2)


def scribble(path):
    with open(path, "r+b") as f:
        f.write(b"no such thing, and not the end of it {{#nobody}} \n[nonsense\n")


def empty(path):
    os.truncate(path, 0)


def forbid(path):
    os.chmod(path, 0)


def open_to_all(path):
    os.chmod(path, 0o644)


def goes_on_with(stage, path, ways):
    """Each way to break the file, a reload that is refused, traffic; then mended, and a reload that is not."""
    with stage.fault(refuses=False):
        for how in ways:
            breaks, mend = broken(path, how)
            breaks()
            reload(stage, "not reloaded")
            stage.go_on(0.2)
            mend()
        reload(stage, '"reloaded ')
    stage.note(f"{os.path.basename(path)}: {', '.join(how.__name__.replace('_', ' ') for how in ways)}")


# Root without the privilege to read what its mode forbids.
OBEYS_MODES = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search")


def key_file(stage, kind):
    folder = f"{stage.site.state}/keys"
    return next(f"{folder}/{name}" for name in sorted(os.listdir(folder)) if name.startswith(kind))


@scenario(wrap=OBEYS_MODES)
def the_signing_key_is_broken_at_a_reload(stage):
    goes_on_with(stage, key_file(stage, "sign"), (halve, scribble, empty, forbid, open_to_all, os.unlink))


@scenario(wrap=OBEYS_MODES)
def the_mac_key_is_broken_at_a_reload(stage):
    goes_on_with(stage, key_file(stage, "mac"), (halve, scribble, empty, forbid, open_to_all, os.unlink))


@scenario()
def keys_are_rotated_while_tokens_are_in_use(stage):
    """Old tokens stay good, new ones are signed with the new keys, and no request fails."""
    with stage.fault(refuses=False):
        stage.site.ctl("keys", "rotate", "--in", "1s")
        reload(stage, '"reloaded ')
        stage.go_on(1.5)
        reload(stage, '"reloaded ')


@scenario()
def the_settings_are_broken_at_a_reload(stage):
    with stage.fault(refuses=False):
        for how in (scribble, empty, os.unlink):
            pairs = [broken(stage.site.settings_file(node), how) for node in stage.nodes]
            for breaks, _ in pairs:
                breaks()
            reload(stage, "not reloaded")
            stage.go_on(0.2)
            for _, mend in pairs:
                mend()
        reload(stage, '"reloaded ')


class OwnTemplatesSite(FaultSite):
    def write_settings(self, values, count):
        shutil.copytree(f"{nodes.ROOT}/templates", f"{self.state}/templates")
        super().write_settings({"page.templates_dir": f"{self.state}/templates", **values}, count)


@scenario(site=OwnTemplatesSite)
def a_template_is_broken_at_a_reload(stage):
    folder = f"{stage.site.state}/templates"
    goes_on_with(stage, f"{folder}/{next(n for n in sorted(os.listdir(folder)) if 'login' in n)}", (scribble, os.unlink))
