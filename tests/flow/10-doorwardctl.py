"""doorwardctl from outside: a Redis and keys of its own, no web server. Sessions are made by the
program itself, called as plain CGI."""

import base64
import contextlib
import hashlib
import http.cookies
import json
import os
import pty
import re
import select
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.parse

from harness import ACCESS, BUILD, FLOW, PASSWORD, REFRESH, ROOT, check_equal, check_in, check_not_in
import preload

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
APR1 = "$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/"  # of "myPassword", from Apache's documentation
tests = []


def test(function):
    tests.append(function)
    return function


class Place:
    """A folder with settings, keys and a Redis on a Unix socket, and a clock for all programs in it."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="doorward-ctl-", dir="/tmp")
        self.socket = f"{self.folder}/redis.sock"
        sanitized = os.path.exists(f"{BUILD}/san/doorwardctl")
        self.control = f"{BUILD}/san/doorwardctl" if sanitized else f"{BUILD}/doorwardctl"
        self.doorward = f"{BUILD}/doorward"
        self.said = ""  # all that was ever printed
        self.conf = self.write_settings("doorward.conf")
        self.clock = f"{self.folder}/clock"
        self.set_clock(0)
        self.server = None
        self.start_redis()

    def write_settings(self, name, extra="", keys="keys"):
        path = f"{self.folder}/{name}"
        with open(path, "w") as f:
            f.write(f"[store]\nurl = unix:{self.socket}\n[token]\nkeys_dir = {self.folder}/{keys}\n"
                    f"[page]\ntemplates_dir = {ROOT}/templates\nlanguages_dir = {ROOT}/languages\n[password]\nopslimit = 1\nmemlimit_mb = 19\n"
                    f"{extra}\n[rules]\n/open/* = anyone\n/admin/* = role:admin\n/closed = deny\n")
        return path

    def start_redis(self):
        self.server = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", os.environ.get("REDIS_SERVER", "redis-server"), "--port", "0", "--unixsocket", self.socket, "--save", "",
             "--appendonly", "no", "--dir", self.folder, "--logfile", f"{self.folder}/redis.log"], env=self.environment())
        end = time.monotonic() + 10
        while self.redis("ping") != "PONG":
            assert time.monotonic() < end, "redis-server does not come up"
            time.sleep(0.02)

    def stop_redis(self):
        self.server.terminate()
        self.server.wait(10)

    def close(self):
        self.stop_redis()
        shutil.rmtree(self.folder)

    def redis(self, *arguments):
        done = subprocess.run(["redis-cli", "-s", self.socket, "--raw", *arguments], capture_output=True, text=True)
        return done.stdout.rstrip("\n")

    def set_clock(self, ahead_sec):
        preload.move_clock(self.clock, ahead_sec)

    @contextlib.contextmanager
    def later(self, seconds):
        """All programs are so far in the future."""
        self.set_clock(seconds)
        try:
            yield
        finally:
            self.set_clock(0)

    def environment(self):
        return {"PATH": os.environ["PATH"], **preload.moved_clock(self.clock, FLOW),
                "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=1:verify_asan_link_order=0",
                "UBSAN_OPTIONS": "print_stacktrace=1"}

    def ctl(self, *arguments, stdin="", status=0, conf=None):
        """Runs doorwardctl; what it printed on standard output. status: the exit status it must have."""
        done = subprocess.run([self.control, "-c", conf or self.conf, *arguments], input=stdin, text=True,
                              capture_output=True, timeout=30, env=self.environment())
        self.said += done.stdout + done.stderr
        self.errors = done.stderr
        if done.returncode != status:
            raise AssertionError(f"doorwardctl {' '.join(arguments)}: exit status {done.returncode}, expected {status}: "
                                 f"{done.stdout}{done.stderr}")
        return done.stdout

    def json(self, *arguments, **options):
        return json.loads(self.ctl("--json", *arguments, **options))

    def refused(self, *arguments, why="", status=1, **options):
        """It must refuse, say so on standard error after its name, and print nothing else."""
        check_equal(self.ctl(*arguments, status=status, **options), "")
        said = [line for line in self.errors.splitlines() if line.startswith("doorwardctl: ")]
        assert said, f"no line of standard error starts with the program's name: {self.errors!r}"
        check_in(why, "\n".join(said))

    def add(self, name, *arguments):
        self.ctl("user", "add", name, *arguments, stdin=PASSWORD + "\n")

    def events(self):
        return [line.split(" ")[1] for line in self.ctl("events", "--count", "1000").splitlines()]


class Visitor:
    """A browser at the CGI program."""

    def __init__(self, place, conf=None, agent=AGENT, address="192.0.2.7"):
        self.place, self.conf, self.agent, self.address = place, conf or place.conf, agent, address
        self.jar = {}

    def request(self, method, path, fields=None, accept="text/html"):
        body = urllib.parse.urlencode(fields or {})
        url = urllib.parse.urlsplit(path)
        environment = {
            **self.place.environment(), "GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": method, "SCRIPT_NAME": "/auth",
            "PATH_INFO": url.path.removeprefix("/auth"), "QUERY_STRING": url.query, "REQUEST_URI": path, "HTTPS": "on",
            "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "localhost", "SERVER_NAME": "localhost", "SERVER_PORT": "443",
            "REMOTE_ADDR": self.address, "HTTP_USER_AGENT": self.agent, "HTTP_ACCEPT": accept,
            "HTTP_SEC_FETCH_SITE": "same-origin", "HTTP_COOKIE": self.header()}
        if method == "POST":
            environment.update(CONTENT_TYPE="application/x-www-form-urlencoded", CONTENT_LENGTH=str(len(body)))
        done = subprocess.run([self.place.doorward, "-c", self.conf], input=body, text=True, capture_output=True,
                              timeout=30, env=environment)
        head, _, content = done.stdout.replace("\r\n", "\n").partition("\n\n")
        for line in head.splitlines():
            if line.lower().startswith("set-cookie:"):
                jar = http.cookies.SimpleCookie(line.partition(":")[2].strip())
                self.jar.update({name: morsel.value for name, morsel in jar.items()})
        match = re.search(r"^Status: (\d+)", head, re.M)
        assert match, f"{method} {path}: no status: {done.stdout!r} {done.stderr!r}"
        return int(match.group(1)), content

    def header(self):
        return "; ".join(f"{name}={value}" for name, value in self.jar.items() if value)

    def sign_in(self, name, password=PASSWORD):
        status, form = self.request("GET", "/auth/login")
        check_equal(status, 200)
        csrf = re.search(r'name="csrf" value="([^"]+)"', form).group(1)
        return self.request("POST", "/auth/login", {"username": name, "password": password, "next": "/", "csrf": csrf})[0]

    def signed_in(self, name):
        check_equal(self.sign_in(name), 303, f"sign-in as {name}")
        assert self.jar.get(ACCESS), "no access cookie"
        return self

    def refresh(self):
        return self.request("POST", "/auth/refresh", accept="application/json")[0]

    def works(self):
        return self.request("GET", "/auth/session", accept="application/json")[0] == 200

    @property
    def handle(self):
        return claims(self.jar[ACCESS])["sid"]


def claims(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def on_terminal(place, arguments, answers):
    """Runs doorwardctl on a terminal and types each answer when its question stands there. What stood on
    the terminal, and the exit status."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(place.control, [place.control, "-c", place.conf, *arguments], place.environment())
    shown = b""
    try:
        for question, answer in answers:
            while question.encode() not in shown.split(b"\n")[-1]:
                assert select.select([terminal], [], [], 60)[0], f"{question!r} is not asked: {shown!r}"
                shown += os.read(terminal, 4096)
            os.write(terminal, answer.encode())
            shown += b"\n"
        while select.select([terminal], [], [], 60)[0] and (chunk := os.read(terminal, 4096)):
            shown += chunk
    except OSError:
        pass  # the end of a terminal
    finally:
        os.close(terminal)
    status = os.waitpid(pid, 0)[1]
    return shown.decode(), status


