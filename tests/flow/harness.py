"""What the scenario tests need: a demo of their own behind a real web server, a browser, a clock.

A test is a function marked @test, named as a sentence, that takes the Site; a plain assert, or one of
the check_... functions, lets it fail. main() runs them for each web server and prints the counts.

From the environment: DOORWARD_BUILD (default build) and DOORWARD_FLOW, the folder for the states and
the list of secrets (default DOORWARD_BUILD/flow), FLOW_TIMES to print how long each test takes.
"""

import base64
import contextlib
import hashlib
import html.parser
import http.client
import http.server
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import traceback
import urllib.parse

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"))
import preload
from ports import free_port
from processes import hold

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.path.realpath(os.environ.get("DOORWARD_BUILD", os.path.join(ROOT, "build")))
FLOW = os.path.realpath(os.environ.get("DOORWARD_FLOW", os.path.join(BUILD, "flow")))
PASSWORD = "correct-horse-battery"

ACCESS = "__Host-Http-doorward"
REFRESH = "__Secure-doorward-refresh"
CSRF = "__Host-Http-doorward-csrf"


# ---- checks and the runner ----

def shown(value):
    text = repr(value)
    return text if len(text) <= 600 else text[:600] + "..."


def check_equal(got, expected, what=""):
    if got != expected:
        raise AssertionError(f"{what + ': ' if what else ''}got {shown(got)}, expected {shown(expected)}")


def check_in(part, whole, what=""):
    if part not in whole:
        raise AssertionError(f"{what + ': ' if what else ''}{shown(part)} is not in {shown(whole)}")


def check_not_in(part, whole, what=""):
    if part in whole:
        raise AssertionError(f"{what + ': ' if what else ''}{shown(part)} is in {shown(whole)}")


def check_status(reply, *expected):
    if reply.status not in expected:
        raise AssertionError(f"{reply} has status {reply.status}, expected {expected}: {reply.text[:300]!r}")


def wait_until(condition, seconds=5.0, what="what was waited for did not happen"):
    end = time.monotonic() + seconds
    # One that takes until after the end was asked in time all the same.
    asked = time.monotonic()
    while not condition():
        if asked > end:
            raise AssertionError(what)
        time.sleep(0.02)
        asked = time.monotonic()


def wait_for(said, expected, what=""):
    """Of what another process wrote: it counts when its message has come, or when the mirror's lease is over."""
    with contextlib.suppress(AssertionError):
        wait_until(lambda: said() == expected, 2)
    check_equal(said(), expected, what)


tests = []


def test(function):
    tests.append(function)
    return function


def main(servers=("apache", "lighttpd"), **site_options):
    """Runs the marked tests on a fresh Site for each server; leaves the process."""
    passed, failed = 0, 0
    only = sys.argv[1:] or servers
    for server in servers:
        if server not in only:
            continue
        name = os.path.basename(sys.argv[0]).removesuffix(".py")
        try:
            site = Site(f"{name}-{server}", server, **site_options)
        except Exception as error:
            print(f"{server}: no test could run: {error}")
            failed += len(tests)
            continue
        for function in tests:
            label, started = f"{server}: {function.__name__}", time.monotonic()
            try:
                function(site)
                passed += 1
            except Exception as error:
                failed += 1
                frame = traceback.extract_tb(error.__traceback__)
                where = next((f for f in reversed(frame) if f.filename == function.__code__.co_filename), frame[-1])
                print(f"FAILED {label}\n  line {where.lineno}: {where.line}\n  {type(error).__name__}: {error}")
            finally:
                site.recover()
                if "FLOW_TIMES" in os.environ:
                    print(f"{time.monotonic() - started:6.1f} s  {label}", flush=True)
        wrong = site.close()
        if wrong:
            failed += 1
            print(f"FAILED {server}: the parts run and end cleanly\n  {wrong}")
        else:
            passed += 1
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


# ---- the site ----

# Seconds, a few of [mirror] heartbeat_ms.
HEARTBEATS = 0.35

# Many sign-ins from one address, each without much work.
QUICK = ("password.memlimit_mb=19", "password.opslimit=1", "throttle.per_address=100000", "throttle.per_name=100000",
         # A Redis that is kept from running for a moment is no fault here.
         "store.timeout_ms=1000")


