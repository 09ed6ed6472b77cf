"""What strangers and other sites send: cookies, forms, origins, return addresses, lengths."""

import base64
import http.cookies
import json
import re
import urllib.parse

import harness
from harness import ACCESS, CSRF, PASSWORD, REFRESH, Browser, check_equal, check_in, check_not_in, check_status, test

PAGES = ("/auth/login", "/auth/logout", "/auth/sessions", "/auth/session", "/auth/refresh", "/auth/denied",
         "/auth/unauthenticated", "/auth/health/live", "/auth/nothing-here", "/auth/")


def with_cookie(site, *lines, path="/private/1k.txt", script=True):
    """The status of a request with these Cookie header lines."""
    head = [f"GET {path} HTTP/1.1", f"Host: localhost:{site.port}", "Connection: close"]
    if script:
        head += ["Sec-Fetch-Mode: cors", "Sec-Fetch-Site: same-origin"]
    return site.raw_status("\r\n".join(head + [f"Cookie: {line}" for line in lines] + ["", ""]).encode("latin-1"))


def everything_set(site):
    """Every Set-Cookie of a user's way, with what was being done."""
    browser, seen = Browser(site), []

    def note(what, reply):
        seen.extend((what, cookie) for cookie in reply.cookies)
        return reply

    page = note("form", browser.navigate("/auth/login", follow=False))
    fields = {"username": "alice", "password": "wrong-password-here", "csrf": page.field("csrf")}
    note("refused", browser.submit("/auth/login", fields))
    note("csrf", browser.submit("/auth/login", dict(fields, csrf="wrong")))
    note("signed in", browser.sign_in("alice"))
    note("refreshed", browser.refresh())
    note("navigated", browser.navigate("/auth/refresh?next=/private/", follow=False))
    note("asked", browser.navigate("/auth/logout", follow=False))
    note("signed out", browser.sign_out())
    note("refused refresh", browser.refresh())
    remembered = Browser(site)
    note("remembered", remembered.sign_in("alice", remember="1"))
    note("refreshed, remembered", remembered.refresh())
    assert len(seen) > 10, seen
    return seen


# ---- cookies (C1 to C11) ----

@test
def every_cookie_is_secure_http_only_strict_and_bound_to_the_host(site):
    for what, cookie in everything_set(site):
        label = f"{what}: {cookie.line}"
        check_in("secure", cookie.attributes, label)
        check_in("httponly", cookie.attributes, label)
        check_equal(cookie.attributes.get("samesite"), "Strict", label)
        check_not_in("domain", cookie.attributes, label)
        if cookie.name.startswith("__Host-"):
            check_equal(cookie.attributes.get("path"), "/", label)
        else:
            check_equal((cookie.name.startswith("__Secure-"), cookie.attributes.get("path")), (True, "/auth"), label)


@test
def every_cookie_keeps_to_the_grammar_and_survives_a_parser(site):
    for what, cookie in everything_set(site):
        check_equal(bool(re.fullmatch(r"[!#$%&'*+\-./0-9:<=>?@A-Z\[\]^_`a-z{|}~]*", cookie.value)), True, cookie.line)
        parsed = http.cookies.SimpleCookie()
        parsed.load(cookie.line)
        check_equal(parsed[cookie.name].value, cookie.value, what)


@test
def no_cookie_outlives_its_session(site):
    longest = {"remembered": 30 * 86400, "refreshed, remembered": 30 * 86400}
    for what, cookie in everything_set(site):
        if cookie.max_age is None:
            continue
        limit = longest.get(what, 7 * 86400) if cookie.name == REFRESH else 3600
        assert cookie.max_age <= limit, f"{what}: {cookie.line}"


@test
def the_value_of_a_secret_cookie_is_nowhere_else(site):
    browser = Browser(site)
    page = browser.navigate("/auth/login", follow=False)
    check_not_in(browser.cookie(CSRF), page.text)
    replies = [browser.sign_in("alice"), browser.navigate("/private/"), browser.navigate("/auth/sessions"),
               browser.fetch("/auth/session"), browser.refresh()]
    for reply in replies:
        elsewhere = reply.text + "".join(f"{n}: {v}\n" for n, v in reply.headers.items() if n.lower() != "set-cookie")
        for name in (ACCESS, REFRESH):
            check_not_in(browser.cookie(name), elsewhere, repr(reply))