# ---- usage ----

@test
def help_is_for_people_and_goes_to_standard_output(place):
    check_in("user add NAME", place.ctl("--help"))
    check_in("session end --all", place.ctl("session", "--help"))
    check_not_in("keys new", place.ctl("session", "--help"))
    check_in("--group-file", place.ctl("user", "import", "--help"))
    check_in("doorwardctl", place.ctl("--version"))
    check_in("--version", place.ctl("--help"))
    check_in("--accept", place.ctl("doctor", "--help"))


@test
def wrong_usage_is_told_on_standard_error_with_the_usage(place):
    for arguments in ((), ("frobnicate",), ("user",), ("user", "frobnicate"), ("user", "add"), ("user", "show", "a", "b"),
                      ("user", "list", "--sideways"), ("user", "add", "x", "--role"), ("user", "role", "x", "admin"),
                      ("session", "end"), ("session", "end", "--all", "--user", "x"), ("keys", "new", "--alg", "HS256"),
                      ("keys", "rotate", "--in", "soon"), ("events", "--count", "0"), ("-x",), ("user", "list", "--json=1")):
        if arguments[:2] == ("keys", "rotate"):
            place.ctl("keys", "new", status=None) if not os.path.isdir(f"{place.folder}/keys") else None
        place.refused(*arguments, status=2)
        assert "usage:" in place.errors or "  " + arguments[0] in place.errors, f"{arguments}: no usage"


