"""Sockets that systemd opens, both of them, and the TCP port that mod_authnz_fcgi needs."""

import fcntl
import os
import re
import signal
import socket
import subprocess
import sys
import threading

import harness
from harness import BUILD, FLOW, ROOT, Browser, check_equal, check_in, check_status, test, wait_until
from peer import Peer, whole

sys.path.append(f"{ROOT}/tests/support")
import fastcgi

CHECK = (("REQUEST_METHOD", "GET"), ("REQUEST_URI", "/private/"), ("SERVER_PROTOCOL", "HTTP/1.1"), ("REMOTE_ADDR", "127.0.0.1"))
PAGE = (*CHECK[:1], ("REQUEST_URI", "/auth/login"), ("SCRIPT_NAME", "/auth/login"), *CHECK[2:])
NAMES = ("authorizer", "responder")


def settings_of(site, name, **settings):
    """Doorward's settings with other sockets, in a file of its own."""
    with open(f"{site.state}/doorward.conf") as f:
        text = re.sub(r"^listen_.*\n", "", f.read(), flags=re.M)
    path = f"{site.state}/{name}.conf"
    with open(path, "w") as f:
        f.write(text.replace("[server]\n", "[server]\n" + "".join(f"{n} = {value}\n" for n, value in settings.items())))
    return path


def opened(site):
    """Two listening Unix sockets, as systemd opens them; on descriptors that nothing else has."""
    found = []
    for name in NAMES:
        path = f"{site.state}/handed-{name}.sock"
        if os.path.exists(path):
            os.unlink(path)
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path)
            one.listen(64)
            found.append(socket.socket(fileno=fcntl.fcntl(one.fileno(), fcntl.F_DUPFD, 30)))
    return found


def started(conf, sockets, names=":".join(NAMES), pid="$$"):
    """Doorward with these sockets on the descriptors 3 and on, by the protocol of sd_listen_fds(3)."""
    script = f'LISTEN_PID={pid} LISTEN_FDS={len(sockets)} LISTEN_FDNAMES={names} exec "$0" -c "$1"'
    script += "".join(f" {3 + i}<&{one.fileno()}" for i, one in enumerate(sockets))
    return subprocess.Popen(["setpriv", "--pdeathsig", "TERM", "bash", "-c", script, f"{BUILD}/doorward", conf], stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, pass_fds=[one.fileno() for one in sockets])


def ended(process):
    process.terminate()
    said = process.communicate(timeout=20)[1]
    check_equal(process.returncode, 0, said)
    return said


def path_of(site, name):
    return f"{site.state}/handed-{name}.sock"


def check_both(site):
    """Checks on the one socket, pages on the other, and not the other way round."""
    check_equal(fastcgi.ask(path_of(site, "authorizer"), CHECK, role=fastcgi.AUTHORIZER).status, 302)
    check_equal(fastcgi.ask(path_of(site, "responder"), PAGE).status, 200)
    check_equal(fastcgi.ask(path_of(site, "authorizer"), PAGE).status, 503)
    check_equal(fastcgi.ask(path_of(site, "responder"), CHECK, role=fastcgi.AUTHORIZER).status, 503)


@test
def two_sockets_are_taken_by_their_names(site):
    conf = settings_of(site, "handed", listen_authorizer="systemd:authorizer", listen_responder="systemd:responder")
    sockets = opened(site)
    for order, names in ((sockets, "authorizer:responder"), (sockets[::-1], "responder:authorizer")):
        process = started(conf, order, names)
        check_both(site)
        ended(process)
    for one in sockets:
        one.close()


@test
def requests_wait_while_doorward_restarts(site):
    conf = settings_of(site, "handed", listen_authorizer="systemd:authorizer", listen_responder="systemd:responder")
    sockets = opened(site)
    ended_before = started(conf, sockets)
    check_both(site)
    ended(ended_before)
    answers = []
    waiting = [threading.Thread(target=lambda: answers.append(fastcgi.ask(path_of(site, "authorizer"), CHECK, role=fastcgi.AUTHORIZER).status))
               for _ in range(5)]
    for one in waiting:
        one.start()
    check_equal(answers, [])
    process = started(conf, sockets)
    for one in waiting:
        one.join(20)
    check_equal(answers, [302] * 5)
    ended(process)
    for one in sockets:
        one.close()


@test
def systemd_itself_hands_them_over(site):
    conf = settings_of(site, "handed", listen_authorizer="systemd:authorizer", listen_responder="systemd:responder")
    for name in NAMES:
        if os.path.exists(path_of(site, name)):
            os.unlink(path_of(site, name))
    listen = [f"--listen={path_of(site, name)}" for name in NAMES]
    process = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", "systemd-socket-activate", *listen, "--fdname=" + ":".join(NAMES),
                                f"{BUILD}/doorward", "-c", conf], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               text=True)
    wait_until(lambda: all(os.path.exists(path_of(site, name)) for name in NAMES), what="systemd-socket-activate does not listen")
    check_both(site)
    ended(process)