@test
def all_cookies_together_stay_small_for_the_longest_name_and_most_roles(site):
    name = "n" * 64
    roles = [word for i in range(32) for word in ("--role", f"{i:02d}" + "r" * 62)]
    site.ctl("user", "add", name, *roles, stdin=PASSWORD + "\n")
    browser = Browser(site).signed_in(name)
    sizes = {n: len(n) + 1 + len(value) for n, (value, _, _) in browser.jar.items()}
    assert sum(sizes.values()) < 2048, sizes
    check_status(browser.fetch("/private/1k.txt"), 200)


@test
def the_access_token_tells_no_name_role_or_address(site):
    browser = Browser(site).signed_in("alice")
    head, payload, _ = browser.cookie(ACCESS).split(".")
    for part in (head, payload):
        text = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode()
        json.loads(text)
        for word in ("alice", "admin", "staff", "127.0.0.1"):
            check_not_in(word, text)


@test
def signing_out_expires_every_cookie_with_its_own_attributes(site):
    browser = Browser(site)
    page = browser.navigate("/auth/login", follow=False)
    given = {c.name: c for c in page.cookies}
    reply = browser.sign_in("alice")
    given.update({c.name: c for c in reply.cookies if c.value})
    gone = browser.sign_out()
    for name, cookie in given.items():
        end = gone.cookie(name)
        assert end is not None, f"{name} is not expired"
        check_equal(end.max_age, 0, name)
        for attribute in ("path", "samesite", "secure", "httponly", "domain"):
            check_equal(end.attributes.get(attribute), cookie.attributes.get(attribute), f"{name} {attribute}")
    check_in('"cookies"', gone.headers.get("Clear-Site-Data", ""))


@test
def a_cookie_that_occurs_twice_is_refused_in_any_order_and_form(site):
    browser = Browser(site).signed_in("alice")
    good, bad = f"{ACCESS}={browser.cookie(ACCESS)}", f"{ACCESS}=x"
    check_equal(with_cookie(site, good), 200)
    for lines in ((f"{good}; {bad}",), (f"{bad}; {good}",), (good, bad), (bad, good), (f"{good}; {good}",),
                  (good, good), (f"{good}; a=b", f"c=d; {good}"), (f"{good};{bad}",), (f"{good}, {bad}",)):
        check_equal(with_cookie(site, *lines), 401, repr(lines)[:60])
    check_equal(with_cookie(site, "a=b; " + good + "; c=d"), 200)
    # Apache joins two header lines by a comma, where the second cannot be told from the first one's value.
    check_equal(with_cookie(site, "a=b", good), 401 if site.server == "apache" else 200)
    check_equal(with_cookie(site, good, "a=b"), 200)


@test
def a_refresh_cookie_that_occurs_twice_is_refused_and_nothing_is_taken_away(site):
    browser = Browser(site).signed_in("alice")
    double = f"{REFRESH}={browser.cookie(REFRESH)}; {REFRESH}=x"
    reply = browser.refresh(headers={"Cookie": double})
    check_status(reply, 401)
    check_equal((reply.json()["error"], reply.cookies), ("duplicate_cookie", []))
    check_status(browser.refresh(), 200)


@test
def forged_and_malformed_cookies_are_refused(site):
    token = Browser(site).signed_in("alice").cookie(ACCESS)
    head, payload, signature = token.split(".")

    def encode(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    def decode(part):
        return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))

    forged = [token + "x", token[:-1], token + "=", token + ".x", token + "%00", "x" + token, token.swapcase(),
              f"{head}.{payload}.", f"{head}.{payload}", f"..{signature}", "..", ".", "a.b.c", head, "x", "-" * 22,
              f"{head}.{encode(dict(decode(payload), exp=99999999999))}.{signature}",
              f"{encode(dict(decode(head), alg='none'))}.{payload}.",
              f"{encode(dict(decode(head), alg='HS256'))}.{payload}.{signature}",
              f"{encode(dict(decode(head), kid='../../etc/passwd'))}.{payload}.{signature}",
              "A" * 4000, "A" * 4097, "\xff\xfe", '"' + token + '"', "99999999", token.replace(".", "%2e")]
    for value in forged:
        check_equal(with_cookie(site, f"{ACCESS}={value}"), 401, value[:40])
    for i in range(0, len(token), 37):
        changed = token[:i] + ("A" if token[i] != "A" else "B") + token[i + 1:]
        check_equal(with_cookie(site, f"{ACCESS}={changed}"), 401, f"character {i}")
    check_equal(with_cookie(site, f"{ACCESS}={token}"), 200)


