"""Doorward itself dies, runs out of something, gets signals, is restarted."""

import os
import resource
import signal
import socket
import subprocess
import time

from sites import FaultSite
from stage import scenario


@scenario(quick=True)
def doorward_is_killed_and_started_again(stage):
    """Both nodes at once: no answer is no yes (the web servers' part: see s_web.py), and no session is lost."""
    stage.books.silence = True
    with stage.fault():
        for node in stage.nodes:
            stage.site.kill_node(node)
        stage.go_on(0.5)
        stage.site.start_nodes(stage.nodes)


def limit(stage, kind, amount):
    """Of both nodes, from what they have now; the limits of before, to set them again."""
    before = {}
    for node in stage.nodes:
        pid = stage.site.process(node).pid
        before[pid] = resource.prlimit(pid, kind)
        resource.prlimit(pid, kind, (amount(pid), before[pid][1]))
    return before


def unlimit(before, kind):
    for pid, values in before.items():
        resource.prlimit(pid, kind, values)


@scenario()
def doorward_has_no_file_descriptors_left(stage):
    """Idle connections hold the last ones. Requests wait for a free one, or are told to come again."""
    with stage.fault(refuses=None):
        before = limit(stage, resource.RLIMIT_NOFILE, lambda pid: max(map(int, os.listdir(f"/proc/{pid}/fd"))) + 2)
        idle = []
        for path in [stage.site.socket_path(role, node) for role in ("authorizer", "responder") for node in stage.nodes] * 8:
            idle.append(socket.socket(socket.AF_UNIX))
            idle[-1].connect(path)
        stage.go_on(1)
        unlimit(before, resource.RLIMIT_NOFILE)
        for connection in idle:
            connection.close()
    stage.says("Too many open files")


def address_space(pid):
    with open(f"/proc/{pid}/statm") as f:
        return int(f.read().split()[0]) * resource.getpagesize()


def least_address_space(pid):
    """Without the room of the passwords that are being computed."""
    end, least = time.monotonic() + 0.5, address_space(pid)
    while time.monotonic() < end:
        least = min(least, address_space(pid))
        time.sleep(0.001)
    return least


@scenario()
def doorward_gets_no_more_memory(stage):
    """RLIMIT_AS: a password cannot be computed. That is "come again", not "wrong password", and counts as no attempt."""
    with stage.fault():
        before = limit(stage, resource.RLIMIT_AS, lambda pid: least_address_space(pid) + (4 << 20))
        stage.go_on(1)
        stage.shows(all(not stage.prober.sign_in(node) for node in stage.nodes), "there was memory enough for a sign-in")
        unlimit(before, resource.RLIMIT_AS)
    stage.spares("check")


@scenario()
def signals_come_all_the_time(stage):
    """USR1 is ignored, USR2 interrupts whatever call a thread is in, HUP loads all files anew."""
    with stage.fault(refuses=False):
        end, pids, sent = time.monotonic() + 1.5, [stage.site.process(n).pid for n in stage.nodes], 0
        while time.monotonic() < end:
            for pid in pids:
                os.kill(pid, signal.SIGUSR1)
                os.kill(pid, signal.SIGUSR2)
                if sent % 200 == 0:
                    os.kill(pid, signal.SIGHUP)
            sent += 1
            time.sleep(0.001)
    stage.note(f"{sent} rounds of signals")
    stage.says("reloaded", 2)


@scenario()
def doorward_hangs_for_a_moment(stage):
    """SIGSTOP. Requests wait; one that was being read at that moment gets no answer."""
    stage.books.silence = True
    with stage.fault(refuses=None):
        for node in stage.nodes:
            os.kill(stage.site.process(node).pid, signal.SIGSTOP)
        stage.go_on(0.8)
        for node in stage.nodes:
            os.kill(stage.site.process(node).pid, signal.SIGCONT)
    stage.shows(stage.books.longest() > 0.6, "nobody waited")


class SystemdSite(FaultSite):
    """The sockets are opened by somebody else, as systemd opens them, and stay open."""

    def write_settings(self, values, count):
        super().write_settings(values, count)
        self.handed = {}
        for node in range(count):
            for role in ("authorizer", "responder"):
                self.handed[role, node] = one = socket.socket(socket.AF_UNIX)
                one.bind(self.socket_path(role, node))
                one.listen(1024)
            self.name_sockets(node)

    def name_sockets(self, node):
        with open(self.settings_file(node)) as f:
            lines = [f"listen_{r} = systemd:{r}\n" if (r := line.split(" ")[0].removeprefix("listen_")) in ("authorizer", "responder")
                     else line for line in f]
        with open(self.settings_file(node), "w") as f:
            f.writelines(lines)

    def _start(self, name, command, clock):
        """By the protocol of sd_listen_fds(3)."""
        sockets = [self.handed[role, int(name.removeprefix("node"))] for role in ("authorizer", "responder")]
        script = 'LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=authorizer:responder exec "$@"' + "".join(
            f" {3 + i}<&{one.fileno()}" for i, one in enumerate(sockets))
        with open(f"{self.state}/{name}.log", "ab") as log:
            process = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", "bash", "-c", script, "bash", *command], stdout=log, stderr=log,
                                       stdin=subprocess.DEVNULL, pass_fds=[one.fileno() for one in sockets], cwd=self.state)
        self.processes.append((name, process))


@scenario(quick=True, site=SystemdSite)
def doorward_is_restarted_while_systemd_holds_its_sockets(stage):
    """Not one request fails: they wait."""
    with stage.fault(refuses=False):
        for _ in range(3):
            for node in stage.nodes:
                stage.site.restart_node(node)
            stage.go_on(0.1)


@scenario(site=SystemdSite)
def doorward_is_killed_while_systemd_holds_its_sockets(stage):
    """What was in hand gets no answer; what came after waits."""
    stage.books.silence = True
    with stage.fault(refuses=None):
        for _ in range(3):
            for node in stage.nodes:
                stage.site.kill_node(node)
                stage.site.start_nodes([node])
            stage.go_on(0.1)