def remember_secret(text):
    """What no log may hold: passwords, cookie values."""
    if text and len(text) >= 12:
        with open(os.path.join(FLOW, "secrets"), "a", encoding="utf-8", errors="surrogateescape") as f:
            f.write(text.replace("\n", " ") + "\n")


def uid_of(name):
    """As in the keys of a user and of the user's sessions."""
    return base64.urlsafe_b64encode(hashlib.sha256(name.encode()).digest()[:16]).rstrip(b"=").decode()


class Application(http.server.ThreadingHTTPServer):
    """What answers below /app/: says which headers arrived."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Application.Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            said = json.dumps({"method": self.command, "path": self.path, "headers": self.headers.items(),
                               "body_length": len(body)}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(said)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_PATCH = answer

        def log_message(self, *arguments):
            pass


class Site:
    """A demo of its own, in a folder of its own."""

    def __init__(self, name, server, settings=(), edit=None, sanitized=True, clock=True, cgi=False):
        """settings: "section.key=value" texts. edit: a sed script for the web server's configuration,
        in which STATE stands for the state's path. sanitized: the programs built with ASan and UBSan,
        if there are any. clock: the clock of Doorward and Redis can be moved. cgi: the pages as plain CGI."""
        self.server = server
        self.state = os.path.join(FLOW, name)
        self.port = free_port()
        self.url = f"https://localhost:{self.port}"
        self.application = Application()
        self.shift = 0
        self.ready = False
        self.stopped = set()
        self.sanitized = sanitized and os.path.exists(f"{BUILD}/san/doorward")
        os.makedirs(FLOW, exist_ok=True)
        remember_secret(PASSWORD)

        folder = f"{BUILD}/san" if self.sanitized else BUILD
        self.control = f"{folder}/doorwardctl"
        environment = dict(os.environ, DEMO_DOORWARD=f"{folder}/doorward", DEMO_CTL=self.control,
                           DEMO_HTTP_PORT=str(free_port()), DEMO_AUTHORIZER_PORT=str(free_port()),
                           DEMO_APP_PORT=str(self.application.server_address[1]))
        if clock:
            self.clock_file = f"{FLOW}/{name}.clock"
            self.shift_clock(0)
            wrap = preload.moved_clock(self.clock_file, FLOW)
            environment["DEMO_WRAP"] = "env " + " ".join(f"{name}={value}" for name, value in wrap.items())
        if edit:
            edit_file = f"{FLOW}/{name}.sed"
            with open(edit_file, "w") as f:
                f.write(edit.replace("STATE", self.state))
            environment["DEMO_EDIT"] = edit_file
        if cgi:
            environment["DEMO_CGI"] = "1"
        environment["ASAN_OPTIONS"] = "detect_leaks=1:abort_on_error=1:verify_asan_link_order=0"
        environment["UBSAN_OPTIONS"] = "print_stacktrace=1"
        # The demo ends when this program is killed.
        command = ["setpriv", "--pdeathsig", "TERM", f"{ROOT}/tests/support/demo", "--server", server,
                   "--port", str(self.port), "--build", BUILD, "--state", self.state, "--", *QUICK, *settings]
        self.demo_log = open(f"{FLOW}/{name}.demo.log", "w+")
        self.demo = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                     stderr=self.demo_log, text=True, env=environment)
        watch = threading.Timer(60, self._too_slow)
        watch.daemon = True
        watch.start()
        for line in self.demo.stdout:
            if line.startswith("ready "):
                self.ready = True
                break
        if not self.ready:
            self.demo.wait()
            raise RuntimeError("the demo did not start:\n" + self._demo_errors())
        with open(f"{self.state}/ports") as f:
            self.ports = dict(line.strip().split("=", 1) for line in f)
        self.tls = ssl.create_default_context(cafile=f"{self.state}/cert.pem")
        self.parts = self._find_parts()

    def _too_slow(self):
        if not self.ready and self.demo.poll() is None:
            self.demo.terminate()

    def _demo_errors(self):
        self.demo_log.flush()
        with open(self.demo_log.name) as f:
            return f.read()[-3000:]

    def _find_parts(self):
        """The demo's children by the name of their program."""
        with open(f"/proc/{self.demo.pid}/task/{self.demo.pid}/children") as f:
            pids = [int(word) for word in f.read().split()]
        found = {}
        for pid in pids:
            with open(f"/proc/{pid}/comm") as f:
                found[f.read().strip()] = pid
        return {"redis": found.get(os.path.basename(os.environ.get("REDIS_SERVER", "redis-server"))), "doorward": found.get("doorward"),
                "web": found.get("apache2") or found.get("lighttpd") or found.get("nginx") or found.get("caddy")}

    def shift_clock(self, seconds):
        """Doorward's and Redis' clock is from now on that much ahead of the real one. Doorward follows
        Redis' clock, which it asks with each heartbeat; what it remembers of sessions ages by the monotonic
        clock, which does not jump, so it is made to forget."""
        self.shift = seconds
        preload.move_clock(self.clock_file, seconds)
        if self.ready:
            self._begin_anew()

    def _begin_anew(self):
        """The mirror, with the time of now: once it has asked for it twice, the first answer has been read."""
        if not self.redis("client", "list", "type", "pubsub"):
            time.sleep(HEARTBEATS)
            return
        self.redis("client", "kill", "type", "pubsub")
        before = self._times_asked()
        wait_until(lambda: self._times_asked() >= before + 2, 20, "the mirror does not ask for the time")

    def _times_asked(self):
        found = re.search(r"cmdstat_time:calls=(\d+)", self.redis("info", "commandstats"))
        return int(found.group(1)) if found else 0

    def now(self):
        return time.time() + self.shift

    def stop(self, part):
        """Hangs a part ("redis", "doorward", "web") until go_on."""
        pid = self.parts[part]
        self.stopped.add(part)
        hold(pid)

    def go_on(self, part):
        os.kill(self.parts[part], signal.SIGCONT)
        self.stopped.discard(part)

    def recover(self):
        """After each test: nothing stays stopped, and nobody stays throttled."""
        for part in list(self.stopped):
            self.go_on(part)
        if self.demo.poll() is None:
            for key in self.redis("keys", "dw:throttle:*").split():
                self.redis("del", key)

    def ctl(self, *arguments, stdin="", status=0):
        """Runs doorwardctl; status: the exit status that it must have, None for any."""
        done = subprocess.run([self.control, "-c", f"{self.state}/doorward.conf", *arguments], input=stdin,
                              capture_output=True, text=True, timeout=30)
        with open(f"{self.state}/log/doorwardctl.log", "a") as f:
            f.write(done.stderr)
        if status is not None and done.returncode != status:
            raise AssertionError(f"doorwardctl {' '.join(arguments)}: exit status {done.returncode}: "
                                 f"{done.stdout}{done.stderr}")
        return done

    def redis(self, *arguments):
        done = subprocess.run(["redis-cli", "-s", f"{self.state}/redis.sock", "--raw", *arguments],
                              capture_output=True, timeout=10)
        return done.stdout.decode("latin-1").rstrip("\n")

    def log_text(self):
        with open(f"{self.state}/log/doorward.log", encoding="utf-8", errors="replace") as f:
            return f.read()

    def audit(self, event=None):
        """The audit lines so far, as objects."""
        lines = [json.loads(line) for line in self.log_text().splitlines() if line.startswith("{")]
        return [line for line in lines if "event" in line and event in (None, line["event"])]

    def events(self, event=None):
        """The stream of events so far, as objects."""
        found = []
        for word in self.redis("xrange", "dw:events", "-", "+").split("\n"):
            if re.fullmatch(r"\d{13}-\d+", word):
                found.append([])
            elif found:
                found[-1].append(word)
        objects = [dict(zip(words[::2], words[1::2])) for words in found]
        return [line for line in objects if event in (None, line["event"])]

    def connect(self, timeout=15):
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=timeout)
        return self.tls.wrap_socket(plain, server_hostname="localhost")

    def raw(self, data, timeout=15):
        """Sends bytes as they are and reads until the server closes (ask for "Connection: close")."""
        reply = b""
        with self.connect(timeout) as connection:
            connection.sendall(data)
            try:
                while chunk := connection.recv(65536):
                    reply += chunk
            except (ssl.SSLError, ConnectionError):
                pass
        return reply

    def raw_status(self, data, timeout=15):
        """The status of the answer to these bytes; 0 when the server closed without one."""
        match = re.match(rb"HTTP/1\.[01] (\d{3})", self.raw(data, timeout))
        return int(match.group(1)) if match else 0

    def close(self):
        """Ends the demo. A sentence about what went wrong in its life, or None."""
        wrong = None
        if self.demo.poll() is not None:
            wrong = "the demo ended by itself: " + self._demo_errors()
        else:
            self.demo.terminate()
            try:
                if self.demo.wait(30) != 0:
                    wrong = f"the demo ended with status {self.demo.returncode}: {self._demo_errors()}"
            except subprocess.TimeoutExpired:
                self.demo.kill()
                wrong = "the demo did not end"
        self.demo.stdout.close()
        self.application.shutdown()
        self.application.server_close()
        for name in os.listdir(f"{self.state}/log"):
            with open(f"{self.state}/log/{name}", errors="replace") as f:
                found = re.search(r"(?:.*(?:AddressSanitizer|LeakSanitizer|runtime error:)[^\0]*)", f.read())
            if found:
                wrong = f"{name}: {found.group(0)[:3000]}"
        return wrong