@test
def strange_cookie_headers_do_no_harm(site):
    token = Browser(site).signed_in("alice").cookie(ACCESS)
    for line in (";", "=", ";;=;", " ", ";" * 7000, "=; =; =", f"{ACCESS}", f"{ACCESS}=", f"={ACCESS}",
                 f"{ACCESS.lower()}={token}", f"x{ACCESS}={token}", f"{ACCESS} x={token}", "a" * 7000, "%s%n%b=%s%n%b"):
        check_equal(with_cookie(site, line), 401, line[:40])
    assert with_cookie(site, "a=" + "b" * 20000) in (400, 401, 413, 431)
    check_equal(with_cookie(site, f"{ACCESS}={token}; ;; = ; x"), 200)


@test
def a_token_counts_only_in_its_own_place(site):
    browser = Browser(site, careless=True).signed_in("alice")
    access, refresh = browser.cookie(ACCESS), browser.cookie(REFRESH)
    check_equal(with_cookie(site, f"{ACCESS}={refresh}"), 401)
    stranger = Browser(site)
    for headers in ({"Cookie": f"{REFRESH}={access}"}, {"Authorization": f"Bearer {refresh}"}, {"X-Refresh": refresh}):
        check_status(stranger.refresh(headers=headers), 401)
    check_status(stranger.fetch("/auth/refresh?" + urllib.parse.urlencode({REFRESH: refresh}), "POST"), 401)
    body = urllib.parse.urlencode({REFRESH: refresh, "refresh_token": refresh})
    check_status(stranger.fetch("/auth/refresh", "POST", {"Content-Type": "application/x-www-form-urlencoded"}, body),
                 401)
    check_status(stranger.fetch("/private/1k.txt?" + urllib.parse.urlencode({ACCESS: access})), 401)
    check_status(browser.refresh(), 200)


@test
def malformed_refresh_tokens_are_refused_and_end_no_session(site):
    browser = Browser(site).signed_in("alice")
    token = browser.cookie(REFRESH)
    for value in (token[:-1], token + "A", "B" + token[1:], token[:60] + ("A" if token[60] != "A" else "B") + token[61:],
                  "A" * 98, "A" * 4000, "", "99999999", "%00"):
        check_status(Browser(site).refresh(headers={"Cookie": f"{REFRESH}={value}"}), 401)
    check_status(browser.refresh(), 200)


# ---- CSRF (X1 to X4, X6) ----

@test
def signing_in_needs_the_token_of_the_form(site):
    browser, other = Browser(site), Browser(site)
    page = browser.navigate("/auth/login", follow=False)
    foreign = other.navigate("/auth/login", follow=False).field("csrf")
    fields = {"username": "alice", "password": PASSWORD, "next": "/"}
    for csrf in (None, "", "x", foreign, page.field("csrf") + "x", browser.cookie(CSRF)):
        given = fields if csrf is None else dict(fields, csrf=csrf)
        reply = browser.submit("/auth/login", given, keep=False)
        check_status(reply, 403)
        check_equal([c.name for c in reply.cookies if c.name in (ACCESS, REFRESH)], [])
    no_cookie = Browser(site).submit("/auth/login", dict(fields, csrf=page.field("csrf")))
    check_status(no_cookie, 403)
    check_status(browser.submit("/auth/login", dict(fields, csrf=page.field("csrf"))), 303)