@test
def settings_that_cannot_be_read_are_told_with_their_line(place):
    conf = place.write_settings("wrong.conf", "[store]\ncolour = red")
    place.refused("user", "list", conf=conf, status=2, why="wrong.conf:")
    place.refused("user", "list", conf="/nonexistent/doorward.conf", status=2, why="/nonexistent/doorward.conf")


@test
def passwords_and_tokens_are_never_taken_from_arguments(place):
    for arguments in (("user", "add", "zoe", "a-secret-as-argument"), ("user", "add", "zoe", "--password=a-secret-as-argument"),
                      ("user", "passwd", "zoe", "a-secret-as-argument"), ("token", "decode", "-", "a-secret-as-argument"),
                      ("token", "deny", "a-secret-as-argument"), ("explain", "a-secret-as-argument")):
        place.refused(*arguments, status=2, why="never an argument")
        check_not_in("a-secret-as-argument", place.errors)
    check_equal(place.redis("exists", "dw:user:{zoe}"), "0")


# ---- keys ----

@test
def the_first_keys_are_made_once_and_for_the_owner_only(place):
    conf = place.write_settings("fresh.conf", keys="fresh")
    place.refused("keys", "list", conf=conf, why="doorwardctl keys new")
    made = place.json("keys", "new", "--alg", "ES256", conf=conf)
    check_equal(made["alg"], "ES256")
    listed = place.json("keys", "list", conf=conf)
    check_equal([(k["kid"], k["alg"], k["state"], k["private"]) for k in listed], [(made["kid"], "ES256", "signs", True)])
    # From the beginning of time: a machine whose clock is behind must be able to start with them.
    check_equal(listed[0]["from"], 0)
    files = os.listdir(f"{place.folder}/fresh")
    check_equal(len(files), 2)
    for name in files:
        check_equal(stat.S_IMODE(os.stat(f"{place.folder}/fresh/{name}").st_mode), 0o600)
    place.refused("keys", "new", conf=conf, why="keys rotate")
    check_equal(sorted(os.listdir(f"{place.folder}/fresh")), sorted(files))


@test
def a_damaged_key_is_not_hidden_by_a_new_one(place):
    conf = place.write_settings("damaged.conf", keys="damaged")
    place.ctl("keys", "new", "--alg", "ES256", conf=conf)
    files = os.listdir(f"{place.folder}/damaged")
    os.chmod(f"{place.folder}/damaged/{[f for f in files if f.startswith('sign-')][0]}", 0o644)
    place.refused("keys", "new", conf=conf, why="chmod 600")
    check_equal(len(os.listdir(f"{place.folder}/damaged")), 2)


@test
def a_rotated_key_is_used_later_and_the_old_one_retired_then(place):
    conf = place.write_settings("rotated.conf", keys="rotated")
    first = place.json("keys", "new", "--alg", "ES256", conf=conf)["kid"]
    second = place.json("keys", "rotate", "--in", "2h", conf=conf)
    assert abs(second["from"] - time.time() - 7200) < 30, second
    check_equal(second["alg"], "ES256")
    check_in("reload", place.ctl("keys", "rotate", "--help"))
    states = {k["kid"]: k["state"] for k in place.json("keys", "list", conf=conf)}
    check_equal(states, {first: "signs", second["kid"]: "next"})
    place.refused("keys", "rotate", conf=conf, why=second["kid"])
    place.refused("keys", "retire", first, conf=conf, why="signs now")
    place.refused("keys", "retire", "0123456789abcdef", conf=conf, why="no signing key")
    with place.later(7300):
        later = {k["kid"]: k for k in place.json("keys", "list", conf=conf)}
    check_equal((later[first]["state"], later[second["kid"]]["state"]), ("verifies", "signs"))
    check_equal(later[first]["needed_until"], second["from"] + 900)
    with place.later(8200):
        old = {k["kid"]: k["state"] for k in place.json("keys", "list", conf=conf)}
        check_equal(old[first], "may be retired")
        place.ctl("keys", "retire", first, conf=conf)
        check_equal([k["kid"] for k in place.json("keys", "list", conf=conf)], [second["kid"]])


@test
def keys_new_works_without_a_store(place):
    conf = place.write_settings("alone.conf", keys="alone").replace("alone.conf", "alone2.conf")
    with open(f"{place.folder}/alone.conf") as f, open(conf, "w") as g:
        g.write(f.read().replace(place.socket, "/nonexistent/redis.sock"))
    place.ctl("keys", "new", "--alg", "ES256", conf=conf)
    check_not_in("Redis", place.errors)


# ---- users ----

@test
def an_account_has_one_spelling_and_a_hash_of_its_own(place):
    place.add("  Ada  Lovelace ", "--role", "admin", "--role", "staff", "--role", "admin")
    place.refused("user", "add", "ada lovelace", stdin=PASSWORD + "\n", why="already")
    user = place.json("user", "show", "ADA LOVELACE")
    check_equal((user["name"], user["roles"], user["disabled"], user["password"]),
                ("ada lovelace", ["admin", "staff"], False, "argon2id"))
    record = place.redis("hgetall", "dw:user:{%s}" % user["uid"])
    check_in("$argon2id$", record)
    check_not_in("argon2id$", place.ctl("user", "show", "ada lovelace"))


