"""nginx from nginx.conf.example: the journey, what nginx alone does differently, and mistakes in its configuration."""

import contextlib
import os
import signal
import time

import harness
from harness import ACCESS, REFRESH, Browser, check_equal, check_in, check_not_in, check_status, test, wait_until
from peer import END, STDOUT, Peer, record, whole
from scenarios import METHODS, ask, check_nothing_got_out, curl, status

PAGES = ("/private/1k.txt", "/private/", "/private/whoami", "/admin/", "/app/x")

def workers(site):
    pid = site.parts["web"]
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return set(f.read().split())


def reload(site, text):
    with open(f"{site.state}/site.conf", "w") as f:
        f.write(text)
    before = workers(site)
    os.kill(site.parts["web"], signal.SIGHUP)
    wait_until(lambda: workers(site) and not workers(site) & before, 10, "nginx did not take the configuration over")


@contextlib.contextmanager
def changed(site, *replacements):
    """The configuration with these texts, which must be in it, replaced."""
    with open(f"{site.state}/site.conf") as f:
        original = f.read()
    text = original
    for old, new in replacements:
        check_in(old, text)
        text = text.replace(old, new)
    reload(site, text)
    try:
        yield
    finally:
        reload(site, original)


@contextlib.contextmanager
def another_authorizer(site, answer):
    """nginx asks a Peer, which says what answer(params) gives, instead of Doorward."""
    path = f"{site.state}/peer.sock"
    peer = Peer(path, answer)
    try:
        with changed(site, (f"server unix:{site.state}/authorizer.sock;", f"server unix:{path};")):
            yield peer
    finally:
        peer.close()


@contextlib.contextmanager
def doorward_changed(site, old, new):
    """Doorward's settings with this text replaced."""
    def take_over(text):
        done = site.log_text().count("reloaded ")
        with open(f"{site.state}/doorward.conf", "w") as f:
            f.write(text)
        os.kill(site.parts["doorward"], signal.SIGHUP)
        wait_until(lambda: site.log_text().count("reloaded ") > done, what="Doorward did not take the settings over")

    with open(f"{site.state}/doorward.conf") as f:
        original = f.read()
    check_in(old, original)
    take_over(original.replace(old, new))
    try:
        yield
    finally:
        take_over(original)


# ---- the journey ----

@test
def a_navigation_ends_at_the_form_and_a_script_gets_json(site):
    first = Browser(site).navigate("/private/whoami?a=1&b=2", follow=False)
    check_status(first, 302)
    check_in("no-store", first.headers["Cache-Control"])
    page = Browser(site).navigate("/private/whoami?a=1&b=2")
    check_status(page, 200)
    check_equal(page.field("next"), "/private/whoami?a=1&b=2")
    for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS"):
        reply = Browser(site).fetch("/private/whoami", method, body=b"12345" if method in ("POST", "PUT") else None)
        check_status(reply, 401)
        check_equal(reply.json(), {"error": "no_token", "refresh": "/auth/refresh"})
        check_in("application/json", reply.headers["Content-Type"])


@test
def the_journey_works(site):
    browser = Browser(site)
    told = browser.sign_in("alice", next_path="/private/whoami?a=1", follow=True).environment()
    check_equal((told.get("REMOTE_USER"), told.get("AUTH_USER"), told.get("QUERY_STRING")), ("alice", "alice", "a=1"))
    check_equal(sorted(told["AUTH_ROLES"].split(",")), ["admin", "staff"])
    assert told.get("AUTH_SESSION") and abs(int(told["AUTH_TIME"]) - site.now()) < 60
    check_not_in(browser.cookie(REFRESH), str(told))
    check_in("Admin page", browser.navigate("/admin/").text)
    browser.jar.pop(ACCESS)
    check_equal(len(browser.navigate("/private/1k.txt").body), 1024)
    thief = browser.copy()
    check_status(browser.sign_out(), 303)
    check_status(thief.fetch("/private/1k.txt"), 401)
    check_status(thief.refresh(), 401)


@test
def a_missing_role_is_a_403_that_names_it(site):
    browser = Browser(site).signed_in("bob")
    page = browser.navigate("/admin/")
    check_status(page, 403)
    check_in("admin", page.text)
    check_in("bob", page.text)
    reply = browser.fetch("/admin/")
    check_status(reply, 403)
    check_equal(reply.json(), {"error": "role_missing", "role": "admin"})


