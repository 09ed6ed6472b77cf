"""Every web server from its example file, the same scenarios on each: a table of scenario and server.

What a server truly cannot do is data (SERVERS), with the reason; the table marks it. Each server runs its
scenarios on two sites: one as the example says (with its lines for PHP taken in), one with the pages below
another path, no base_url, and three names of its own."""

import concurrent.futures
import contextlib
import glob
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback

import harness
from harness import (ACCESS, FLOW, REFRESH, ROOT, Browser, Site, check_equal, check_in, check_not_in, check_status, wait_until)
from peer import Peer, whole
from processes import wait_for_end
from scenarios import (BROKEN, METHODS, SPELLINGS, SPOOFED, as_admin, ask, check_nothing_got_out, curl, is_identity, status)

PAGES = ("/private/1k.txt", "/private/", "/private/whoami", "/private/told.php", "/admin/", "/app/x")

# From the example, uncommented; STATE is the state's folder.
PHP = {
    "nginx": "/#location ~ .\\.php\\$ {/,/#}/s/#//\ns|/run/php/php-fpm.sock|STATE/tmp/php.sock|\n",
    "others": "s/^\\([\\t ]*\\)#php /\\1/\ns|/run/php/php-fpm.sock|STATE/tmp/php.sock|\n",
}


class Server:
    """What is particular: hangs: seconds after which a hung authorizer is cut off. http2: the version that curl gets.
    two_cookies: the status of a request whose cookie is in the second of two Cookie lines. slash: the status that adds
    the missing slash to a folder's address. application: what is before the path that the application gets. limits: scenario -> what cannot be, and why."""

    def __init__(self, server, hangs, http2="2", two_cookies=200, slash=301, application="", limits=None, **site_options):
        self.server, self.hangs, self.http2, self.two_cookies, self.slash = server, hangs, http2, two_cookies, slash
        self.application = application
        self.limits, self.site_options = limits or {}, site_options


COMMA = "two Cookie lines are joined by a comma: the cookie of the second is not found (refused, not mistaken)"
NOBODY = "a request without a user is refused: leave such pages out"
FCGID_LEAK = "answers of Apache itself (404, the missing slash) show users their own Variable- headers"
SERVERS = {
    "apache": Server("apache", 30, two_cookies=401, limits={
        "two Cookie lines": COMMA,
        "rule for everybody": NOBODY,
        "hung": "30 s are fixed in mod_authnz_fcgi"}),
    "apache+cgi": Server("apache", 30, two_cookies=401, cgi=True, sanitized=False, limits={
        "two Cookie lines": COMMA,
        "rule for everybody": NOBODY}),
    "apache-fcgid": Server("apache-fcgid", 10, two_cookies=401, sanitized=False, limits={
        "two Cookie lines": COMMA,
        "rule for everybody": NOBODY,
        "identity stays inside": FCGID_LEAK}),
    "lighttpd": Server("lighttpd", 5, http2="1.1", application="/app", limits={
        "HTTP/2": "off: before 1.4.77 lighttpd loses the bodies of protected requests"}),
    "nginx": Server("nginx", 3, limits={
        "folders, PATH_INFO, 404": "PATH_INFO: the example hands on none"}),
    "caddy": Server("caddy", 3, slash=308, two_cookies=401, limits={
        "two Cookie lines": COMMA}),
}
# Not run, and why.
CHECKS_ALIKE = "its checks are those of the column apache"
NO_INCLUDES = "the example has no server-side includes"
NOT_RUN = {
    "apache+cgi": {"broken answers": CHECKS_ALIKE, "hung": CHECKS_ALIKE},
    "lighttpd": {"page with includes": NO_INCLUDES},
    "caddy": {"page with includes": NO_INCLUDES},
}


# ---- the scenarios: name -> function(site, server) ----

scenarios = {}


def scenario(name, sub_path=False):
    def add(function):
        scenarios[name] = (function, sub_path)
        return function
    return add