@test
def a_form_token_from_before_signing_in_is_worth_nothing_afterwards(site):
    browser = Browser(site)
    page = browser.navigate("/auth/login", follow=False)
    cookie, csrf = browser.cookie(CSRF), page.field("csrf")
    fields = {"username": "alice", "password": PASSWORD, "next": "/", "csrf": csrf}
    check_status(browser.submit("/auth/login", fields), 303)
    browser.set_cookie(CSRF, cookie)
    bare = {"Sec-Fetch-Site": None, "Origin": None, "Sec-Fetch-Mode": None, "Sec-Fetch-Dest": None}
    check_status(browser.submit("/auth/logout", {"csrf": csrf}, bare), 403)
    check_status(browser.fetch("/private/1k.txt"), 200)


@test
def forms_of_other_sites_change_nothing(site):
    browser = Browser(site).signed_in("alice")
    foreign = [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}]
    for origin in ("null", "https://evil.example", f"{site.url}.evil.example", "https://localhost:1", "https://localhost",
                   f"http://localhost:{site.port}", f"https://evil.example/{site.url}"):
        foreign.append({"Sec-Fetch-Site": None, "Origin": origin})
    for headers in foreign:
        label = repr(headers)
        check_equal(browser.submit("/auth/logout", {}, headers).status, 403, label)
        check_equal(browser.submit("/auth/sessions", {"others": "1"}, headers).status, 403, label)
        check_equal(browser.submit("/auth/refresh", "", headers).status, 403, label)
        page = Browser(site)
        form = page.navigate("/auth/login", follow=False)
        fields = {"username": "alice", "password": PASSWORD, "csrf": form.field("csrf"), "next": "/"}
        check_equal(page.submit("/auth/login", fields, headers).status, 403, label)
    check_status(browser.fetch("/private/1k.txt"), 200)
    check_status(browser.refresh(), 200)


@test
def without_any_word_on_the_origin_the_token_decides(site):
    browser = Browser(site).signed_in("alice")
    bare = {"Sec-Fetch-Site": None, "Origin": None, "Sec-Fetch-Mode": None, "Sec-Fetch-Dest": None}
    check_status(browser.submit("/auth/logout", {}, bare), 403)
    check_status(browser.fetch("/private/1k.txt"), 200)
    page = browser.navigate("/auth/logout", follow=False)
    check_status(browser.submit("/auth/logout", {"csrf": page.field("csrf")}, bare), 303)
    check_status(Browser(site).fetch("/private/1k.txt"), 401)


@test
def a_get_never_signs_in_or_out(site):
    password = "a password in an address"
    site.ctl("user", "add", "frank", stdin=password + "\n")
    stranger = Browser(site)
    page = stranger.navigate("/auth/login", follow=False)
    query = urllib.parse.urlencode({"username": "frank", "password": password, "csrf": page.field("csrf")})
    reply = stranger.navigate("/auth/login?" + query, follow=False)
    check_status(reply, 200)
    check_not_in(password, reply.text)
    check_equal([c.name for c in reply.cookies if c.name in (ACCESS, REFRESH)], [])
    browser = Browser(site).signed_in("alice")
    before = browser.cookie(REFRESH)
    for method in ("GET", "HEAD"):
        browser.request(method, "/auth/logout")
        browser.request(method, "/auth/logout?all=1")
        browser.request(method, "/auth/sessions?others=1")
        check_status(browser.request(method, "/auth/refresh", {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}),
                     405)
    check_equal(browser.cookie(REFRESH), before)
    check_status(browser.fetch("/private/1k.txt"), 200)


@test
def other_methods_are_not_allowed(site):
    browser = Browser(site)
    for path in ("/auth/login", "/auth/logout", "/auth/refresh", "/auth/sessions"):
        for method in ("PUT", "DELETE", "PATCH", "PROPFIND"):
            check_status(browser.fetch(path, method), 405, 501)
    check_status(browser.fetch("/auth/session", "POST"), 405)


# ---- return addresses (X5) ----