@test
def all_methods_pass_for_who_is_signed_in(site):
    browser = Browser(site).signed_in("alice")
    for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        body = b"12345" if method in ("POST", "PUT", "PATCH") else None
        reply = browser.fetch("/app/x%20y?q=1", method, body=body)
        check_status(reply, 200)
        said = reply.json()
        check_equal((said["method"], said["path"], said["body_length"]), (method, "/x%20y?q=1", len(body or b"")))
    check_equal(browser.fetch("/private/echo", "POST", body=b"x" * 100000).text, "POST 100000\n")
    head = browser.fetch("/private/1k.txt", "HEAD")
    check_equal((head.status, head.headers["Content-Length"], head.body), (200, "1024", b""))


@test
def no_method_gets_anything_without_signing_in(site):
    for method in METHODS:
        for path in PAGES:
            answer = ask(site, method, path, "Content-Length: 0")
            check_in(status(answer), (302, 401, 405), f"{method} {path}")
            check_nothing_got_out(answer, f"{method} {path}")


@test
def a_rule_for_anyone_lets_in_without_an_identity(site):
    with open(f"{site.state}/site/private/free.txt", "w") as f:
        f.write("free\n")
    reply = Browser(site).fetch("/private/free.txt")
    check_status(reply, 200)
    check_equal(reply.text, "free\n")


@test
def doorward_works_below_another_path(site):
    with doorward_changed(site, "[server]\n", "[server]\nprefix = /intranet/auth\n"), \
            changed(site, ("/auth/", "/intranet/auth/")):
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


@test
def one_doorward_serves_several_sites(site):
    with doorward_changed(site, f"base_url = {site.url}\n", ""):
        for host, origin, expected in (("one.example", "https://one.example", 303), ("two.example:444", "https://two.example:444", 303),
                                       ("two.example", "https://one.example", 403)):
            browser = Browser(site)
            page = browser.navigate("/auth/login", headers={"Host": host})
            reply = browser.submit("/auth/login", {"username": "bob", "password": harness.PASSWORD, "next": "/private/",
                                                   "csrf": page.field("csrf")},
                                   headers={"Host": host, "Origin": origin, "Sec-Fetch-Site": None})
            check_status(reply, expected)
            for cookie in reply.cookies:
                check_not_in("domain", cookie.attributes)
            if expected == 303:
                check_status(browser.fetch("/private/1k.txt", headers={"Host": host}), 200)


# ---- faults ----

@test
def a_redis_that_hangs_is_503_and_signs_nobody_out(site):
    browser = Browser(site).signed_in("alice")
    jar = dict(browser.jar)
    site.stop("redis")
    time.sleep(0.6)
    for path in PAGES:
        for reply in (browser.fetch(path), browser.navigate(path, follow=False)):
            check_status(reply, 503)
            assert int(reply.headers["Retry-After"]) > 0
            check_in("no-store", reply.headers["Cache-Control"])
            check_nothing_got_out(reply.body, path)
    check_equal(browser.jar, jar)
    site.go_on("redis")
    wait_until(lambda: browser.fetch("/private/1k.txt").status == 200, what="not signed in afterwards")


@test
def a_hung_doorward_lets_nobody_in_and_is_cut_off(site):
    browser = Browser(site).signed_in("alice")
    site.stop("doorward")
    for path, limit in (("/private/1k.txt", 9), ("/auth/login", 30)):
        started = time.monotonic()
        reply = browser.fetch(path, keep=False)
        took = time.monotonic() - started
        check_status(reply, 503)
        check_nothing_got_out(reply.body, path)
        assert took < limit, f"{path} took {took:.1f} s"
    site.go_on("doorward")
    wait_until(lambda: browser.fetch("/private/1k.txt").status == 200, what="not signed in afterwards")


@test
def a_doorward_that_is_gone_lets_nobody_in(site):
    browser = Browser(site).signed_in("alice")
    names = [f"{site.state}/{name}.sock" for name in ("authorizer", "responder")]
    for name in names:
        os.rename(name, name + ".away")
    try:
        for path in (*PAGES, "/auth/login"):
            reply = browser.fetch(path, keep=False)
            check_status(reply, 503)
            check_nothing_got_out(reply.body, path)
    finally:
        for name in names:
            os.rename(name + ".away", name)
    check_status(browser.fetch("/private/1k.txt"), 200)


