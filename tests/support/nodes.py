"""Several Doorward processes beside one private Redis, asked by FastCGI without a web server.

All of them have a clock of their own (moved_clock.c), which a test moves: Site.move for all of them. The
monotonic clocks move along, so for the programs the time really passes.

From the environment: DOORWARD_BUILD (default build) and DOORWARD_FLOW, the folder for the states.
"""

import base64
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.parse

sys.dont_write_bytecode = True
import fastcgi
import preload
from processes import hold

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.path.realpath(os.environ.get("DOORWARD_BUILD", os.path.join(ROOT, "build")))
FLOW = os.path.realpath(os.environ.get("DOORWARD_FLOW", os.path.join(BUILD, "flow")))
REDIS_SERVER = os.environ.get("REDIS_SERVER", "redis-server")  # or valkey-server
PASSWORD = "correct-horse-battery"
# SHA-512 with few rounds: what a password costs is not the subject here.
HASH = "$6$rounds=1000$doorward$"

ACCESS = "__Host-Http-doorward"
REFRESH = "__Secure-doorward-refresh"
CSRF = "__Host-Http-doorward-csrf"
HOP = REFRESH + "-hop"
ORIGIN = "https://site.example"


def program(name):
    """With sanitizers where that was built, unless DOORWARD_PLAIN is set."""
    sanitized = f"{BUILD}/san/{name}"
    return sanitized if os.path.exists(sanitized) and not os.environ.get("DOORWARD_PLAIN") else f"{BUILD}/{name}"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def uid_of(name):
    return b64(hashlib.sha256(name.encode()).digest()[:16])


def claims(token):
    """Of a JWT, unverified."""
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


class Redis:
    """Enough of RESP2 to ask questions."""

    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(path)
        self.reader = self.socket.makefile("rb")

    def __call__(self, *words):
        return self.pipeline([words])[0]

    def pipeline(self, commands):
        out = []
        for words in commands:
            out.append(b"*%d\r\n" % len(words))
            for word in words:
                word = word if isinstance(word, bytes) else str(word).encode()
                out.append(b"$%d\r\n%s\r\n" % (len(word), word))
        self.socket.sendall(b"".join(out))
        return [self._read() for _ in commands]

    def _read(self):
        line = self.reader.readline()[:-2]
        if not line:
            raise ConnectionError("the server ended the connection")
        kind, rest = line[:1], line[1:].decode()
        if kind == b"+":
            return rest
        if kind == b":":
            return int(rest)
        if kind == b"-":
            raise RuntimeError(rest)
        if kind == b"$":
            return None if rest == "-1" else self.reader.read(int(rest) + 2)[:-2].decode("latin-1")
        if kind == b"*":
            return [self._read() for _ in range(int(rest))]
        raise RuntimeError(f"not RESP: {line!r}")

    def keys(self):
        found, cursor = set(), "0"
        while True:
            cursor, keys = self("SCAN", cursor, "COUNT", 1000)
            found.update(keys)
            if cursor == "0":
                return found