def told(site, browser, path="/private/whoami", *headers):
    """What a program says that it was told; path: that of the CGI or of the PHP program."""
    answer = ask(site, "GET", path, "Cookie: " + browser.cookie_header("/"), *headers)
    check_equal(status(answer), 200, path)
    return dict(line.split("=", 1) for line in answer.decode("latin-1").splitlines() if "=" in line)


def application_headers(answer):
    return [(name.lower(), value) for name, value in harness.json.loads(answer[answer.index(b"{"):answer.rindex(b"}") + 1])["headers"]]


@scenario("the journey")
def journey(site, server):
    browser = Browser(site)
    check_status(browser.navigate("/"), 200)
    page = browser.navigate("/private/whoami?a=1&b=2")
    check_equal(page.field("next"), "/private/whoami?a=1&b=2")
    check_status(browser.sign_in("alice", "wrong-password-here"), 401)
    environment = browser.sign_in("alice", next_path="/private/whoami?a=1&b=2", follow=True).environment()
    check_equal([environment.get(n) for n in ("REMOTE_USER", "AUTH_USER", "QUERY_STRING")], ["alice", "alice", "a=1&b=2"])
    check_equal(sorted(environment["AUTH_ROLES"].split(",")), ["admin", "staff"])
    assert environment.get("AUTH_SESSION") and abs(int(environment["AUTH_TIME"]) - site.now()) < 60
    check_not_in(browser.cookie(REFRESH), str(environment))
    check_in("Admin page", browser.navigate("/admin/").text)
    check_equal(dict(application_headers(browser.fetch("/app/x").body)).get("authuser"), "alice")
    check_status(browser.refresh(), 200)
    browser.jar.pop(ACCESS)
    check_equal(len(browser.navigate("/private/1k.txt").body), 1024)
    thief = browser.copy()
    check_status(browser.sign_out(), 303)
    for reply in (thief.fetch("/private/1k.txt"), thief.refresh()):
        check_status(reply, 401)


@scenario("refusals")
def refusals(site, server):
    for path in PAGES:
        first = Browser(site).navigate(path + "?a=1&b=2", follow=False)
        check_status(first, 302)
        check_in("no-store", first.headers["Cache-Control"])
        check_equal(Browser(site).navigate(path + "?a=1&b=2").field("next"), path + "?a=1&b=2")
        for method in ("GET", "POST", "DELETE"):
            reply = Browser(site).fetch(path, method, body=b"12345" if method == "POST" else None)
            check_status(reply, 401)
            check_equal(reply.json(), {"error": "no_token", "refresh": "/auth/refresh"})
            check_in("application/json", reply.headers["Content-Type"])
    bob = Browser(site).signed_in("bob")
    page = bob.navigate("/admin/")
    check_status(page, 403)
    check_in("admin", page.text)
    reply = bob.fetch("/admin/")
    check_status(reply, 403)
    check_equal(reply.json(), {"error": "role_missing", "role": "admin"})


@scenario("503 is 503")
def store_down(site, server):
    browser = Browser(site).signed_in("alice")
    jar = dict(browser.jar)
    site.stop("redis")
    time.sleep(0.6)
    try:
        for path in PAGES:
            for reply in (browser.fetch(path), browser.navigate(path, follow=False)):
                check_status(reply, 503)
                assert int(reply.headers["Retry-After"]) > 0
                check_in("no-store", reply.headers["Cache-Control"])
                check_nothing_got_out(reply.body, path)
        check_status(browser.refresh(), 503)
    finally:
        site.go_on("redis")
    check_equal(browser.jar, jar)
    # Each of mod_fcgid's processes finds out for itself.
    wait_until(lambda: all(browser.fetch("/private/1k.txt").status == 200 for _ in range(4)), what="not signed in afterwards")
    wait_until(lambda: all(Browser(site).sign_in("bob").status == 303 for _ in range(4)), what="nobody can sign in afterwards")