@test
def a_refused_password_or_name_makes_no_account(place):
    for password, why in (("tiny-one", "short"), ("adalbert-and-his-name", "name"), ("a" * 20, ""), ("x" * 1100, "long")):
        place.refused("user", "add", "adalbert", stdin=password + "\n", why=why)
        check_not_in(password, place.errors)
    place.refused("user", "add", "adalbert", stdin="", why="no password")
    place.refused("user", "add", "a:b", stdin=PASSWORD + "\n", why="name")
    place.refused("user", "add", "adalbert", "--role", "a,b", stdin=PASSWORD + "\n", why="role")
    place.refused("user", "show", "adalbert", why="no user adalbert")


@test
def the_password_is_the_line_without_its_line_feed(place):
    place.ctl("user", "add", "line", stdin="  spaces are part of it  \nsecond line\n")
    check_equal(Visitor(place).sign_in("line", "  spaces are part of it  "), 303)
    place.ctl("user", "add", "noline", stdin="no line feed at the end")
    check_equal(Visitor(place).sign_in("noline", "no line feed at the end"), 303)


@test
def on_a_terminal_the_password_is_asked_for_twice_and_not_shown(place):
    shown, status = on_terminal(place, ["user", "add", "tty"],
                                [("New password for tty", "typed-by-a-person\n"), ("again", "typed-by-a-person\n")])
    check_equal(status, 0, shown)
    check_not_in("typed-by", shown)
    check_equal(Visitor(place).sign_in("tty", "typed-by-a-person"), 303)
    shown, status = on_terminal(place, ["user", "passwd", "tty"],
                                [("New password for tty", "another-long-password\n"), ("again", "another-long-passwort\n")])
    check_equal(os.waitstatus_to_exitcode(status), 1, shown)
    check_in("differ", shown)
    check_equal(Visitor(place).sign_in("tty", "typed-by-a-person"), 303)
    shown, status = on_terminal(place, ["user", "passwd", "tty"], [("New password for tty", "\x03")])
    check_equal(os.waitstatus_to_exitcode(status), -signal.SIGINT, shown)
    # The line goes on after Ctrl-D, and can be given up then too.
    shown, status = on_terminal(place, ["user", "passwd", "tty"], [("New password for tty", "half a\x04"), ("", "\x03")])
    check_equal(os.waitstatus_to_exitcode(status), -signal.SIGINT, shown)


@test
def a_new_password_ends_the_sessions(place):
    place.add("pat")
    visitor = Visitor(place).signed_in("pat")
    assert visitor.works()
    check_equal(place.json("user", "passwd", "pat", stdin="a-completely-new-one\n")["sessions_ended"], 1)
    assert not visitor.works()
    check_equal(visitor.refresh(), 401)
    check_equal(Visitor(place).sign_in("pat"), 401)
    check_equal(Visitor(place).sign_in("pat", "a-completely-new-one"), 303)
    place.refused("user", "passwd", "nobody-there", stdin=PASSWORD + "\n", why="no user")


@test
def roles_are_given_and_taken_away_at_once(place):
    place.add("rob", "--role", "staff")
    visitor = Visitor(place).signed_in("rob")
    check_equal(place.json("user", "role", "rob", "+admin", "+ops", "-staff", "-never-had")["roles"], ["admin", "ops"])
    check_equal(json.loads(visitor.request("GET", "/auth/session", accept="application/json")[1])["roles"], ["admin", "ops"])
    place.refused("user", "role", "rob", "+a b", why="role")
    check_equal(place.json("user", "role", "rob", "-admin", "-ops")["roles"], [])


@test
def a_disabled_user_is_out_until_enabled(place):
    place.add("dan")
    visitor = Visitor(place).signed_in("dan")
    check_equal(place.json("user", "disable", "dan")["sessions_ended"], 1)
    assert not visitor.works()
    check_equal(Visitor(place).sign_in("dan"), 401)
    check_equal([u["disabled"] for u in place.json("user", "list") if u["name"] == "dan"], [True])
    place.ctl("user", "enable", "dan")
    assert not visitor.works(), "an old session lives again"
    Visitor(place).signed_in("dan")


@test
def a_deleted_user_is_gone_with_the_sessions(place):
    place.add("del")
    visitor = Visitor(place).signed_in("del")
    shown, status = on_terminal(place, ["user", "delete", "del"], [("[y/N]", "n\n")])
    check_equal(os.waitstatus_to_exitcode(status), 1, shown)
    assert visitor.works()
    place.ctl("user", "delete", "del", "--yes")
    assert not visitor.works()
    place.refused("user", "show", "del", why="no user del")
    place.refused("user", "delete", "del", why="no user del")
    place.add("del")
    assert not visitor.works(), "the old token is good for the new account"


