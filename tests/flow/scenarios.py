"""What several scenario tests share: raw requests, spellings of paths and of headers, authorizers' answers that are
no decision."""

import itertools
import subprocess

from harness import check_not_in
from peer import END, STDOUT, record, whole

# In what is protected, and nowhere else.
PROTECTED = (b"xxxxxxxxxxxxxxxx", b"Private page", b"Admin page", b"REMOTE_ADDR=", b"body_length")

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "TRACE", "MKCOL", "FOO")

# {} is the name of the file below /private/.
SPELLINGS = (
    "/private/{}", "//private/{}", "/./private/{}", "/private/./{}", "/private//{}", "/x/../private/{}", "/auth/../private/{}",
    "/auth/login/../../private/{}", "/%70rivate/{}", "/%70%72%69%76%61%74%65/{}", "/private%2f{}", "/private/%2e/{}",
    "/%2e/private/{}", "/auth/%2e%2e/private/{}", "/auth/..%2fprivate/{}", "/..%2fprivate/{}", "/PRIVATE/{}", "/private/{};x",
    "/private;x/{}", "/auth/..;/private/{}", "\\private\\{}", "/\\private/{}", "/private/{}%00", "/%00/private/{}", "/private/{}#/auth/",
    "/private/{}?/auth/login", "/private/{}%3f/auth/", "/private/{}/", "/private/{}%20", "/private/{}.", "/private/{}/auth/login",
    "private/{}", "/%252e/private/{}", "/%c0%ae/private/{}", "/private/\u002e\u002e/private/{}", "http://localhost/private/{}",
    "https://localhost/private/{}", "HTTP://other.example/private/{}", "/auth//private/{}", "/doorward.js/../private/{}", "/zz/%zz/private/{}",
    "/priv%3fte/{}", "/priv*te/{}", "/%5cprivate/{}", "/priv\\*te/{}", "/[p]rivate/{}",
)


def as_admin(spelling):
    """The same trick for /admin/."""
    return spelling.replace("private", "admin").replace("PRIVATE", "ADMIN").replace("%70rivate", "%61dmin") \
        .replace("%70%72%69%76%61%74%65", "%61%64%6d%69%6e").format("")


def ask(site, method, target, *headers, body=b"", host=None, timeout=15):
    """Head and body of a raw request's answer."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host or f'localhost:{site.port}'}", "Connection: close", *headers, "", ""]
    return site.raw("\r\n".join(lines).encode("latin-1") + body, timeout)


def status(answer):
    return int(answer[9:12]) if answer.startswith(b"HTTP/1.") else 0


def check_nothing_got_out(answer, label):
    for content in PROTECTED:
        check_not_in(content, answer, label)


def curl(site, path, *options):
    """By HTTP/2, where the server speaks it: the version and the status, and the body."""
    done = subprocess.run(["curl", "--silent", "--noproxy", "*", "--cacert", f"{site.state}/cert.pem", "--http2", "--connect-to",
                           f"localhost:{site.port}:127.0.0.1:{site.port}", "--write-out", "\n%{http_version} %{http_code}",
                           *options, site.url + path], capture_output=True, timeout=20)
    body, _, said = done.stdout.decode("latin-1").rpartition("\n")
    return said, body


# ---- what a browser may claim to be ----

IDENTITIES = ("Remote-User", "Auth-User", "Auth-Roles", "Auth-Session", "Auth-Time", "Auth-Navigation", "Auth-Degraded",
              "X-Auth-User", "X-Remote-User", "X-Forwarded-User")


def spellings_of(name):
    """With each mixture of "-", "_" and "." between its words."""
    words = name.split("-")
    return ["".join(itertools.chain(*zip(words, (*marks, "")))) for marks in itertools.product("-_.", repeat=len(words) - 1)]


def folded(name):
    """As an application sees it to which "-", "_" and "." are the same, PHP for one."""
    return name.lower().replace("_", "-").replace(".", "-")


SPOOFED = [spelling for name in IDENTITIES for spelling in spellings_of(name)] + \
    [spelling.swapcase() for name in IDENTITIES for spelling in spellings_of(name)[:2]] + \
    ["AuthUser", "AUTHUSER", "authuser", "AuthRoles", "AUTHROLES", "AuthNavigation", "Variable-AUTH_USER", "Variable-REMOTE_USER",
     "REDIRECT_AUTH_USER", "REDIRECT_REMOTE_USER", "Proxy"]


def is_identity(name):
    """Would some application take a header or parameter of this name for an identity?"""
    plain = folded(name).removeprefix("http-")
    return plain in {folded(one) for one in IDENTITIES} | {"authuser", "authroles", "authnavigation", "proxy"}


# ---- an authorizer that says neither yes nor no ----

BROKEN = {
    "nothing but the end": record(STDOUT) + record(END, b"\0" * 8),
    "the end alone": record(END, b"\0" * 8),
    "overloaded": record(END, b"\0\0\0\0\2\0\0\0"),
    "an exit status": record(END, b"\0\0\0\7\0\0\0\0"),
    "headers without a status": whole(b"Content-Type: text/html\r\n\r\nplease sign in"),
    "a blank header block": whole(b"\r\n\r\n"),
    "a header cut off": whole(b"Status: 401"),
    "a header cut off within 200": whole(b"Status: 200 OK\r\nVariable-AUTH_US"),
    "text": whole(b"not signed in"),
    "a bare location": whole(b"Location: /auth/login\r\n\r\n"),
    "200 without an identity": whole(b"Status: 200 OK\r\n\r\n"),
    "200 with an empty identity": whole(b"Status: 200 OK\r\nVariable-AUTH_USER: \r\nVariable-REMOTE_USER: \r\n\r\n"),
    "204 without an identity": whole(b"Status: 204 No Content\r\n\r\n"),
    "two statuses": whole(b"Status: 401\r\nStatus: 200\r\n\r\n"),
    "status 100": whole(b"Status: 100\r\n\r\n"),
    "status 0": whole(b"Status: 0\r\n\r\n"),
    "a line of HTTP": whole(b"HTTP/1.1 200 OK\r\n\r\n"),
    "200, then the connection closed": record(STDOUT, b"Status: 200 OK\r\n\r\n"),
    "another request's answer": record(STDOUT, b"Status: 200 OK\r\n\r\n", 9) + record(END, b"\0" * 8, 9),
    "garbage": b"\xff\x00garbage" * 20,
    "the connection closed": b"",
}