@scenario("methods pass")
def methods(site, server):
    browser = Browser(site).signed_in("alice")
    for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        body = b"12345" if method in ("POST", "PUT", "PATCH") else None
        reply = browser.fetch("/app/x?q=1", method, body=body)
        check_status(reply, 200)
        said = reply.json()
        check_equal((said["method"], said["path"], said["body_length"]), (method, server.application + "/x?q=1", len(body or b"")))
    # The application knows no such method: its own 501.
    check_status(browser.fetch("/app/x", "FOO"), 501)
    check_equal(browser.fetch("/private/echo", "POST", body=b"x" * 100000).text, "POST 100000\n")
    head = browser.fetch("/private/1k.txt", "HEAD")
    check_equal((head.status, head.headers["Content-Length"], head.body), (200, "1024", b""))
    part = browser.fetch("/private/1k.txt", headers={"Range": "bytes=0-9"})
    check_equal((part.status, len(part.body)), (206, 10))
    for path in ("/", "/private/", "/auth/login"):
        answer = ask(site, "TRACE", path, "Cookie: secret=abcdefgh")
        check_not_in(b"abcdefgh", answer, path)
        # To Caddy it is a GET of a file.
        check_in(status(answer), (302, 401, 403, 405, 501, 200 if (server.server, path) == ("caddy", "/") else 405), path)


def post_refused(browser, path, body):
    """A server that refuses before it has read the body, and is told that the connection ends, closes it under the client's
    hands; browsers do not tell so."""
    return browser.fetch(path, "POST", headers={"Connection": "keep-alive"}, body=body)


@scenario("POST, token expired")
def expired_post(site, server):
    """The program never sees the first POST; a script loses nothing at all, a form only what was filled in."""
    browser = Browser(site).signed_in("alice")
    browser.jar.pop(ACCESS)
    body = b"x" * 20000
    refused = post_refused(browser, "/private/echo", body)
    check_status(refused, 401)
    check_nothing_got_out(refused.body, "POST")
    check_status(browser.refresh(), 200)
    check_equal(browser.fetch("/private/echo", "POST", body=body).text, "POST 20000\n")
    browser.jar.pop(ACCESS)
    reply = browser.submit("/private/echo?id=7", {"text": "filled in"})
    check_status(reply, 302)
    page = browser.navigate(browser.resolve(reply.location, "/private/echo"), came_from="same-origin")
    check_equal((page.path, page.text), ("/private/echo?id=7", "GET 0\n"))
    check_equal(browser.submit("/private/echo?id=7", {"text": "filled in"}).text, "POST 14\n")


@scenario("folders, PATH_INFO, 404")
def files(site, server):
    browser = Browser(site).signed_in("alice")
    check_in("Private page", browser.fetch("/private/").text)
    reply = browser.fetch("/private")
    check_status(reply, server.slash)
    assert reply.location.endswith("/private/"), reply.location
    for path in ("/private/none", "/private/none/", "/none"):
        check_status(browser.fetch(path), 404)
    if server.server == "nginx":
        # Its example hands no path on behind a program's name.
        check_status(browser.fetch("/private/whoami/path/info?a=1"), 404)
    else:
        environment = told(site, browser, "/private/whoami/path/info?a=1")
        check_equal([environment.get(n) for n in ("PATH_INFO", "QUERY_STRING", "REMOTE_USER")], ["/path/info", "a=1", "alice"])
    for path in ("/private", "/private/none", "/private/none/", "/private/whoami/path/info", "/admin"):
        check_status(Browser(site).fetch(path), 401)


@scenario("nothing without a cookie")
def closed(site, server):
    targets = [(method, spelling.format("1k.txt")) for method in METHODS for spelling in SPELLINGS]
    targets += [("GET", spelling.format(name)) for spelling in SPELLINGS for name in ("whoami", "told.php", "")]
    targets += [(method, page) for method in METHODS for page in PAGES]

    def one(target):
        answer = ask(site, *target, "Content-Length: 0")
        check_nothing_got_out(answer, " ".join(target))
        if target[1] in PAGES:
            check_in(status(answer), (302, 401, 403, 405, 501), " ".join(target))

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(one, targets))