@test
def the_list_is_sorted_and_aligned(place):
    names = ["zed", "Änne", "bert"]
    for name in names:
        place.add(name)
    head, *rows = place.ctl("user", "list").splitlines()
    width = head.index("ROLES")
    listed = [row[:width].rstrip() for row in rows]
    check_equal([n for n in listed if n in ("zed", "änne", "bert")], ["bert", "zed", "änne"])
    check_equal([u["name"] for u in place.json("user", "list")], listed)
    check_equal({row[width - 2:width] for row in rows}, {"  "})
    check_equal({row[head.index("CREATED") + 19] for row in rows}, {"Z"})


@test
def a_long_list_is_whole(place):
    commands = "".join(
        f'hset dw:user:{{{uid}}} name {name}\n' for name, uid in ((f"mass{i:04}", uid_of(f"mass{i:04}")) for i in range(2500)))
    subprocess.run(["redis-cli", "-s", place.socket], input=commands, text=True, capture_output=True, check=True)
    names = {u["name"] for u in place.json("user", "list")}
    assert {f"mass{i:04}" for i in range(2500)} <= names
    shown = place.ctl("user", "list")
    check_equal(len(re.findall(r"^mass\d{4} ", shown, re.M)), 2500)
    for i in range(2500):
        names.discard(f"mass{i:04}")
    subprocess.run(["redis-cli", "-s", place.socket],
                   input="".join(f"del dw:user:{{{uid_of(f'mass{i:04}')}}}\n" for i in range(2500)), text=True,
                   capture_output=True, check=True)


def uid_of(name):
    return base64.urlsafe_b64encode(hashlib.sha256(name.encode()).digest()[:16]).decode().rstrip("=")


@test
def an_htpasswd_file_is_imported_and_what_is_wrong_in_it_told_by_line(place):
    place.add("there")
    with open(f"{place.folder}/users", "w") as f:
        f.write(f"# people\n\nImp One:{APR1}\r\nimp two:{APR1}:rest\nplain:not-a-hash-but-a-password\nnocolon\n"
                f"there:{APR1}\nbad,name:{APR1}\nimp one:{APR1}\n")
    with open(f"{place.folder}/groups", "w") as f:
        f.write('staff: "imp one" "Imp Two" stranger\nops: "imp one"\nno colon here\n')
    shown = place.ctl("user", "import", f"{place.folder}/users", "--group-file", f"{place.folder}/groups", status=1)
    check_in("imported: 2, refused: 6", shown)
    for line, why in ((5, "plain"), (6, "NAME:HASH"), (7, "already"), (8, "name"), (9, "already")):
        check_in(f"users:{line}: ", place.errors)
        check_in(why, [e for e in place.errors.splitlines() if f"users:{line}: " in e][0])
    check_in("groups:3: ", place.errors)
    check_not_in("not-a-hash-but-a-password", place.errors)
    check_equal(place.json("user", "show", "imp one")["roles"], ["ops", "staff"])
    check_equal(place.json("user", "show", "imp two")["password"], "apr1")
    check_equal(Visitor(place).sign_in("imp two", "myPassword"), 303)
    check_equal(place.json("user", "import", "-", stdin=f"fromstdin:{APR1}\n"), {"imported": 1, "refused": 0})
    place.refused("user", "import", "/nonexistent", why="/nonexistent")


@test
def users_of_a_file_are_changed_there(place):
    with open(f"{place.folder}/htpasswd", "w") as f:
        f.write(f"filed:{APR1}\n")
    conf = place.write_settings("file.conf", f"[users]\nsource = file\nusers_file = {place.folder}/htpasswd")
    for arguments in (("add", "x"), ("passwd", "filed"), ("role", "filed", "+a"), ("delete", "filed"), ("import", "-")):
        place.refused("user", *arguments, conf=conf, stdin=PASSWORD + "\n", why="htpasswd")
    check_equal([u["name"] for u in place.json("user", "list", conf=conf)], ["filed"])
    visitor = Visitor(place, conf)
    check_equal(visitor.sign_in("filed", "myPassword"), 303)
    place.ctl("user", "disable", "filed", conf=conf)
    assert not visitor.works()
    check_equal(Visitor(place, conf).sign_in("filed", "myPassword"), 401)
    place.ctl("user", "enable", "filed", conf=conf)
    check_equal(Visitor(place, conf).sign_in("filed", "myPassword"), 303)


# ---- sessions ----