NOT_OURS = [
    "//evil.example", "///evil.example", "////evil.example", "https://evil.example", "http://evil.example/", "https:evil.example",
    "https:/evil.example", "https:///evil.example", "HTTPS://EVIL.EXAMPLE", "/\\evil.example", "\\/evil.example", "\\\\evil.example",
    "/\\/evil.example", "/\t/evil.example", "/\n/evil.example", "/\r/evil.example", "\t//evil.example", " //evil.example",
    "\x00//evil.example", "/\x00/evil.example", "/\x0b/evil.example", "/\u00a0/evil.example", "javascript:alert(1)",
    "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "ftp://evil.example",
    "blob:x", "about:blank", "evil.example", "www.evil.example/path", "@evil.example", "//user@evil.example", ".evil.example",
    "/\uff0fevil.example", "\uff0f\uff0fevil.example", "/\u2215evil", "//\u3002evil.example", "//evil\u3002example", "//[::1]",
    "//0x7f000001", "//evil.example%2f@localhost", "https://localhost.evil.example", "https://localhost@evil.example", "?next=//evil",
    "#//evil.example", "..//evil.example", "./evil", "/\\\\evil", "/%5cevil\\", "//%0d%0aevil", "/a\r\nX-Evil: 1", "/a\nSet-Cookie: a=b",
    "/auth/login", "/auth/logout", "/auth/refresh?next=/", "/auth/login?next=//evil", "", "/" + "a" * 2100,
]
ENCODED = ["/%2fevil.example", "/%5cevil.example", "/%09/evil.example", "/%2e%2e//evil.example", "/private/..//evil.example"]
OURS = ["/", "/private/", "/private/whoami?a=1&b=2", "/private/whoami?u=https://x.example/", "/x#y", "/%2e", "/a:b", "/@x",
        "/private/?q=a%20b+c", "/auth/sessions"]


def form_for(browser, next_and_more):
    """The sign-in form; the plain one where lighttpd refuses the address (a control character)."""
    page = browser.navigate("/auth/login?next=" + next_and_more, follow=False)
    if page.status == 400:
        page = browser.navigate("/auth/login", follow=False)
    check_status(page, 200)
    return page


@test
def signing_in_never_leads_to_another_site(site):
    for target in NOT_OURS + ENCODED:
        browser = Browser(site)
        page = form_for(browser, urllib.parse.quote(target))
        fields = {"username": "bob", "password": PASSWORD, "csrf": page.field("csrf"), "next": target}
        reply = browser.submit("/auth/login", fields)
        check_status(reply, 303, 413)
        if reply.status == 413:
            continue
        where = reply.location
        assert re.fullmatch(r"/(?![/\\])[!-\[\]-~]*", where), f"{target!r} leads to {where!r}"
        if target in NOT_OURS:
            check_equal(where, "/", repr(target))
            check_equal(page.field("next"), "/", repr(target))
        check_equal(reply.headers.get("X-Evil"), None)


@test
def signing_in_leads_to_addresses_of_this_site(site):
    for target in OURS:
        reply = Browser(site).sign_in("bob", next_path=target)
        check_status(reply, 303)
        check_equal(reply.location, target)


@test
def a_refused_request_is_not_led_to_another_site_either(site):
    for target in ("//evil.example/x", "/\\evil.example", "/private//evil.example", "/private/%0d%0aX-Evil:1"):
        for path in (target, "/auth/refresh?next=" + urllib.parse.quote(target)):
            data = f"GET {path} HTTP/1.1\r\nHost: localhost:{site.port}\r\nConnection: close\r\n\r\n"
            head = site.raw(data.encode()).split(b"\r\n\r\n")[0].decode("latin-1")
            for line in head.split("\r\n")[1:]:
                assert not line.lower().startswith("x-evil"), head
                if line.lower().startswith("location:"):
                    assert re.fullmatch(r"/(?![/\\])\S*", line[9:].strip()), line


# ---- pages and headers (X7 to X16) ----