# ---- what a browser may claim ----

@test
def a_cookie_that_comes_twice_is_refused(site):
    token = Browser(site).signed_in("alice").cookie(ACCESS)
    mine, other = f"{ACCESS}={token}", f"{ACCESS}=x.y.z"
    for headers in ((f"Cookie: {mine}", f"Cookie: {other}"), (f"Cookie: {other}", f"Cookie: {mine}"), (f"Cookie: {mine}; {other}",),
                    (f"Cookie: {mine}", f"Cookie: {mine}")):
        answer = ask(site, "GET", "/private/1k.txt", "Sec-Fetch-Mode: cors", *headers)
        check_equal(status(answer), 401)
        check_in(b'"duplicate_cookie"', answer)
    check_equal(status(ask(site, "GET", "/private/1k.txt", "Cookie: a=1", f"Cookie: {mine}")), 200)
    check_equal(status(ask(site, "GET", "/private/1k.txt", f"Cookie: {mine}", "Cookie: a=1")), 200)


@test
def nobody_is_told_what_the_browser_claims(site):
    cookie = "Cookie: " + Browser(site).signed_in("bob").cookie_header("/")
    bases = ("Remote-User", "Auth-User", "Auth-Roles", "X-Auth-User", "X-Remote-User", "X-Forwarded-User")
    names = [name for base in bases for name in (base, base.lower(), base.upper(), base.replace("-", "_"), base.replace("-", "."))]
    names += ["AuthUser", "authuser", "AUTHUSER", "AuthRoles", "AUTHROLES", "Variable-AUTH_USER", "Variable-Auth-User", "REDIRECT_AUTH_USER"]
    for name in names:
        answer = ask(site, "GET", "/private/whoami", cookie, f"{name}: alice")
        told = dict(line.split("=", 1) for line in answer.decode("latin-1").splitlines() if "=" in line)
        check_equal((told.get("REMOTE_USER"), told.get("AUTH_USER"), told.get("AUTH_ROLES")), ("bob", "bob", "staff"), name)
        left = [n for n, value in told.items() if value == "alice" and n != "HTTP_VARIABLE_AUTH_USER"]
        check_equal(left, [], name)
        answer = ask(site, "GET", "/app/x", cookie, f"{name}: alice")
        check_equal(status(answer), 200, name)
        check_in(b'["AuthUser", "bob"], ["AuthRoles", "staff"]', answer, name)
        assert name == "Variable-Auth-User" or b"alice" not in answer, name
    answer = ask(site, "GET", "/private/whoami", cookie, "Proxy: http://evil.example/")
    check_not_in(b"evil.example", answer)


@test
def no_spelling_of_a_path_gets_around_the_check_or_a_role(site):
    bob = "Cookie: " + Browser(site).signed_in("bob").cookie_header("/")
    spellings = ("/{}", "/{}/", "/{}?x", "//{}/", "/./{}/", "/{}//", "/x/../{}/", "/auth/../{}/", "/auth/%2e%2e/{}/", "/auth/..%2f{}/",
                 "/%2f{}/", "/{}%2f", "/{}%2findex.html", "/{}/index.html", "/{}/x/../index.html", "/{}/;x", "/{}%20/", "/{}%00/",
                 "/doorward.js/../{}/", "/doorward.js/..%2f{}/index.html", "/auth/login/../../{}/", "/{}/#/auth/", "\\{}\\", "/\\{}/", "/%5c{}/",
                 "http://localhost/{}/", "HTTP://other.example/{}/", "/%252e/{}/", "/{}/.", "/{}/%2e", "/app/../{}/", "/app/..%2f{}/",
                 "/_doorward_check", "/@doorward_unauthenticated")
    for spelling in spellings:
        for word in ("private", "%70rivate", "PRIVATE", "admin", "%61dmin"):
            target = spelling.format(word)
            check_nothing_got_out(ask(site, "GET", target), target)
            check_not_in(b"Admin page", ask(site, "GET", target, bob), target)


# ---- HTTP/2, headers ----