@test
def sessions_are_listed_with_what_their_owner_would_know_them_by(place):
    place.add("liz")
    place.add("leo")
    one, two, other = (Visitor(place).signed_in(name) for name in ("liz", "liz", "leo"))
    listed = place.json("session", "list", "--user", "liz")
    check_equal({s["handle"] for s in listed}, {one.handle, two.handle})
    check_equal({(s["user"], s["address"], s["browser"]) for s in listed}, {("liz", "192.0.2.7", "Firefox on Linux")})
    assert all(abs(s["since"] - time.time()) < 60 and s["end"] > time.time() + 86400 for s in listed), listed
    assert {one.handle, two.handle, other.handle} <= {s["handle"] for s in place.json("session", "list")}
    check_in(one.handle, place.ctl("user", "show", "liz"))
    check_in("no sessions", place.ctl("session", "list", "--user", place_user(place, "lonely")))
    place.refused("session", "list", "--user", "nobody-there", why="no user")


def place_user(place, name):
    place.add(name)
    return name


@test
def one_session_is_ended_by_its_handle_alone_or_with_its_user(place):
    place.add("eve")
    place.add("ewa")
    one, two, three = (Visitor(place).signed_in("eve") for _ in range(3))
    place.refused("session", "end", one.handle, "--user", "ewa", why="no session")
    assert one.works()
    check_equal(place.json("session", "end", one.handle)["user"], "eve")
    check_equal((one.works(), two.works()), (False, True))
    place.ctl("session", "end", two.handle, "--user", "eve")
    check_equal((two.works(), three.works()), (False, True))
    place.refused("session", "end", one.handle, why="no session")
    place.refused("session", "end", "not-a-handle", why="handle")
    place.refused("session", "end", "--" + "A" * 20, why="no session")
    check_equal(place.json("session", "end", "--user", "eve")["sessions_ended"], 1)
    assert not three.works()
    check_equal(place.json("session", "list", "--user", "eve"), [])


@test
def everybody_is_signed_out_and_may_sign_in_again_within_the_limit(place):
    conf = place.write_settings("limit.conf", "[session]\nmax_sessions = 1\non_limit = refuse")
    for name in ("all1", "all2"):
        place.add(name)
    visitors = [Visitor(place, conf).signed_in(name) for name in ("all1", "all2")]
    shown, status = on_terminal(place, ["session", "end", "--all"], [("[y/N]", "\n")])
    check_equal(os.waitstatus_to_exitcode(status), 1, shown)
    assert all(v.works() for v in visitors)
    ended = place.json("session", "end", "--all")["sessions_ended"]
    assert ended >= 2, ended
    assert not any(v.works() or v.refresh() == 200 for v in visitors)
    check_equal(place.json("session", "list"), [])
    Visitor(place, conf).signed_in("all1")


# ---- tokens ----

@test
def a_token_is_decoded_and_judged_without_showing_its_signature(place):
    place.add("tom")
    visitor = Visitor(place).signed_in("tom")
    token = visitor.jar[ACCESS]
    signature = token.split(".")[2]
    for given in (token, f"  Bearer {token}\n", f"Authorization: Bearer {token}\r\n"):
        said = place.json("token", "decode", "-", stdin=given)
        check_equal((said["header"]["typ"], said["claims"], said["verifies"]), ("JWT", claims(token), True))
    shown = place.ctl("token", "decode", stdin=token)
    check_in('"use"', shown)
    check_not_in(signature[:20], shown)
    altered = token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1]
    check_equal(place.json("token", "decode", "-", stdin=altered, status=1)["reason"], "bad_signature")
    with place.later(1000):
        check_equal(place.json("token", "decode", "-", stdin=token, status=1)["reason"], "expired")
    check_equal(place.json("token", "decode", "-", stdin="a.b.c", status=1)["reason"], "malformed")
    other = place.write_settings("other.conf", "[token]\naudience = somebody-else")
    check_equal(place.json("token", "decode", "-", stdin=token, status=1, conf=other)["reason"], "wrong_audience")
    place.refused("token", "decode", "-", stdin="", why="no token")
    place.refused("token", "decode", "-", stdin="x" * 100000, why="bytes")


@test
def what_a_stranger_put_into_a_token_cannot_move_the_cursor(place):
    evil = base64.urlsafe_b64encode('{"a":"\x9b2J\u202e\u009b"}'.encode("utf-8", "surrogateescape")).decode().rstrip("=")
    shown = place.ctl("token", "decode", "-", stdin=f"{evil}.{evil}.AAAA", status=1)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", shown), repr(shown)
    check_in("\\u202e", shown)


