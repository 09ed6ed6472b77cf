"""An authorizer that is gone, silent or broken: to many web servers silence means yes. The example
configurations must refuse, whatever an authorizer says but a decision with an identity."""

import os

import harness
from harness import Browser, check_equal, check_status, test
from peer import Peer, whole
from scenarios import BROKEN, check_nothing_got_out

os.makedirs(harness.FLOW, exist_ok=True)
UNIX = f"{harness.FLOW}/08-authorizer.sock"
PORT = harness.free_port()
PAGES = ("/private/1k.txt", "/private/", "/private/whoami", "/admin/", "/app/x")

REFUSAL = whole(b"Status: 401 Unauthorized\r\n\r\n")
answer = REFUSAL


def say(_):
    return answer


peers = [Peer(UNIX, say), Peer(("127.0.0.1", PORT), say)]


def check_refused(site, label):
    for page in PAGES:
        for method in ("GET", "POST"):
            reply = site.raw(f"{method} {page} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n"
                             "Connection: close\r\n\r\n".encode(), timeout=60)
            head, _, body = reply.partition(b"\r\n\r\n")
            what = f"{label}: {method} {page}: {head[:40]}"
            check_nothing_got_out(reply, what)
            assert not head.startswith(b"HTTP/1.1 2") or not body.strip(b"0\r\n"), what


@test
def what_is_no_decision_lets_nobody_in(site):
    global answer
    for label, bytes_sent in BROKEN.items():
        answer = bytes_sent
        check_refused(site, label)


@test
def a_decision_with_an_identity_lets_in(site):
    global answer
    answer = whole(b"Status: 200 OK\r\nVariable-AUTH_USER: zoe\r\nVariable-REMOTE_USER: zoe\r\n\r\n")
    reply = Browser(site).request("GET", "/private/whoami")
    check_status(reply, 200)
    check_equal(reply.environment().get("REMOTE_USER"), "zoe")
    check_status(Browser(site).request("GET", "/private/1k.txt"), 200)
    check_status(Browser(site).request("GET", "/app/x"), 200)


@test
def a_second_request_on_a_connection_starts_anew(site):
    global answer
    answer = REFUSAL
    line = "GET {} HTTP/1.1\r\nHost: localhost\r\nConnection: {}\r\n\r\n"
    data = (line.format("/", "keep-alive") * 2 + line.format("/", "close")).encode()
    check_equal(site.raw(data).count(b"HTTP/1.1 200"), 3)
    data = (line.format("/private/1k.txt", "keep-alive") * 2 + line.format("/private/1k.txt", "close")).encode()
    check_equal(site.raw(data).count(b"xxxx"), 0)


@test
def an_authorizer_that_is_gone_lets_nobody_in(site):
    for peer in peers:
        peer.close()
    if os.path.exists(UNIX):
        check_refused(site, "nobody listens")
        os.unlink(UNIX)
    check_refused(site, "no socket")
    for i, address in enumerate((UNIX, ("127.0.0.1", PORT))):
        peers[i] = Peer(address, say)


# The web server asks this program instead of Doorward.
harness.main(edit=f"s|^var.authorizer_socket = .*|var.authorizer_socket = \"{UNIX}\"|\n"
                  f"s|^Define DOORWARD_AUTHORIZER .*|Define DOORWARD_AUTHORIZER 127.0.0.1:{PORT}|\n", clock=False)