@test
def http_2_works_and_is_checked_alike(site):
    token = Browser(site).signed_in("bob").cookie(ACCESS)
    mine = ("--header", f"Cookie: {ACCESS}={token}")
    check_equal(curl(site, "/private/1k.txt", "--header", "Sec-Fetch-Mode: cors"),
                ("2 401", '{"error":"no_token","refresh":"/auth/refresh"}\n'))
    said, body = curl(site, "/private/whoami", *mine)
    check_equal(said, "2 200")
    check_in("\nREMOTE_USER=bob\n", body)
    for path, answer in (("/private/echo", "POST 50000\n"), ("/app/x", '"body_length": 50000')):
        said, body = curl(site, path, *mine, "--data-binary", "x" * 50000)
        check_equal(said, "2 200", path)
        check_in(answer, body)
    check_equal(curl(site, "/admin/", *mine)[0], "2 403")
    said, body = curl(site, "/private/1k.txt", *mine, "--header", f"Cookie: {ACCESS}=x.y.z", "--header", "Sec-Fetch-Mode: cors")
    check_equal(said, "2 401")
    check_in("duplicate_cookie", body)


@test
def every_answer_demands_https_and_no_answer_shows_a_variable(site):
    browser = Browser(site).signed_in("bob")
    for reply in (browser.fetch("/"), browser.fetch("/private/1k.txt"), browser.fetch("/private/whoami"), browser.fetch("/private/none"),
                  browser.fetch("/admin/"), browser.fetch("/app/x"), browser.fetch("/auth/session"), browser.fetch("/auth/none"),
                  Browser(site).fetch("/private/"), browser.fetch("/doorward.js"), browser.fetch("/none")):
        check_equal(reply.headers.get_all("Strict-Transport-Security"), ["max-age=31536000; includeSubDomains"], repr(reply))
        check_equal([n for n in reply.headers if n.lower().startswith(("variable", "x-accel"))], [], repr(reply))
    check_equal(browser.fetch("/private/1k.txt").headers.get_all("Cache-Control"), ["private, no-cache"])
    check_equal(browser.fetch("/app/x").headers.get_all("Cache-Control"), ["private, no-cache"])
    check_equal(browser.fetch("/private/whoami").headers.get_all("Cache-Control"), ["no-store"])
    check_equal(browser.fetch("/").headers.get_all("Cache-Control"), None)


# ---- mistakes, and an authorizer that does not say yes ----

NO_DECISION = {
    "nothing but the end": record(STDOUT) + record(END, b"\0" * 8),
    "headers without a status": whole(b"Content-Type: text/html\r\n\r\nplease sign in"),
    "an identity without a status": whole(b"Variable-AUTH_USER: alice\r\n\r\n"),
    "a blank header block": whole(b"\r\n\r\n"),
    "a header cut off": whole(b"Status: 401"),
    "two statuses, no and yes": whole(b"Status: 401\r\nStatus: 200\r\n\r\n"),
    "a line of HTTP": whole(b"HTTP/1.1 401 Unauthorized\r\n\r\n"),
    "a page": whole(b"Status: 200 OK\r\nContent-Type: text/html\r\n\r\nplease sign in"),
    "status 204": whole(b"Status: 204\r\n\r\n"),
    "status 2000": whole(b"Status: 2000\r\n\r\n"),
    "status 302": whole(b"Status: 302 Found\r\nLocation: /auth/login\r\n\r\n"),
    "the connection closed": b"",
}


@test
def what_is_no_yes_lets_nobody_in(site):
    said = b""
    with another_authorizer(site, lambda _: said):
        for label, said in NO_DECISION.items():
            for page in PAGES:
                answer = ask(site, "GET", page)
                check_nothing_got_out(answer, f"{label}: {page}")
                assert status(answer) >= 300, f"{label}: {page}: {answer[:200]}"


@test
def each_request_asks_once_and_as_a_check(site):
    yes = whole(b"Status: 200 OK\r\nVariable-AUTH_USER: zoe\r\nVariable-REMOTE_USER: zoe\r\n\r\n")
    with another_authorizer(site, lambda _: yes) as peer:
        for page in ("/private/", "/private/1k.txt", "/private/whoami", "/private/none/", "/private?x=%2f", "/app/x"):
            peer.requests.clear()
            ask(site, "POST", page, "Content-Length: 3", "Auth-Role: RESPONDER", body=b"abc")
            check_equal([(r.get("AUTH_ROLE"), r.get("REQUEST_METHOD"), r.get("REQUEST_URI"), r.get("CONTENT_LENGTH"))
                         for r in peer.requests], [("AUTHORIZER", "POST", page, "")])
        check_in(b"REMOTE_USER=zoe", ask(site, "GET", "/private/whoami"))