@test
def a_denied_token_is_refused_until_it_expires(place):
    place.add("tim")
    visitor = Visitor(place).signed_in("tim")
    token = visitor.jar[ACCESS]
    altered = token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1]
    place.refused("token", "deny", "-", stdin=altered, why="bad_signature")
    with place.later(1000):
        check_equal(place.json("token", "deny", "-", stdin=token)["result"], "expired")
    assert visitor.works()
    check_equal(place.json("token", "deny", "-", stdin=token)["result"], "denied")
    assert not visitor.works()
    key = "dw:deny:{%s}:%s" % (claims(token)["sub"], claims(token)["jti"])
    left = int(place.redis("ttl", key))
    assert 0 < left <= claims(token)["exp"] - time.time() + 5, left
    check_equal(visitor.refresh(), 200)
    assert visitor.works(), "the session itself is not ended"


# ---- explain ----

@test
def explain_says_what_the_check_would_say(place):
    place.add("kim", "--role", "staff")
    visitor = Visitor(place).signed_in("kim")
    token, cookies = visitor.jar[ACCESS], visitor.header()
    seen = "dw:seen:{%s}:%s" % (claims(token)["sub"], visitor.handle)

    def decision(*arguments, **options):
        said = place.json("explain", *arguments, **options)
        return said["decision"], said["reason"], said["rule"].get("requirement")

    place.redis("hset", seen, "at", "1000")
    check_equal(decision("--uri", "/private", "-", stdin=token), ("allowed", "ok", None))
    check_equal(decision("--uri", "/private", "-", stdin=cookies), ("allowed", "ok", None))
    check_equal(decision("--uri", "/open/x"), ("allowed without identity", "ok", "anyone"))
    check_equal(decision("--uri", "/x", status=1), ("unauthenticated", "no_token", None))
    check_equal(decision("--uri", "/admin/x?y", "-", stdin=token, status=1), ("denied", "role_missing", "role:admin"))
    check_equal(decision("--uri", "/closed", "-", stdin=token, status=1), ("denied", "role_missing", "deny"))
    check_equal(decision("--uri", "/%2e%2e/x", "-", stdin=token, status=1), ("denied", "role_missing", None))
    with place.later(1000):
        check_equal(decision("-", stdin=token, status=1), ("unauthenticated", "expired", None))
    check_equal(decision("-", stdin=f"Cookie: {ACCESS}={token}; {ACCESS}={token}", status=1),
                ("unauthenticated", "duplicate_cookie", None))
    line = [i for i, text in enumerate(open(place.conf), 1) if text.startswith("/admin")][0]
    shown = place.ctl("explain", "--uri", "/admin/x", "-", stdin=token, status=1)
    check_in(f"doorward.conf:{line}: /admin/* = role:admin", shown)
    check_in("kim", shown)
    place.ctl("session", "end", visitor.handle)
    check_equal(decision("-", stdin=token, status=1), ("unauthenticated", "session_ended", None))


@test
def explaining_does_not_count_as_use_of_the_session(place):
    place.add("kat")
    visitor = Visitor(place).signed_in("kat")
    seen = "dw:seen:{%s}:%s" % (claims(visitor.jar[ACCESS])["sub"], visitor.handle)
    place.redis("hset", seen, "at", "1000")
    before = place.redis("hgetall", seen)
    place.ctl("explain", "-", stdin=visitor.jar[ACCESS])
    check_equal(place.redis("hgetall", seen), before)


@test
def explain_judges_a_refresh_token_and_leaves_it_usable(place):
    place.add("ray")
    visitor = Visitor(place).signed_in("ray")
    first = visitor.jar[REFRESH]

    def judged(token, **options):
        said = place.json("explain", "-", stdin=token, **options)["refresh"]
        return said["accepted"], said["repeated"], said["reason"]

    check_equal(judged(first), (True, False, "ok"))
    check_equal(judged(first), (True, False, "ok"))
    check_equal(visitor.refresh(), 200)
    check_equal(judged(first), (True, True, "ok"))
    said = place.json("explain", "--agent", "curl/8", "-", stdin=first, status=1)["refresh"]
    check_equal(said["reason"], "refresh_reused")
    check_equal(visitor.refresh(), 200)
    check_equal(judged(first, status=1), (False, False, "refresh_reused"))
    check_equal(judged(visitor.jar[REFRESH]), (True, False, "ok"))
    altered = first[:50] + ("A" if first[50] != "A" else "B") + first[51:]
    check_equal(judged(altered, status=1), (False, False, "malformed"))
    shown = place.ctl("explain", "-", stdin=f"{REFRESH}={visitor.jar[REFRESH]}", status=1)
    check_in("no_token", shown)
    check_in("would be accepted", shown)
    assert visitor.works() and visitor.refresh() == 200, "explain ended the session"
    place.ctl("user", "disable", "ray")
    check_equal(judged(visitor.jar[REFRESH], status=1)[2], "session_ended")


