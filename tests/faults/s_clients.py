"""Clients, and web servers, that misbehave: too many, too slow, too much, half gone."""

import re
import socket
import threading
import time

import fastcgi
import nodes
from nodes import ACCESS
from stage import scenario
from traffic import Visitor

BEGIN = {role: fastcgi.record(fastcgi.BEGIN, bytes((0, role)) + bytes(6)) for role in (fastcgi.RESPONDER, fastcgi.AUTHORIZER)}


def status_of(pid, name):
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(name + r":\s+(\d+)", f.read()).group(1)) // 1024


@scenario(quick=True, settings=("password.max_parallel=2",), longest=20)
def two_hundred_sign_in_at_once(stage):
    """Memory stays within what two computations take; who is too many is told to come again; checks go on."""
    pid = stage.site.process(0).pid
    before, found = status_of(pid, "VmHWM"), []
    visitors = [Visitor(stage, "victim", 10 + i) for i in range(200)]
    with stage.fault(refuses=None):
        threads = [threading.Thread(target=lambda v=v: found.append(v.sign_in(0))) for v in visitors]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    signed_in = [session for session in found if session]
    grown = status_of(pid, "VmHWM") - before
    stage.note(f"{len(signed_in)} signed in, {200 - len(signed_in)} were told to come again; {grown} MiB more at most")
    stage.shows(len(found) == 200 and signed_in, "not everybody got an answer")
    stage.shows(grown < 2 * 19 + 20, f"{grown} MiB for two computations of 19 MiB each")
    stage.spares("check")


def connect(stage, role, sent):
    one = socket.socket(socket.AF_UNIX)
    one.settimeout(20)
    one.connect(stage.site.socket_path(role, 0))
    one.sendall(sent)
    return one


def login(length, body):
    client = nodes.Client  # the parameters of a browser without cookies
    params = [*client._params(client(None), "POST", "/auth/login", {}, nodes.NAVIGATION), ("HTTP_ORIGIN", nodes.ORIGIN),
              ("CONTENT_LENGTH", str(length)), ("CONTENT_TYPE", "application/x-www-form-urlencoded")]
    return BEGIN[fastcgi.RESPONDER] + fastcgi.stream(fastcgi.PARAMS, fastcgi.pairs(params)) + body


@scenario(settings=("server.responder_threads=8",), longest=12)
def bodies_come_slowly(stage):
    """More of them than threads for pages. Checks have threads of their own; pages wait until the slow are given up."""
    with stage.fault(refuses=None):
        part = login(1000, fastcgi.record(fastcgi.STDIN, b"username=alice"))
        slow = [connect(stage, "responder", part) for _ in range(12)]
        end = time.monotonic() + 1.5
        while time.monotonic() < end:  # the traffic's threads wait for pages
            stage.prober.check(stage.probe)
        for one in slow:
            one.close()
    stage.spares("check")


@scenario()
def bodies_are_too_large_or_too_short(stage):
    """Ten megabytes, announced or not; less than announced; a length that is none."""
    big = fastcgi.stream(fastcgi.STDIN, b"username=alice&password=" + b"x" * 10_000_000)
    short, none = fastcgi.stream(fastcgi.STDIN, b"username=alice"), fastcgi.record(fastcgi.STDIN)
    answers = []
    with stage.fault(refuses=False):
        for length, body in ((10_000_024, big), (14, big), (5000, short), (-1, short), ("1e3", short), (14, none), ("9" * 30, short)) * 3:
            try:
                with connect(stage, "responder", login(length, body)) as one:
                    answers.append(fastcgi.read_answer(one).status)
            except (OSError, fastcgi.Silence):
                answers.append(0)
    stage.note(f"answers: {answers[:7]}")
    stage.shows(not [a for a in answers if 200 <= a < 400], f"a yes among {answers}")


def half(stage, request, at, role):
    """The status of what is answered to a request of which the rest never comes."""
    try:
        with connect(stage, role, request[:at]) as one:
            one.shutdown(socket.SHUT_WR)
            return fastcgi.read_answer(one).status
    except (OSError, fastcgi.Silence):
        return 0


@scenario(quick=True, pace=0.02)
def checks_are_cut_off_at_every_byte(stage):
    """The web server is gone, or has closed its half: what has arrived of a request that would be let in is no yes."""
    visitor = Visitor(stage, "victim", 150)
    session = stage.must(visitor.sign_in())
    jar = {ACCESS: session.client.jar[ACCESS]}
    params = session.client._params("GET", "/private/", jar, nodes.SCRIPT)
    request = BEGIN[fastcgi.AUTHORIZER] + fastcgi.stream(fastcgi.PARAMS, fastcgi.pairs(params))
    counts = {}
    with stage.fault(refuses=False):
        for at in range(len(request)):
            status = half(stage, request, at, "authorizer")
            counts[status] = counts.get(status, 0) + 1
            if at % 10 == 0:
                connect(stage, "authorizer", request[:at]).close()
    stage.shows(not [s for s in counts if 200 <= s < 400], f"a part of a request was let in: {counts}")
    stage.shows(half(stage, request, len(request), "authorizer") == 200, "the whole request is not let in")
    stage.note(f"{len(request)} cuts; answers by status (0: none): {counts}")


@scenario()
def pages_are_cut_off_in_parameters_and_in_the_body(stage):
    """A refresh that is cut off rotates at most once, and the next try is answered as ever."""
    visitor = Visitor(stage, "victim", 150)
    with stage.fault(refuses=False):
        session = stage.must(visitor.sign_in())
        params = session.client._params("POST", "/auth/refresh", session.client.jar, nodes.SCRIPT)
        params += [("HTTP_ORIGIN", nodes.ORIGIN), ("CONTENT_LENGTH", "4")]
        request = BEGIN[fastcgi.RESPONDER] + fastcgi.stream(fastcgi.PARAMS, fastcgi.pairs(params)) + fastcgi.stream(fastcgi.STDIN, b"a=bc")
        began = time.monotonic()
        for at in [*range(0, len(request), 7), *range(len(request) - 24, len(request))]:
            if time.monotonic() - began < 8:  # less than the grace of a token that was used
                connect(stage, "responder", request[:at]).close()
                half(stage, request, at, "responder")
        stage.shows(visitor.refresh(session), "the token does not work any more")