@scenario("no way around a role")
def role(site, server):
    cookie = "Cookie: " + Browser(site).signed_in("bob").cookie_header("/private/")
    check_in(b"Private page", ask(site, "GET", "/private/", cookie))
    for spelling in SPELLINGS:
        for target in (as_admin(spelling), spelling.replace("{}", "../admin/index.html")):
            check_not_in(b"Admin page", ask(site, "GET", target, cookie), target)


def check_spoofed(server, names, identity):
    """names: (name, value) pairs that a program or an application got."""
    wrong = [f"{name}={value}" for name, value in names if "alice" in value and is_identity(name)]
    check_equal((wrong, identity), ([], ("bob", "staff")))


@scenario("forged: CGI")
def spoofed_cgi(site, server, path="/private/whoami"):
    browser = Browser(site).signed_in("bob")
    spoofed = [f"{name}: alice" for name in SPOOFED]
    twice = ["Remote-User: alice", "Remote-User: alice2", "remote_user: alice3", "AuthUser: alice", "AuthUser: alice4"]
    for part in (spoofed[:30], spoofed[30:60], spoofed[60:], twice):
        environment = told(site, browser, path, *part)
        check_equal((environment.get("REMOTE_USER"), environment.get("AUTH_USER")), ("bob", "bob"))
        check_spoofed(server, environment.items(), (environment["REMOTE_USER"], environment["AUTH_ROLES"]))
        stranger = ask(site, "GET", path, "Sec-Fetch-Mode: cors", *part)
        check_equal(status(stranger), 401)
    told_public = ask(site, "GET", "/", *spoofed[:30])
    check_equal(status(told_public), 200)


@scenario("forged: PHP (FastCGI)")
def spoofed_php(site, server):
    spoofed_cgi(site, server, "/private/told.php")


@scenario("forged: application")
def spoofed_application(site, server):
    browser = Browser(site).signed_in("bob")
    cookie = "Cookie: " + browser.cookie_header("/")
    spoofed = [f"{name}: alice" for name in SPOOFED]
    twice = ["AuthUser: alice", "authuser: alice2", "AUTHROLES: alice", "AuthRoles: alice3", "Remote-User: alice", "Remote-User: alice4"]
    for part in (spoofed[:30], spoofed[30:60], spoofed[60:], twice):
        answer = ask(site, "GET", "/app/x", cookie, *part)
        check_equal(status(answer), 200)
        headers = application_headers(answer)
        # Each but once.
        identity = tuple(",".join(v for n, v in headers if n == name) for name in ("authuser", "authroles"))
        check_spoofed(server, headers, identity)
    for options in ("close, Cookie, Remote-User", "close, AuthUser, AuthRoles, Authorization"):
        headers = dict(application_headers(browser.fetch("/app/x", headers={"Connection": options}).body))
        check_equal(headers.get("authuser"), "bob", options)
        check_equal(browser.fetch("/private/whoami", headers={"Connection": options}).environment().get("REMOTE_USER"), "bob", options)


@scenario("identity stays inside")
def invisible(site, server):
    browser = Browser(site).signed_in("bob")
    session = browser.fetch("/private/whoami").environment()["AUTH_SESSION"]
    for path in ("/private/1k.txt", "/private/", "/private/whoami", "/private/told.php", "/private/none", "/private", "/app/x", "/admin/",
                 "/none"):
        reply = browser.fetch(path)
        if server.server == "apache-fcgid" and path in ("/private/none", "/private"):
            continue
        check_equal([n for n in reply.headers if n.lower().startswith(("variable", "auth", "x-accel", "status"))], [], path)
        check_not_in(session, str(reply.headers), path)
        check_equal(reply.headers.get_all("Strict-Transport-Security"), ["max-age=31536000; includeSubDomains"], path)
        if reply.status == 200:
            check_in(reply.headers.get("Cache-Control"), ("private, no-cache", "no-store"), path)