@test
def explain_compares_the_client_only_when_told(place):
    conf = place.write_settings("bound.conf", "[session]\nbind = both")
    place.add("bea")
    token = Visitor(place, conf).signed_in("bea").jar[ACCESS]
    check_in("--agent", place.ctl("explain", "-", stdin=token, conf=conf))
    same = ("--agent", AGENT, "--address", "192.0.2.99")
    check_equal(place.json("explain", *same, "-", stdin=token, conf=conf)["decision"], "allowed")
    other = ("--agent", AGENT, "--address", "198.51.100.1")
    check_equal(place.json("explain", *other, "-", stdin=token, conf=conf, status=1)["reason"], "context_changed")


# ---- the rest ----

@test
def a_name_that_is_locked_out_is_let_in_again(place):
    conf = place.write_settings("tight.conf", "[throttle]\nper_both = 2\nper_name = 2")
    place.add("ulf")
    for _ in range(2):
        check_equal(Visitor(place, conf).sign_in("ulf", "a-wrong-password"), 401)
    check_equal(Visitor(place, conf).sign_in("ulf"), 429)
    place.ctl("unblock", "Ulf")
    check_equal(Visitor(place, conf).sign_in("ulf"), 303)


@test
def stats_count_users_and_sessions(place):
    before = place.json("stats")
    place.add("sue")
    Visitor(place).signed_in("sue")
    after = place.json("stats")
    check_equal((after["users"] - before["users"], after["sessions"] - before["sessions"]), (1, 1))
    assert after["memory_bytes"] > 100000 and after["memory_policy"] == "noeviction", after
    check_in("MiB", place.ctl("stats"))


@test
def what_administrators_do_is_in_the_stream(place):
    place.redis("del", "dw:events")
    check_equal(place.ctl("events"), "")
    place.add("aud", "--role", "staff")
    place.ctl("user", "role", "aud", "+ops")
    place.ctl("user", "disable", "aud")
    place.ctl("user", "enable", "aud")
    place.ctl("session", "end", "--user", "aud")
    place.ctl("unblock", "aud")
    place.ctl("user", "delete", "aud", "--yes")
    check_equal(place.events(), ["admin.user_added", "admin.roles_changed", "admin.user_disabled", "admin.user_enabled",
                                 "admin.sessions_ended", "admin.user_unblocked", "admin.user_deleted"])
    first = json.loads(place.ctl("--json", "events").splitlines()[0])
    check_equal((first["event"], first["user"], first["agent"]), ("admin.user_added", "aud", "doorwardctl"))
    check_in("roles: staff", first["detail"])
    assert abs(first["time"] - time.time()) < 60
    check_equal(len(place.ctl("events", "--count", "2").splitlines()), 2)


@test
def events_are_followed_and_what_strangers_typed_is_tame(place):
    follower = subprocess.Popen([place.control, "-c", place.conf, "events", "--follow", "--count", "1"], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=place.environment())
    try:
        place.redis("xadd", "dw:events", "*", "event", "login.refused", "agent", "a\x1b[2Jb\nc d")
        line = ""
        end = time.monotonic() + 10
        while "login.refused" not in line and time.monotonic() < end:
            line = follower.stdout.readline()
        check_in('agent="a\\u001b[2Jb\\u000ac d"', line)
    finally:
        follower.terminate()
        follower.wait(10)
        follower.stdout.close()


@test
def a_store_that_does_not_answer_is_its_own_exit_status(place):
    place.stop_redis()
    try:
        for arguments in (("user", "list"), ("user", "add", "x"), ("user", "show", "ada lovelace"), ("session", "list"),
                          ("session", "end", "A" * 22), ("session", "end", "--all"), ("unblock", "x"), ("stats",), ("events",),
                          ("user", "import", "-")):
            stdin = f"x:{APR1}\n" if "import" in arguments else PASSWORD + "\n"
            place.ctl(*arguments, stdin=stdin, status=3)
            check_in(f"doorwardctl: Redis at unix:{place.socket} does not answer", place.errors)
    finally:
        place.start_redis()


@test
def nothing_secret_was_ever_printed(place):
    for secret in (PASSWORD, "typed-by-a-person", "a-completely-new-one", "$argon2id$", "r31.....$", "not-a-hash-but"):
        check_not_in(secret, place.said)
    assert len(place.said) > 5000, "nothing was looked at"


def main():
    os.makedirs(FLOW, exist_ok=True)
    place = Place()
    passed = failed = 0
    only = sys.argv[1:]
    try:
        place.ctl("keys", "new")
        for function in tests:
            if only and not any(word in function.__name__ for word in only):
                continue
            try:
                function(place)
                passed += 1
            except Exception as error:
                failed += 1
                frames = traceback.extract_tb(error.__traceback__)
                where = next((f for f in reversed(frames) if f.name == function.__name__), frames[-1])
                print(f"FAILED {function.__name__}\n  line {where.lineno}: {where.line}\n  {type(error).__name__}: {error}")
    finally:
        place.close()
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