@test
def nothing_typed_comes_back_as_markup_or_as_a_header(site):
    for evil in ("<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'><b>", "{{csrf}}", "</title><h1>",
                 "a\r\nX-Evil: 1", "%0d%0aX-Evil: 1", "a\x00b", "\x1b[31m", "%s%n%x", "\ud7ff\ufffd\U0001f600"):
        browser = Browser(site)
        page = form_for(browser, urllib.parse.quote("/" + evil) + "&notice=" + urllib.parse.quote(evil))
        reply = browser.submit("/auth/login", {"username": evil, "password": evil * 3, "csrf": page.field("csrf"),
                                               "next": "/" + evil})
        check_status(reply, 401)
        for answer in (page, reply):
            check_equal(answer.headers.get("X-Evil"), None)
            for raw in ("<script", "<img", "<b>", "<h1></h1>", "onerror=alert(1)>"):
                check_not_in(raw, answer.text.lower(), evil)
        missing = browser.fetch("/auth/" + urllib.parse.quote(evil))
        check_not_in("<script", missing.text)


@test
def every_answer_of_ours_carries_the_security_headers(site):
    signed_in, stranger = Browser(site).signed_in("bob"), Browser(site)
    replies = [browser.navigate(path, follow=False) for browser in (signed_in, stranger) for path in PAGES]
    replies += [browser.fetch(path) for browser in (signed_in, stranger) for path in PAGES + ("/private/x", "/admin/")]
    replies += [stranger.navigate("/private/", follow=False), signed_in.navigate("/admin/", follow=False)]
    replies += [stranger.submit("/auth/login", {}), stranger.submit("/auth/login", "x" * 20000), stranger.refresh(),
                Browser(site).sign_in("bob"), signed_in.sign_out()]
    for reply in replies:
        if reply.status == 404 and not reply.path.startswith("/auth"):
            continue
        label = f"{reply} {reply.status}"
        headers = reply.headers
        policy = headers.get("Content-Security-Policy", "")
        for part in ("default-src 'none'", "frame-ancestors 'none'"):
            check_in(part, policy, label)
        check_not_in("unsafe-", policy, label)
        check_not_in("*", policy, label)
        check_equal(headers.get("X-Content-Type-Options"), "nosniff", label)
        check_in(headers.get("Referrer-Policy"), ("no-referrer", "same-origin"), label)
        check_equal(headers.get("Cross-Origin-Opener-Policy"), "same-origin", label)
        check_equal(headers.get("Cross-Origin-Resource-Policy"), "same-origin", label)
        check_in("no-store", headers.get("Cache-Control", ""), label)
        check_equal([n for n in headers if n.lower().startswith("access-control-")], [], label)
        if reply.body:
            check_in(headers.get("Content-Type"), ("text/html; charset=utf-8", "application/json"), label)
        for name in ("Cache-Control", "Content-Security-Policy", "Content-Type", "Location", "WWW-Authenticate"):
            assert len(headers.get_all(name) or []) <= 1, f"{label}: {name} twice"


@test
def the_policy_of_a_page_forbids_forms_to_other_sites_and_a_changed_base(site):
    policy = Browser(site).navigate("/auth/login", follow=False).headers["Content-Security-Policy"]
    check_in("form-action 'self'", policy)
    check_in("base-uri 'none'", policy)


@test
def strict_transport_security_is_on_every_answer(site):
    signed_in, stranger = Browser(site).signed_in("bob"), Browser(site)
    replies = [stranger.navigate(path, follow=False) for path in PAGES + ("/", "/private/", "/no-such-page", "/app/x")]
    replies += [signed_in.navigate(path, follow=False) for path in ("/private/", "/admin/", "/app/x", "/private/none")]
    for reply in replies:
        check_equal(reply.headers.get_all("Strict-Transport-Security"), ["max-age=31536000; includeSubDomains"],
                    f"{reply} {reply.status}")


@test
def an_origin_header_is_never_reflected(site):
    for origin in ("https://evil.example", "null", site.url):
        for path in ("/auth/session", "/auth/login", "/private/1k.txt"):
            reply = Browser(site).fetch(path, headers={"Origin": origin, "Access-Control-Request-Method": "GET"})
            check_equal([n for n in reply.headers if n.lower().startswith("access-control-")], [], f"{origin} {path}")