@scenario("two Cookie lines")
def two_cookies(site, server):
    mine = f"{ACCESS}={Browser(site).signed_in('alice').cookie(ACCESS)}"
    other = f"{ACCESS}=x.y.z"
    for lines in ((mine, other), (other, mine), (f"{mine}; {other}",), (mine, mine)):
        answer = ask(site, "GET", "/private/1k.txt", "Sec-Fetch-Mode: cors", *(f"Cookie: {line}" for line in lines))
        check_equal(status(answer), 401)
        check_in(b'"duplicate_cookie"', answer)
    check_equal(status(ask(site, "GET", "/private/1k.txt", f"Cookie: {mine}", "Cookie: a=1")), 200)
    check_equal(status(ask(site, "GET", "/private/1k.txt", "Sec-Fetch-Mode: cors", "Cookie: a=1", f"Cookie: {mine}")), server.two_cookies)


@scenario("HTTP/2")
def http_2(site, server):
    token = Browser(site).signed_in("bob").cookie(ACCESS)
    mine, script = ("--header", f"Cookie: {ACCESS}={token}"), ("--header", "Sec-Fetch-Mode: cors")
    check_equal(curl(site, "/private/1k.txt", *script), (f"{server.http2} 401", '{"error":"no_token","refresh":"/auth/refresh"}\n'))
    said, body = curl(site, "/private/whoami", *mine)
    check_equal(said, f"{server.http2} 200")
    check_in("\nREMOTE_USER=bob\n", body)
    for path, answer in (("/private/echo", "POST 50000\n"), ("/app/x", '"body_length": 50000')):
        said, body = curl(site, path, *mine, "--data-binary", "x" * 50000)
        check_equal(said, f"{server.http2} 200", path)
        check_in(answer, body)
    check_equal(curl(site, "/admin/", *mine)[0], f"{server.http2} 403")
    said, body = curl(site, "/app/x", *mine, "--header", "remote_user: alice", "--header", "Authuser: alice")
    check_equal(said, f"{server.http2} 200")
    check_spoofed(server, application_headers(body.encode()), ("bob", "staff"))


@scenario("rule for everybody")
def optional(site, server):
    """[rules] /app/open/* = optional. An identity if there is one; closed where the server wants one."""
    check_equal(dict(application_headers(Browser(site).signed_in("bob").fetch("/app/open/x").body)).get("authuser"), "bob")
    for headers in ({}, {"AuthUser": "alice", "Auth_User": "alice", "AuthNavigation": "cross-site"}):
        reply = Browser(site).fetch("/app/open/x", headers=headers)
        if server.server.startswith("apache"):
            check_in(reply.status, (401, 403, 500))
            check_nothing_got_out(reply.body, "/app/open/x")
        else:
            check_status(reply, 200)
            check_equal([name for name, _ in application_headers(reply.body) if name.startswith("auth")], [])


@scenario("page with includes")
def includes(site, server):
    """A public page cannot include a protected one for who is not signed in."""
    reply = Browser(site).fetch("/all.shtml")
    check_status(reply, 200)
    check_in("all: ", reply.text)
    check_in("public part", reply.text)
    check_nothing_got_out(reply.body, "SSI")
    if server.server != "nginx":
        check_in("xxxxxxxxxxxxxxxx", Browser(site).signed_in("alice").fetch("/all.shtml").text)


# ---- an authorizer that is no Doorward ----

YES = whole(b"Status: 200 OK\r\nVariable-AUTH_USER: zoe\r\nVariable-REMOTE_USER: zoe\r\n\r\n")
FAKE = '''#!/usr/bin/python3
import socket, sys
sys.dont_write_bytecode = True
sys.path.insert(0, %r)
import answers
answers.serve(socket.socket(fileno=0))
'''
ANSWERS = '''import peer, scenarios
def answer(params):
    name = params.get("HTTP_TEST_ANSWER", "")
    if params.get("FCGI_APACHE_ROLE") != "ACCESS_CHECKER":
        return peer.whole(b"Status: 404 Not Found\\r\\n\\r\\n")
    return %r if name == "yes" else None if name == "hung" else scenarios.BROKEN.get(name)
def serve(listening):
    one = peer.Peer.__new__(peer.Peer)
    one.answer, one.requests, one.held, one.socket = answer, [], [], listening
    one._serve()
'''