# ---- the browser ----

class Reply:
    def __init__(self, method, path, response, body):
        self.method, self.path = method, path
        self.status = response.status
        self.headers = response.headers
        self.body = body
        self.text = body.decode("utf-8", "replace")
        self.cookies = [SetCookie(line) for line in response.headers.get_all("Set-Cookie") or []]

    def __repr__(self):
        return f"{self.method} {self.path}"

    @property
    def location(self):
        return self.headers.get("Location")

    def json(self):
        return json.loads(self.text)

    def cookie(self, name):
        found = [c for c in self.cookies if c.name == name]
        return found[-1] if found else None

    def field(self, name):
        """The value of the first form field of this name."""
        return Fields(self.text).values.get(name)

    def environment(self):
        """Of /private/whoami."""
        return dict(line.split("=", 1) for line in self.text.splitlines() if "=" in line)


class SetCookie:
    def __init__(self, line):
        self.line = line
        pair, *attributes = line.split(";")
        self.name, _, self.value = pair.strip().partition("=")
        self.attributes = {}
        for attribute in attributes:
            name, _, value = attribute.strip().partition("=")
            self.attributes[name.lower()] = value

    @property
    def max_age(self):
        return int(self.attributes["max-age"]) if "max-age" in self.attributes else None


class Fields(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.values, self.handles = {}, []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag in ("input", "button") and given.get("name"):
            self.values.setdefault(given["name"], given.get("value") or "")
            if given["name"] == "end":
                self.handles.append(given.get("value"))


class Browser:
    """Keeps cookies as browsers do (Path, Max-Age) and says what kind of request it makes. careless: a
    test puts its secrets into addresses, where logs will have them."""

    def __init__(self, site, agent="Mozilla/5.0 (X11; Linux x86_64) Flow/1.0", careless=False):
        self.site = site
        self.agent = agent
        self.careless = careless
        self.source = "127.0.0.1"
        self.jar = {}

    def cookie(self, name):
        entry = self.jar.get(name)
        return entry[0] if entry else None

    def set_cookie(self, name, value, path="/"):
        self.jar[name] = (value, path, None)

    def copy(self):
        """Another browser with the same cookies: a thief's, or a reply that got lost."""
        other = Browser(self.site, self.agent)
        other.jar = dict(self.jar)
        return other

    def cookie_header(self, path):
        now = self.site.now()
        self.jar = {n: e for n, e in self.jar.items() if e[2] is None or e[2] > now}
        sent = [f"{name}={value}" for name, (value, scope, _) in self.jar.items()
                if path.split("?")[0] == scope or path.startswith(scope.rstrip("/") + "/")]
        return "; ".join(sent)

    def _keep(self, reply):
        for cookie in reply.cookies:
            if not self.careless:
                remember_secret(cookie.value)
            if cookie.max_age is not None and cookie.max_age <= 0:
                self.jar.pop(cookie.name, None)
            else:
                end = None if cookie.max_age is None else self.site.now() + cookie.max_age
                self.jar[cookie.name] = (cookie.value, cookie.attributes.get("path", "/"), end)

    def request(self, method, path, headers=(), body=None, keep=True, timeout=15):
        """One request; keep: take the cookies of the answer. A header whose value is None is left out."""
        sent = {"User-Agent": self.agent, "Connection": "close"}
        cookies = self.cookie_header(path)
        if cookies:
            sent["Cookie"] = cookies
        sent.update(headers)
        connection = http.client.HTTPSConnection("localhost", self.site.port, context=self.site.tls, timeout=timeout,
                                                 source_address=(self.source, 0))
        try:
            connection.request(method, path, body=body, headers={n: v for n, v in sent.items() if v is not None})
            response = connection.getresponse()
            reply = Reply(method, path, response, response.read())
        finally:
            connection.close()
        if keep:
            self._keep(reply)
        return reply

    def navigate(self, path, follow=True, came_from="none", headers=(), keep=True):
        """A page load. came_from: the value of Sec-Fetch-Site."""
        sent = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "Sec-Fetch-Site": came_from,
                "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-User": "?1"}
        sent.update(headers)
        reply = self.request("GET", path, sent, keep=keep)
        hops = 0
        while follow and reply.status in (301, 302, 303, 307, 308):
            hops += 1
            if hops > 10:
                raise AssertionError(f"{path}: redirected for ever, now at {reply.location}")
            reply = self.request("GET", self.resolve(reply.location, reply.path), sent, keep=keep)
        return reply

    def resolve(self, location, base):
        url = urllib.parse.urljoin(self.site.url + base, location)
        if not url.startswith(self.site.url + "/"):
            raise AssertionError(f"redirected to another origin: {location}")
        return url[len(self.site.url):]

    def fetch(self, path, method="GET", headers=(), body=None, keep=True, timeout=15):
        """A request by a script of the same origin."""
        sent = {"Accept": "*/*", "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}
        if method not in ("GET", "HEAD"):
            sent["Origin"] = self.site.url
        sent.update(headers)
        return self.request(method, path, sent, body, keep, timeout)

    def submit(self, path, fields, headers=(), follow=False, keep=True):
        """A form of one of our pages. fields: a mapping, pairs, or the encoded text."""
        body = fields if isinstance(fields, (str, bytes)) else urllib.parse.urlencode(fields)
        sent = {"Accept": "text/html,*/*;q=0.8", "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate",
                "Sec-Fetch-Dest": "document", "Origin": self.site.url,
                "Content-Type": "application/x-www-form-urlencoded"}
        sent.update(headers)
        reply = self.request("POST", path, sent, body, keep=keep)
        if follow and reply.status in (302, 303):
            return self.navigate(self.resolve(reply.location, path), came_from="same-origin")
        return reply

    def sign_in(self, name="alice", password=PASSWORD, next_path="/private/", follow=False, **fields):
        page = self.navigate("/auth/login?next=" + urllib.parse.quote(next_path), follow=False)
        check_status(page, 200)
        fields = {"username": name, "password": password, "next": page.field("next") or next_path,
                  "csrf": page.field("csrf"), **fields}
        return self.submit("/auth/login", fields, follow=follow)

    def signed_in(self, name="alice", **fields):
        """Signs in and makes sure of it; the browser itself."""
        reply = self.sign_in(name, **fields)
        check_status(reply, 303)
        assert self.cookie(ACCESS), f"sign-in as {name} set no access cookie"
        return self

    def sign_out(self, everywhere=False):
        page = self.navigate("/auth/logout", follow=False)
        check_status(page, 200)
        fields = {"csrf": page.field("csrf")}
        if everywhere:
            fields["all"] = "1"
        return self.submit("/auth/logout", fields)

    def refresh(self, keep=True, headers=(), timeout=15):
        return self.fetch("/auth/refresh", "POST", headers, keep=keep, timeout=timeout)