@test
def the_pages_need_no_script(site):
    signed_in, stranger = Browser(site).signed_in("bob"), Browser(site)
    for reply in (stranger.navigate("/auth/login"), signed_in.navigate("/auth/sessions"),
                  signed_in.navigate("/auth/logout"), signed_in.navigate("/admin/")):
        check_not_in("<script", reply.text.lower(), repr(reply))
        check_equal(re.findall(r"\son[a-z]+=", reply.text), [], repr(reply))


@test
def no_address_holds_a_secret(site):
    browser = Browser(site)
    reply = browser.sign_in("alice")
    secrets = [PASSWORD, browser.cookie(ACCESS), browser.cookie(REFRESH)]
    where = [reply.location, browser.navigate("/auth/refresh?next=/private/", follow=False).location,
             browser.sign_out().location]
    for location in where:
        for secret in secrets:
            check_not_in(secret, location or "")


@test
def answers_to_mistakes_tell_nothing_of_the_inside(site):
    for reply in (Browser(site).navigate("/auth/nothing-here"), Browser(site).submit("/auth/login", "%ff=%fe&username=%ff"),
                  Browser(site).fetch("/auth/../auth/zzz"), Browser(site).navigate("/auth/login?next=%ff")):
        for word in ("redis", "hiredis", "libjwt", "/work", "/home", site.state, ".mustache", ".c:", "doorward.conf"):
            check_not_in(word, reply.text.lower(), repr(reply))


# ---- forms (P1 to P4) ----

def login_body(browser, **fields):
    page = browser.navigate("/auth/login", follow=False)
    return urllib.parse.urlencode({"username": "bob", "password": PASSWORD, "next": "/", "csrf": page.field("csrf"), **fields})


@test
def a_field_that_occurs_twice_is_refused(site):
    browser = Browser(site)
    body = login_body(browser)
    for twice in ("username=alice", "password=x", "csrf=x", "next=/x", "username=bob"):
        check_status(browser.submit("/auth/login", body + "&" + twice), 400)
        check_status(browser.submit("/auth/login", twice + "&" + body), 400)


@test
def the_query_never_overrides_the_body(site):
    browser = Browser(site)
    body = login_body(browser)
    reply = browser.submit("/auth/login?username=alice&password=x&next=//evil.example", body)
    check_status(reply, 303)
    check_equal(reply.location, "/")
    check_equal(browser.navigate("/private/whoami").environment()["AUTH_USER"], "bob")


@test
def a_form_is_decoded_once(site):
    browser = Browser(site)
    body = login_body(browser, username="NAME-OF-USER")
    check_status(browser.submit("/auth/login", body.replace("NAME-OF-USER", "%62%6F%62")), 303)
    for spelling in ("%2562ob", "b%6", "bob%00", "bob%00x", "%u0062ob", "b%c3%28b"):
        other = Browser(site)
        body = login_body(other, username="NAME-OF-USER")
        check_status(other.submit("/auth/login", body.replace("NAME-OF-USER", spelling)), 400, 401)
    check_status(other.submit("/auth/login", login_body(other) + "&&=&x=&;"), 303)


@test
def a_form_of_another_type_is_refused(site):
    for kind in ("application/json", "text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencodedx", None):
        browser = Browser(site)
        check_status(browser.submit("/auth/login", login_body(browser), {"Content-Type": kind}), 400, 415)
    browser = Browser(site)
    kind = "Application/X-WWW-Form-URLencoded; charset=UTF-8"
    check_status(browser.submit("/auth/login", login_body(browser), {"Content-Type": kind}), 303)