class Site:
    """A Redis and `count` nodes that share its keys; in a folder of its own."""

    def __init__(self, name, count=2, settings=(), offsets=None, alg="RS256", wall_only=False):
        """settings: "section.key=value" texts. offsets: how far (s) each node's clock is ahead of Redis'. wall_only:
        what moves is the time of day, as when somebody sets it, and no time passes."""
        self.shift = 0
        self.keep = False  # the folder, for whoever looks for the reason of a failure
        self.processes = []
        os.makedirs(FLOW, exist_ok=True)
        # A socket's path has at most 107 characters.
        self.state = tempfile.mkdtemp(prefix=f"doorward-{name}.", dir="/tmp")
        os.makedirs(f"{self.state}/keys", mode=0o700)
        self.offsets = [0, *(offsets or [0] * count)]
        self.wall_only = wall_only
        try:
            self.move(0)
            self._start_redis()
            self.write_settings(dict(s.split("=", 1) for s in settings), count)
            self.make_keys(alg)
            self.start_nodes(range(count))
        except BaseException:
            self.close()
            raise
        self.count = count

    # ---- the parts ----

    def make_keys(self, alg):
        # Keys are older than what runs: a node does not start with one for a later time.
        self.move(-7 * 86400)
        self.ctl("keys", "new", "--alg", alg)
        self.move(7 * 86400)

    def start_nodes(self, nodes):
        for node in nodes:
            self._start(f"node{node}", [program("doorward"), "-c", self.settings_file(node)], node + 1)
        for node in nodes:
            self._wait(self.socket_path("responder", node))
            self._wait(self.socket_path("authorizer", node))

    def restart_node(self, node):
        name, process = next(p for p in self.processes if p[0] == f"node{node}")
        self.processes.remove((name, process))
        process.terminate()
        if process.wait(20) != 0:
            raise AssertionError(f"{name} ended with status {process.returncode}: {self.log(name)[-3000:]}")
        self.start_nodes([node])

    def _start(self, name, command, clock):
        environment = dict(os.environ, **preload.moved_clock(self.clock_file(clock), FLOW, not self.wall_only),
                           ASAN_OPTIONS="detect_leaks=1:abort_on_error=1:verify_asan_link_order=0",
                           UBSAN_OPTIONS="print_stacktrace=1")
        environment.pop("DOORWARD_CONF", None)
        with open(f"{self.state}/{name}.log", "ab") as log:
            process = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", *command], stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=log, env=environment, cwd=self.state)
        self.processes.append((name, process))

    def _start_redis(self):
        self._start("redis", [REDIS_SERVER, "--port", "0", "--unixsocket", f"{self.state}/redis.sock", "--save", "",
                              "--appendonly", "no", "--maxmemory-policy", "noeviction", "--hz", "50",
                              "--dir", self.state], 0)
        self._wait(f"{self.state}/redis.sock")
        self.redis = Redis(f"{self.state}/redis.sock")

    def write_settings(self, values, count):
        # Without the mirror what one node does counts on the others at their very next question, which is what
        # these tests compare; with it, a message's way later (tests/unit/auth/test_mirror.c).
        base = {"mirror.enabled": "no", "server.base_url": ORIGIN,
                "store.url": f"unix:{self.state}/redis.sock", "store.timeout_ms": "5000",
                "token.keys_dir": f"{self.state}/keys", "page.templates_dir": f"{ROOT}/templates", "page.languages_dir": f"{ROOT}/languages",
                "password.memlimit_mb": "19", "password.opslimit": "1", "password.max_parallel": "8",
                "server.authorizer_threads": "4", "server.responder_threads": "8",
                "throttle.per_name": "1000000", "throttle.per_address": "1000000", "throttle.per_both": "1000000"}
        self.values = {**base, **values}
        # How long a node's mirror may go on with what was so: the lease, and a moment for a busy machine. Without a
        # mirror every check asks Redis.
        self.patience = 0 if self.values.get("mirror.enabled") == "no" else 2
        for node in range(count):
            own = {"server.listen_authorizer": f"unix:{self.socket_path('authorizer', node)}",
                   "server.listen_responder": f"unix:{self.socket_path('responder', node)}"}
            sections = {}
            for key, value in {**self.values, **own}.items():
                section, _, name = key.partition(".")
                sections.setdefault(section, []).append(f"{name} = {value}\n")
            with open(self.settings_file(node), "w") as f:
                for section, lines in sections.items():
                    f.write(f"[{section}]\n" + "".join(lines))

    def settings_file(self, node):
        return f"{self.state}/node{node}.conf"

    def socket_path(self, role, node):
        return f"{self.state}/{role}{node}.sock"

    def _wait(self, path):
        end = time.monotonic() + 20
        while time.monotonic() < end:
            self.check_alive()
            probe = socket.socket(socket.AF_UNIX)
            try:
                probe.connect(path)
                return
            except OSError:
                time.sleep(0.02)
            finally:
                probe.close()
        raise RuntimeError(f"nobody listens on {path}")

    def check_alive(self):
        for name, process in self.processes:
            if process.poll() is not None:
                raise RuntimeError(f"{name} ended with status {process.returncode}: {self.log(name)[-3000:]}")

    def log(self, name):
        with open(f"{self.state}/{name}.log", errors="replace") as f:
            return f.read()

    def close(self):
        """Ends all parts. A sentence about what went wrong in their lives, or None."""
        wrong = None
        for name, process in reversed(self.processes):
            if process.poll() is not None:
                wrong = f"{name} ended by itself with status {process.returncode}: {self.log(name)[-3000:]}"
                continue
            process.terminate()
            try:
                if process.wait(20) not in (0, -signal.SIGTERM):
                    wrong = f"{name} ended with status {process.returncode}: {self.log(name)[-3000:]}"
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                wrong = f"{name} did not end"
        for name, _ in self.processes:
            log = self.log(name)
            found = re.search(r"AddressSanitizer|LeakSanitizer|runtime error:", log)
            if found:
                wrong = f"{name}: {log[max(0, found.start() - 200):found.start() + 3000]}"
        if wrong is None and not self.keep:
            shutil.rmtree(self.state)
        return wrong

    # ---- time ----

    def clock_file(self, clock):
        return f"{self.state}/clock{clock}"

    def move(self, seconds):
        """Time passes, for Redis and all nodes."""
        self.shift += seconds
        self.set_clocks()

    def set_clock(self, node, offset):
        """This node's clock alone is from now on that much ahead of Redis'."""
        self.offsets[node + 1] = offset
        self.set_clocks()

    def set_clocks(self):
        # Redis holds its breath, until what it answered has been read: a node that gets its time from before the move and
        # looks at its own clock after it would be wrong by the whole move until it asks again.
        redis = [process for name, process in self.processes if name == "redis"]
        for process in redis:
            hold(process.pid)
            time.sleep(0.02)
        for clock, offset in enumerate(self.offsets):
            preload.move_clock(self.clock_file(clock), self.shift + offset)
        for process in redis:
            os.kill(process.pid, signal.SIGCONT)

    def now(self):
        """Redis' time."""
        return time.time() + self.shift

    # ---- administration ----

    def add_user(self, name, roles=""):
        self.redis("HSET", f"dw:user:{{{uid_of(name)}}}", "name", name, "password", quick_hash(), "created",
                   int(self.now()), *(("roles", roles) if roles else ()))

    def ctl(self, *arguments, stdin="", status=0, node=None):
        """Runs doorwardctl, on a node's machine or on that of Redis."""
        environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:abort_on_error=1:verify_asan_link_order=0",
                           **preload.moved_clock(self.clock_file(0 if node is None else node + 1), FLOW))
        done = subprocess.run([program("doorwardctl"), "-c", self.settings_file(0), *arguments], input=stdin,
                              capture_output=True, text=True, timeout=60, env=environment)
        if status is not None and done.returncode != status:
            raise AssertionError(f"doorwardctl {' '.join(arguments)}: exit status {done.returncode}: "
                                 f"{done.stdout}{done.stderr}")
        return done