def answer(params):
    name = params.get("HTTP_TEST_ANSWER", "")
    if name == "yes":
        return YES
    return None if name == "hung" else BROKEN.get(name)


def answered(site, name, method="GET", page="/private/1k.txt", timeout=60):
    return ask(site, method, page, "Content-Length: 0", f"Test-Answer: {name}", timeout=timeout)


@contextlib.contextmanager
def unix_authorizer(site):
    path = f"{site.state}/authorizer.sock"
    os.rename(path, path + ".away")
    peer = Peer(path, answer)
    try:
        yield
    finally:
        peer.close()
        os.unlink(path)
        os.rename(path + ".away", path)


@contextlib.contextmanager
def apache_authorizer(site):
    """Apache's TCP port: another one, by a graceful restart."""
    def reload(old, new):
        with open(f"{site.state}/site.conf") as f:
            text = f.read()
        check_in(old, text)
        with open(f"{site.state}/site.conf", "w") as f:
            f.write(text.replace(old, new))
        os.kill(site.parts["web"], signal.SIGUSR1)

    port = harness.free_port()
    peer = Peer(("127.0.0.1", port), answer)
    lines = f"DOORWARD_AUTHORIZER 127.0.0.1:{site.ports['authorizer_port']}", f"DOORWARD_AUTHORIZER 127.0.0.1:{port}"
    reload(*lines)
    wait_until(lambda: all(status(answered(site, "yes")) == 200 for _ in range(4)), 15, "Apache does not ask the other authorizer")
    try:
        yield
    finally:
        reload(*reversed(lines))
        wait_until(lambda: all(status(answered(site, "yes")) != 200 for _ in range(4)), 15, "Apache does not ask Doorward again")
        peer.close()


def end_fcgid(site):
    """Ends the processes that this site's mod_fcgid has started from its program."""
    program, ended = f"{site.state}/sbin/doorward".encode(), []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as f:
            if program in f.read().split(b"\0")[:2]:
                os.kill(int(pid), signal.SIGKILL)
                ended.append(pid)
    for pid in ended:
        wait_for_end(pid)


@contextlib.contextmanager
def fcgid_authorizer(site):
    """The program that mod_fcgid starts: another one. It closes connections by ending."""
    folder, program = f"{site.state}/tmp/fake", f"{site.state}/sbin/doorward"
    os.makedirs(folder)
    for name in ("flow/peer.py", "flow/scenarios.py", "flow/harness.py", "support/ports.py", "support/preload.py", "support/processes.py"):
        shutil.copy(f"{ROOT}/tests/{name}", folder)
    with open(f"{folder}/answers.py", "w") as f:
        f.write(ANSWERS % YES)
    os.chmod(folder, 0o755)
    os.rename(program, program + ".away")
    with open(program, "w") as f:
        f.write(FAKE % folder)
    os.chmod(program, 0o755)
    end_fcgid(site)
    try:
        yield
    finally:
        os.rename(program + ".away", program)
        end_fcgid(site)


def another_authorizer(site, server):
    if server.server == "apache":
        return apache_authorizer(site)
    return fcgid_authorizer(site) if server.server == "apache-fcgid" else unix_authorizer(site)