@test
def the_lines_for_php_protect_and_identify(site):
    """With fcgiwrap in the place of php-fpm, and a shell script in that of PHP."""
    path = f"{site.state}/site/private/x.php"
    with open(path, "w") as f:
        f.write("#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\n'\nenv\n")
    os.chmod(path, 0o755)
    with open(f"{site.state}/site.conf") as f:
        lines = f.read().split("\t\t#location ~ \\.php$ {\n")[1].split("\t\t#}\n")[0]
    php = "location ~ \\.php$ {\n" + lines.replace("#", "").replace("/run/php/php-fpm.sock", f"{site.state}/tmp/cgi.sock") + "}\n"
    uncommented = (f"#location ~ \\.php$ {{\n{lines}\t\t#}}\n", php)
    with changed(site, uncommented):
        check_status(Browser(site).fetch("/private/x.php"), 401)
        told = Browser(site).signed_in("bob").fetch("/private/x.php", headers={"Remote-User": "alice"}).environment()
        check_equal((told.get("REMOTE_USER"), told.get("AUTH_ROLES"), "HTTP_REMOTE_USER" in told), ("bob", "staff", False))
        peer = Peer(f"{site.state}/peer.sock", lambda _: NO_DECISION["headers without a status"])
        authorizer = (f"server unix:{site.state}/authorizer.sock;", f"server unix:{site.state}/peer.sock;")
        with changed(site, authorizer):
            answer = ask(site, "GET", "/private/x.php")
        peer.close()
        check_nothing_got_out(answer, "php")
        check_in(status(answer), (404, 500, 502, 503))


def check_closed(site, browser, label):
    for page in PAGES:
        for reply in (Browser(site).fetch(page), browser.fetch(page, keep=False)):
            check_in(reply.status, (401, 403, 404, 500, 503), f"{label}: {page}")
            check_nothing_got_out(reply.body, f"{label}: {page}")


@test
def a_forgotten_or_misspelt_role_lets_nobody_in(site):
    browser = Browser(site).signed_in("alice")
    line = "fastcgi_param AUTH_ROLE AUTHORIZER;"
    for new in ("", "fastcgi_param AUTH_ROLE AUTHORISER;", "fastcgi_param AUTH_ROLE RESPONDER;"):
        with changed(site, (line, new)):
            check_closed(site, browser, new)
        sockets = (f"server unix:{site.state}/authorizer.sock;", f"server unix:{site.state}/responder.sock;")
        with changed(site, (line, new), sockets):
            check_closed(site, browser, "the pages' socket, " + new)
        # Even where the question lands on a page that answers 200, the sign-in form.
        with changed(site, (line, new), sockets, ("SCRIPT_NAME /_doorward_check;", "SCRIPT_NAME /auth/login;")):
            check_closed(site, browser, "the sign-in form, " + new)
    check_in("AUTH_ROLE", site.log_text())
    check_status(browser.fetch("/private/1k.txt"), 200)


@test
def a_location_elsewhere_takes_no_protection_away(site):
    more = "location ~ \\.(txt|html)$ { root %s/site; }\n\tlocation ^~ /auth/ {" % site.state
    with changed(site, ("location ^~ /auth/ {", more)):
        check_status(Browser(site).fetch("/index.html"), 200)
        for page in ("/private/1k.txt", "/private/index.html", "/admin/index.html"):
            check_status(Browser(site).fetch(page), 401)


@test
def a_public_page_cannot_include_a_protected_one(site):
    with open(f"{site.state}/site/all.shtml", "w") as f:
        f.write('all: <!--# include virtual="/private/1k.txt" --><!--# include virtual="/private/whoami" -->'
                '<!--# include virtual="/app/x" -->')
    with changed(site, ("\tlocation / {\n", "\tlocation / {\n\t\tssi on;\n\t\tssi_types *;\n")):
        reply = Browser(site).fetch("/all.shtml")
    check_status(reply, 200)
    check_in("all: ", reply.text)
    check_nothing_got_out(reply.body, "SSI")


harness.main(servers=("nginx",), settings=("rules./private/free*=anyone",))