_hash = None


def quick_hash():
    global _hash
    if _hash is None:
        done = subprocess.run(["perl", "-e", "print crypt($ARGV[0], $ARGV[1])", PASSWORD, HASH], capture_output=True,
                              text=True, check=True)
        _hash = done.stdout
    return _hash


class Reply:
    def __init__(self, answer):
        self.answer, self.status, self.text = answer, answer.status, answer.text
        self.cookies = {}
        for line in answer.all("Set-Cookie"):
            pair, *attributes = line.split(";")
            name, _, value = pair.partition("=")
            ages = [int(a.strip()[8:]) for a in attributes if a.strip().lower().startswith("max-age=")]
            self.cookies[name] = (value, ages[0] if ages else None)

    def __repr__(self):
        # Of a page what it says, not how it looks.
        said = re.sub(r"<[^>]*>|\s+", " ", re.sub(r"(?s)<(style|head|script).*?</\1>", "", self.text))
        return f"<{self.status} {said[:500]!r}>"

    @property
    def json(self):
        return json.loads(self.text)

    @property
    def error(self):
        """The reason's code in a script's answer."""
        return self.json.get("error") if self.answer.header("Content-Type") == "application/json" else None

    def given(self, name):
        """The new value of a cookie, None when it was not set or was taken."""
        value, age = self.cookies.get(name, (None, None))
        return value if value and age != 0 else None

    def taken(self, name):
        return self.cookies.get(name, (None, None))[1] == 0