@scenario("broken answers")
def broken(site, server):
    """Empty, truncated, cut off by the authorizer's end; and one that hangs, whose time is taken."""
    pages = (("GET", "/private/1k.txt"), ("GET", "/private/whoami"), ("GET", "/private/told.php"), ("POST", "/app/x"))
    with another_authorizer(site, server):
        for method, page in pages:
            check_equal(status(answered(site, "yes", method, page)), 200, page)

        def one(case):
            name, (method, page) = case
            said = answered(site, name, method, page)
            check_nothing_got_out(said, f"{name}: {page}")
            head, _, body = said.partition(b"\r\n\r\n")
            assert not head.startswith(b"HTTP/1.1 2") or not body.strip(b"0\r\n"), f"{name}: {page}: {head[:300]} {body[:100]}"

        def hung():
            started = time.monotonic()
            return answered(site, "hung", timeout=60), time.monotonic() - started

        cases = [(name, page) for name in BROKEN for page in pages]
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            waiting = pool.submit(hung)
            list(pool.map(one, cases))
            site.hung = waiting.result()
    browser = Browser(site).signed_in("alice")
    check_status(browser.fetch("/private/1k.txt"), 200)


@scenario("hung")
def hung(site, server):
    said, seconds = site.hung
    check_in(status(said), (500, 502, 503, 504))
    check_nothing_got_out(said, "hung")
    # Its time is taken, not that of another limit: the next longer one is some times as much.
    assert server.hangs - 1 < seconds < server.hangs * 1.5 + 5, f"{seconds:.1f} s instead of {server.hangs}"


# ---- the second site: another path, several names ----

@scenario("below another path", sub_path=True)
def sub_path(site, server):
    browser = Browser(site)
    page = browser.navigate("/private/1k.txt")
    check_equal((page.path.split("?")[0], page.field("next")), ("/intranet/auth/login", "/private/1k.txt"))
    check_equal(Browser(site).fetch("/private/1k.txt").json()["refresh"], "/intranet/auth/refresh")
    reply = browser.submit("/intranet/auth/login", {"username": "alice", "password": harness.PASSWORD, "next": "/private/",
                                                    "csrf": page.field("csrf")})
    check_status(reply, 303)
    check_equal(reply.cookie(REFRESH).attributes["path"], "/intranet/auth")
    check_in("Private page", browser.navigate("/private/").text)
    browser.jar.pop(ACCESS)
    check_equal(len(browser.navigate("/private/1k.txt").body), 1024)
    check_status(Browser(site).fetch("/auth/login"), 404)


@scenario("several sites", sub_path=True)
def several_sites(site, server):
    for host, origin, expected in (("one.example", "https://one.example", 303), ("two.example", "https://two.example", 303),
                                   ("two.example", "https://one.example", 403)):
        host, origin = f"{host}:{site.port}", f"{origin}:{site.port}"
        browser = Browser(site)
        page = browser.navigate("/intranet/auth/login", headers={"Host": host})
        reply = browser.submit("/intranet/auth/login", {"username": "bob", "password": harness.PASSWORD, "next": "/private/",
                                                        "csrf": page.field("csrf")},
                               headers={"Host": host, "Origin": origin, "Sec-Fetch-Site": None})
        check_status(reply, expected)
        for cookie in reply.cookies:
            check_not_in("domain", cookie.attributes)
        if expected == 303:
            check_equal(len(browser.fetch("/private/1k.txt", headers={"Host": host}).body), 1024)
            check_status(Browser(site).fetch("/private/1k.txt", headers={"Host": host}), 401)


# ---- the runner ----

# A page that includes others, where the web server can: a line for the example's public pages.
INCLUDES = {
    "apache": "1i LoadModule include_module /usr/lib/apache2/modules/mod_include.so\n"
              "s|^\\t\\tOptions -Indexes +SymLinksIfOwnerMatch|& +Includes\\n\\t\\tAddOutputFilter INCLUDES .shtml|\n",
    "nginx": "s|^\\t\\tindex index.html;|&\\n\\t\\tssi on;\\n\\t\\tssi_types *;|\n",
}


def web_user(*command):
    if os.getuid() == 0:
        command = ("setpriv", "--reuid", "www-data", "--regid", "www-data", "--clear-groups", "--pdeathsig", "TERM", "--", *command)
    return command