@test
def a_body_that_is_not_as_long_as_it_says_is_never_acted_on(site):
    browser = Browser(site)
    body = login_body(browser)
    cookies = browser.cookie_header("/auth/login")

    def post(length, sent, *more, timeout=15):
        head = ["POST /auth/login HTTP/1.1", f"Host: localhost:{site.port}", f"Origin: {site.url}", f"Cookie: {cookies}",
                "Content-Type: application/x-www-form-urlencoded", "Connection: close", *more]
        if length is not None:
            head.append(f"Content-Length: {length}")
        return site.raw_status(("\r\n".join(head) + "\r\n\r\n" + sent).encode(), timeout=timeout)

    for length in ("-1", "+5", f"+{len(body)}", "9223372036854775808", "18446744073709551617", "0x10", "1e3", "", " ", "abc",
                   f"{len(body)}, {len(body)}", f"{len(body)};"):
        assert post(length, body) in (0, 400, 403, 411, 413, 501), f"Content-Length: {length!r}"
    check_in(post(None, body), (400, 403, 411))
    check_in(post(0, body), (400, 403))
    check_in(post(len(body) - 10, body), (400, 403, 401))
    for missing in (1, 10, len(body)):
        try:
            status = post(len(body) + missing, body, timeout=1.5)
        except TimeoutError:
            status = 0
        check_in(status, (0, 400, 408, 500))
    check_equal(post(len(body), body), 303)


@test
def a_chunked_form_is_read(site):
    browser = Browser(site)
    body = login_body(browser)
    data = (f"POST /auth/login HTTP/1.1\r\nHost: localhost:{site.port}\r\nOrigin: {site.url}\r\n"
            f"Cookie: {browser.cookie_header('/auth/login')}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n{len(body):x}\r\n{body}\r\n0\r\nRemote-User: evil\r\n\r\n")
    check_in(site.raw_status(data.encode()), (303, 400, 411))


@test
def what_is_too_long_is_refused_whole(site):
    browser = Browser(site)
    for fields in ({"username": "b" * 257}, {"password": "x" * 1025}, {"next": "/" + "x" * 2048}, {"csrf": "x" * 129},
                   {"padding": "x" * 16384}):
        check_status(browser.submit("/auth/login", login_body(browser, **fields)), 413)
    check_status(browser.submit("/auth/login", login_body(browser, password="x" * 1024)), 401)
    check_status(browser.submit("/auth/login", login_body(browser, username="b" * 256)), 401)
    check_status(browser.submit("/auth/login", login_body(browser, padding="x" * 8192)), 303)


@test
def a_body_far_too_long_is_answered_all_the_same(site):
    reply = Browser(site).submit("/auth/login", "x" * 1000000)
    check_status(reply, 413)
    check_in("</html>", reply.text)


@test
def a_password_counts_to_its_last_byte(site):
    long = " ".join(f"word{i}" for i in range(60)) + " a"
    for name, password in (("long-one", long), ("spaced", "fourteen chars and more "), ("unicode", "Grüße-an-König-Ödön-☃")):
        site.ctl("user", "add", name, "--role", "staff", stdin=password + "\n")
        check_status(Browser(site).sign_in(name, password), 303)
        for wrong in (password[:-1], password + "x", password[:-1] + "b", password.upper(), password + "\x00"):
            check_status(Browser(site).sign_in(name, wrong), 401)


@test
def odd_names_reach_the_store_as_one_argument_and_the_log_as_one_line(site):
    lines = site.log_text().count("\n")
    names = ("* *", "bob\r\nFLUSHALL\r\n", "%s%n%b", "a b", "{bob}", "\x1b]0;x\x07", "*", "bob:admin", "bob,admin", "a\u2028b")
    for name in names:
        check_status(Browser(site, agent="evil \xff\xfe \x80 agent").sign_in(name, PASSWORD), 401)
    text = site.log_text()
    assert "\x1b" not in text and "\x07" not in text, "control bytes in the log"
    assert text.count("\n") - lines <= 4 * len(names), "more lines than events"
    check_equal(len(site.audit("login.refused")[-len(names):]), len(names))
    check_status(Browser(site).sign_in("bob"), 303)


@test
def too_many_attempts_are_slowed_down_whatever_the_spelling(site):
    statuses = []
    for i in range(12):
        reply = Browser(site).sign_in(("bob", "BOB", " bob ", "Bob")[i % 4], "wrong-password-here")
        statuses.append(reply.status)
    check_equal(statuses, [401] * 10 + [429] * 2)
    assert 0 < int(reply.headers["Retry-After"]) <= 900, reply.headers["Retry-After"]
    check_status(Browser(site).sign_in("bob"), 429)
    check_status(Browser(site).sign_in("alice"), 303)


harness.main(settings=["cookie.clear_site_data=yes"])