class Client:
    """A browser's requests, with the cookies that it holds. What comes is kept unless keep is False."""

    def __init__(self, site, agent="Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0", address="192.0.2.1"):
        self.site, self.agent, self.address = site, agent, address
        self.jar, self.ends = {}, {}

    def forget_old(self):
        """Cookies whose Max-Age is over."""
        for name, end in list(self.ends.items()):
            if end <= self.site.now():
                self.jar.pop(name, None)
                del self.ends[name]

    def keep(self, reply):
        for name, (value, age) in reply.cookies.items():
            self.ends.pop(name, None)
            if value and age != 0:
                self.jar[name] = value
                if age is not None:
                    self.ends[name] = self.site.now() + age
            else:
                self.jar.pop(name, None)

    def _params(self, method, uri, jar, headers):
        path, _, query = uri.partition("?")
        params = [("REQUEST_METHOD", method), ("REQUEST_URI", uri), ("SCRIPT_NAME", path), ("QUERY_STRING", query),
                  ("SERVER_PROTOCOL", "HTTP/1.1"), ("HTTPS", "on"), ("REMOTE_ADDR", self.address),
                  ("HTTP_HOST", "site.example"), ("HTTP_USER_AGENT", self.agent)]
        if jar:
            params.append(("HTTP_COOKIE", "; ".join(f"{name}={value}" for name, value in jar.items())))
        return params + list(headers)

    def check(self, node=0, uri="/private/", navigation=False, jar=None):
        """What the web server asks before it lets a request in."""
        headers = NAVIGATION if navigation else SCRIPT
        self.forget_old()
        jar = {n: v for n, v in (self.jar if jar is None else jar).items() if n == ACCESS}
        answer = fastcgi.ask(self.site.socket_path("authorizer", node), self._params("GET", uri, jar, headers),
                             role=fastcgi.AUTHORIZER)
        return Reply(answer)

    def page(self, method, uri, node=0, fields=None, navigation=False, jar=None, keep=True):
        headers = list(NAVIGATION if navigation else SCRIPT)
        body = b""
        if method == "POST":
            body = urllib.parse.urlencode(fields or {}).encode()
            headers += [("HTTP_ORIGIN", ORIGIN), ("CONTENT_LENGTH", str(len(body))),
                        ("CONTENT_TYPE", "application/x-www-form-urlencoded")]
        self.forget_old()
        params = self._params(method, uri, self.jar if jar is None else jar, headers)
        reply = Reply(fastcgi.ask(self.site.socket_path("responder", node), params, body))
        if keep:
            self.keep(reply)
        return reply

    def refresh(self, node=0, jar=None, keep=True):
        return self.page("POST", "/auth/refresh", node, jar=jar, keep=keep)

    def sign_in(self, name, node=0, **fields):
        """The first try has no form's token, as a form that was open for too long: its answer brings one."""
        form = self.page("POST", "/auth/login", node, {"username": name}, navigation=True)
        found = re.search(r'name="csrf" value="([^"]+)"', form.text)
        if form.status != 403 or not found:
            raise AssertionError(f"the form without its token: {form}")
        fields = {"username": name, "password": PASSWORD, "next": "/", "csrf": found.group(1), **fields}
        return self.page("POST", "/auth/login", node, fields, navigation=True)

    def signed_in(self, name, node=0, **fields):
        reply = self.sign_in(name, node, **fields)
        if reply.status != 303 or not reply.given(ACCESS):
            raise AssertionError(f"sign-in as {name}: {reply}")
        return self


NAVIGATION = (("HTTP_ACCEPT", "text/html"), ("HTTP_SEC_FETCH_SITE", "same-origin"),
              ("HTTP_SEC_FETCH_MODE", "navigate"), ("HTTP_SEC_FETCH_DEST", "document"))
SCRIPT = (("HTTP_ACCEPT", "*/*"), ("HTTP_SEC_FETCH_SITE", "same-origin"), ("HTTP_SEC_FETCH_MODE", "cors"),
          ("HTTP_SEC_FETCH_DEST", "empty"))


# ---- the runner ----

def check_equal(got, expected, what=""):
    if got != expected:
        raise AssertionError(f"{what + ': ' if what else ''}got {got!r:.600}, expected {expected!r:.600}")


def settled(site, function):
    """What function returns; while it fails, again, as long as a change may take to come to all nodes."""
    end = time.monotonic() + site.patience
    while True:
        asked = time.monotonic()
        try:
            return function()
        except AssertionError:
            if asked >= end:
                raise
        time.sleep(0.01)


def parallel(functions):
    """Runs them at once, each in a thread; their results in order."""
    results, gate = [None] * len(functions), threading.Barrier(len(functions))

    def run(i):
        gate.wait()
        try:
            results[i] = functions[i]()
        except Exception as error:
            results[i] = error
    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(functions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        if isinstance(result, Exception):
            raise result
    return results


def main(cases):
    """cases: (name, function without arguments) pairs; leaves the process."""
    passed, failed = 0, 0
    only = sys.argv[1:]
    for name, function in cases:
        if only and not any(word in name for word in only):
            continue
        started = time.monotonic()
        try:
            function()
            passed += 1
            print(f"ok {name} ({time.monotonic() - started:.1f} s)", flush=True)
        except Exception as error:
            failed += 1
            print(f"FAILED {name}\n  {type(error).__name__}: {error}")
            frames = traceback.format_tb((error.__cause__ or error).__traceback__)[-3:]
            print("  " + "".join(frames).replace("\n", "\n  "), flush=True)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)