@test
def the_units_name_the_sockets_that_the_settings_name(site):
    for name in NAMES:
        with open(f"{ROOT}/systemd/doorward-{name}.socket") as f:
            unit = f.read()
        check_in(f"\nFileDescriptorName={name}\nService=doorward.service\n", unit)
    with open(f"{ROOT}/systemd/doorward-authorizer.socket") as f:
        check_in("listen_responder = systemd:responder", f.read())


@test
def a_socket_that_was_not_handed_over_is_named(site):
    conf = settings_of(site, "handed", listen_authorizer="systemd:authorizer", listen_responder="systemd:pages")
    sockets = opened(site)
    for more in (dict(), dict(pid="1"), dict(names="authorizer"), dict(names="")):
        process = started(conf, sockets, **more)
        said = process.communicate(timeout=20)[1]
        check_equal(process.returncode, 1, said)
        check_in("systemd handed over no socket named " + ("authorizer" if more.get("pid") or more.get("names") == "" else "pages"), said)
    for one in sockets:
        one.close()


# ---- the TCP port ----

def low_port():
    """A free port for which one must be privileged."""
    return harness.free_port(range(700, 1000))


def nobody(*command, capabilities=""):
    more = (f"--inh-caps={capabilities}", f"--ambient-caps={capabilities}") if capabilities else ()
    return ["setpriv", "--reuid", "www-data", "--regid", "www-data", "--clear-groups", *more, "--pdeathsig", "TERM", "--", *command]


def may_take(port):
    """Can a user without privileges take the port?"""
    code = "import socket, sys\ns = socket.socket()\ns.bind(('127.0.0.1', int(sys.argv[1])))"
    return subprocess.run(nobody("/usr/bin/python3", "-c", code, str(port)), capture_output=True).returncode == 0


def readable(site, conf):
    """For the web server's user, as whom Doorward runs here."""
    text = open(conf).read().replace(f"{site.state}/keys", f"{site.state}/tmp/keys")
    subprocess.run(["cp", "-r", f"{site.state}/keys", f"{site.state}/tmp/keys"], check=True)
    subprocess.run(["chown", "-R", "www-data:", f"{site.state}/tmp/keys", f"{site.state}/redis.sock"], check=True)
    with open(conf, "w") as f:
        f.write(text)


@test
def a_port_below_1024_needs_a_privilege_that_nobody_else_has(site):
    assert os.getuid() == 0, "only root can try this"
    low, high = low_port(), harness.free_port()
    check_equal((may_take(low), may_take(high)), (False, True))
    conf = settings_of(site, "low", listen_authorizer=f"127.0.0.1:{low}")
    readable(site, conf)
    # As another user: refused, with the reason.
    done = subprocess.run(nobody(f"{BUILD}/doorward", "-c", conf), capture_output=True, text=True, timeout=20)
    check_equal(done.returncode, 1)
    check_in(f"cannot listen on 127.0.0.1:{low}: Permission denied", done.stderr)
    # With the one capability that systemd/doorward.service can give.
    process = subprocess.Popen(nobody(f"{BUILD}/doorward", "-c", conf, capabilities="+net_bind_service"), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        wait_until(lambda: socket.socket().connect_ex(("127.0.0.1", low)) == 0, what="Doorward does not listen")
        # Apache asks there.
        with asking(site, low):
            browser = Browser(site).signed_in("alice")
            check_equal(browser.fetch("/private/whoami").environment().get("REMOTE_USER"), "alice")
            check_status(Browser(site).fetch("/private/1k.txt"), 401)
    finally:
        ended(process)
    # And while it is away: closed.
    with asking(site, low):
        check_status(browser.fetch("/private/1k.txt"), 500, 503)


@test
def on_a_higher_port_another_user_could_answer_in_doorwards_place(site):
    """The danger that the port below 1024 is for: without Doorward, whoever listens there lets in."""
    port = harness.free_port()
    peer = Peer(("127.0.0.1", port), lambda _: whole(b"Status: 200 OK\r\nVariable-AUTH_USER: mallory\r\n\r\n"))
    with asking(site, port):
        check_status(Browser(site).fetch("/private/1k.txt"), 200)
    peer.close()


class asking:
    """Apache asks at another port, by a graceful restart."""

    def __init__(self, site, port):
        self.site, self.port = site, port

    def swap(self, old, new):
        with open(f"{self.site.state}/site.conf") as f:
            text = f.read()
        check_in(f"127.0.0.1:{old}\n", text)
        with open(f"{self.site.state}/site.conf", "w") as f:
            f.write(text.replace(f"127.0.0.1:{old}\n", f"127.0.0.1:{new}\n"))
        log = f"{self.site.state}/log/error.log"
        before = open(log).read().count("resuming normal operations")
        os.kill(self.site.parts["web"], signal.SIGUSR1)
        wait_until(lambda: open(log).read().count("resuming normal operations") > before, 15, "Apache did not restart")

    def __enter__(self):
        self.swap(self.site.ports["authorizer_port"], self.port)

    def __exit__(self, *_):
        self.swap(self.port, self.site.ports["authorizer_port"])


os.makedirs(FLOW, exist_ok=True)
harness.main(servers=("apache",), clock=False)