def first_site(name, server):
    kind = server.server
    edit = PHP.get(kind, PHP["others"]) + INCLUDES.get("apache" if kind.startswith("apache") else kind, "")
    site = Site(f"14-{name}", kind, edit=edit, clock=False, settings=("rules./app/open/*=optional",), **server.site_options)
    with open(f"{site.state}/php.conf", "w") as f:
        f.write(f"[global]\nerror_log = {site.state}/tmp/php.log\ndaemonize = no\n[www]\nlisten = {site.state}/tmp/php.sock\n"
                "pm = static\npm.max_children = 2\n")
    program = sorted(glob.glob("/usr/sbin/php-fpm*"))[-1]
    site.php = subprocess.Popen(web_user(program, "-n", "-y", f"{site.state}/php.conf"), stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(f"{site.state}/site/private/told.php", "w") as f:
        f.write('<?php header("Content-Type: text/plain"); header("Cache-Control: no-store");\n'
                'foreach ($_SERVER as $name => $value) if (is_string($value)) echo "$name=$value\\n";\n')
    with open(f"{site.state}/site/all.shtml", "w") as f:
        f.write('all: <!--#include virtual="/private/1k.txt" --><!--#include virtual="/private/whoami" -->'
                '<!--#include virtual="/app/x" --> public part')
    wait_until(lambda: os.path.exists(f"{site.state}/tmp/php.sock"), what="php-fpm does not start")
    return site


def second_site(name, server):
    edit = "s|/auth/|/intranet/auth/|g\ns|\"/auth\"|\"/intranet/auth\"|g\n" \
        "s|^https://localhost {|https://localhost, https://one.example, https://two.example {|\n"
    return Site(f"14-{name}-below", server.server, edit=edit, settings=("server.prefix=/intranet/auth", "server.base_url="),
                clock=False, **server.site_options)


def close(site):
    php = getattr(site, "php", None)
    if php:
        php.terminate()
        php.wait(10)
    return site.close()


def run(name, cells, lock):
    """All scenarios of one server: cells[scenario] is None or what went wrong."""
    server = SERVERS[name]
    for make, below in ((first_site, False), (second_site, True)):
        wanted = [s for s, (_, sub) in scenarios.items() if sub == below and s not in NOT_RUN.get(name, ())]
        try:
            site = make(name, server)
        except Exception as error:
            cells.update({s: f"no site: {error}" for s in wanted})
            continue
        for one in wanted:
            started = time.monotonic()
            try:
                scenarios[one][0](site, server)
                cells[one] = None
            except Exception as error:
                frame = traceback.extract_tb(error.__traceback__)
                where = next((f for f in reversed(frame) if f.filename == __file__), frame[-1])
                cells[one] = f"line {where.lineno}: {where.line}\n  {type(error).__name__}: {error}"
            finally:
                site.recover()
            if "FLOW_TIMES" in os.environ:
                with lock:
                    print(f"{time.monotonic() - started:6.1f} s  {name}: {one}", flush=True)
        wrong = close(site)
        cells["ends cleanly"] = cells.get("ends cleanly") or wrong


def main():
    only = sys.argv[1:] or list(SERVERS)
    names = [name for name in SERVERS if name in only]
    cells, lock = {name: {} for name in names}, threading.Lock()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda name: run(name, cells[name], lock), names))

    notes = []
    rows = [*scenarios, "ends cleanly"]
    print(f"\n{'':26}" + "".join(f"{name:>14}" for name in names))
    for row in rows:
        line = f"{row:26}"
        for name in names:
            mark = "-" if row not in cells[name] else "FAILED" if cells[name][row] else "yes"
            limit = SERVERS[name].limits.get(row) or NOT_RUN.get(name, {}).get(row)
            if limit:
                if limit not in notes:
                    notes.append(limit)
                mark += f" ({notes.index(limit) + 1})"
            line += f"{mark:>14}"
        print(line)
    print("\n".join(f"({i + 1}) {note}" for i, note in enumerate(notes)))
    print()
    results = [(name, row, error) for name in names for row, error in cells[name].items()]
    for name, row, error in results:
        if error:
            print(f"FAILED {name}: {row}\n  {error}")
    failed = sum(1 for result in results if result[2])
    print(f"{len(results) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
