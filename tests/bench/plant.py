"""What is measured: a private Redis and Doorward processes beside it, in a folder of their own, and sessions for them.

Everything runs at full speed: no moved clocks, no sanitizers, the program as `make` builds it.
"""

import atexit
import base64
import hashlib
import hmac
import json
import multiprocessing
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"))
import nodes
from nodes import ACCESS, PASSWORD, Client, Redis, claims, uid_of

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.path.realpath(os.environ.get("DOORWARD_BUILD", os.path.join(ROOT, "build")))
WEB_USER = ["--reuid", "www-data", "--regid", "www-data", "--clear-groups"] if os.getuid() == 0 else []
GROUP = " group=www-data" if os.getuid() == 0 else ""
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
ADDRESS = "127.0.0.1"


_folders = []


def temporary_folder():
    """Gone when this program ends."""
    path = tempfile.mkdtemp(prefix="doorward-bench.", dir="/tmp")
    os.chmod(path, 0o755)
    _folders.append(path)
    return path


# ---- processes ----

_running = []


def start(command, log, env=None, cwd=None):
    """A process that ends with this program, in whatever way that ends."""
    with open(log, "ab") as out:
        process = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", "--", *command], stdin=subprocess.DEVNULL,
                                   stdout=out, stderr=out, env=env, cwd=cwd)
    process.log = log
    _running.append(process)
    return process


def end(process, patience=20):
    if process in _running:
        _running.remove(process)
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGCONT)
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def end_all():
    while _running:
        end(_running[-1])


def _clean():
    end_all()
    for path in _folders:
        shutil.rmtree(path, ignore_errors=True)


atexit.register(_clean)


def wait_for_socket(path, process, seconds=30):
    """path: of a unix socket, or a port of this machine."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if process.poll() is not None:
            with open(process.log, errors="replace") as f:
                raise RuntimeError(f"{process.args[4]} ended with status {process.returncode}: {f.read()[-2000:]}")
        unix = isinstance(path, str)
        probe = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
        try:
            probe.connect(path if unix else ("127.0.0.1", path))
            return
        except OSError:
            time.sleep(0.02)
        finally:
            probe.close()
    raise RuntimeError(f"nobody listens on {path}")


# ---- Redis and Doorward ----

def handle_of(sid):
    return nodes.b64(hashlib.sha256(sid).digest()[:16])


class Plant:
    """One Redis, and the nodes that are started with node(). Satisfies what nodes.Client asks of a site."""

    def __init__(self, state, settings=()):
        self.state, self.nodes = state, {}
        os.makedirs(f"{state}/keys", mode=0o700)
        self.redis_process = start([nodes.REDIS_SERVER, "--port", "0", "--unixsocket", f"{state}/redis.sock",
                                    "--unixsocketperm", "777", "--save", "", "--appendonly", "no",
                                    "--maxmemory-policy", "noeviction", "--dir", state], f"{state}/redis.log")
        wait_for_socket(f"{state}/redis.sock", self.redis_process)
        self.redis = Redis(f"{state}/redis.sock")
        self.settings = dict(s.split("=", 1) for s in settings)
        self.write_settings("ctl")
        subprocess.run([f"{BUILD}/doorwardctl", "-c", f"{state}/ctl.conf", "keys", "new"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.scripts = {}

    def write_settings(self, name, settings=()):
        """Doorward's defaults, but for paths and what would keep one client from doing so much."""
        values = {"store.url": f"unix:{self.state}/redis.sock", "token.keys_dir": f"{self.state}/keys",
                  "page.templates_dir": f"{ROOT}/templates", "page.languages_dir": f"{ROOT}/languages",
                  "log.target": f"{self.state}/{name}.log",
                  # The figures are of a busy machine: an answer that comes late is a figure too, no fault.
                  "store.timeout_ms": "5000", "session.access_lifetime": "12h",
                  "throttle.per_name": "1000000", "throttle.per_address": "1000000", "throttle.per_both": "1000000"}
        values.update(self.settings)
        values.update(dict(s.split("=", 1) for s in settings))
        sections = {}
        for key, value in values.items():
            section, _, rest = key.partition(".")
            sections.setdefault(section, []).append(f"{rest} = {value}\n")
        path = f"{self.state}/{name}.conf"
        with open(path, "w") as f:
            for section, lines in sections.items():
                f.write(f"[{section}]\n" + "".join(lines))
        return path

    def node(self, name, settings=(), wrap=(), port=None, environment=None):
        """Starts one; port: of a TCP authorizer, as Apache's mod_authnz_fcgi needs. Its process."""
        authorizer = f"127.0.0.1:{port}" if port else f"unix:{self.socket_path('authorizer', name)} mode=0660{GROUP}"
        conf = self.write_settings(name, (f"server.listen_authorizer={authorizer}",
                                          f"server.listen_responder=unix:{self.socket_path('responder', name)} "
                                          f"mode=0660{GROUP}", *settings))
        process = start([*wrap, f"{BUILD}/doorward", "-c", conf], f"{self.state}/{name}.out", env=environment)
        wait_for_socket(port or self.socket_path("authorizer", name), process)
        wait_for_socket(self.socket_path("responder", name), process)
        self.nodes[name] = process
        return process

    def end_node(self, name):
        end(self.nodes.pop(name))

    def close(self):
        for name in list(self.nodes):
            self.end_node(name)
        end(self.redis_process)
        shutil.rmtree(self.state, ignore_errors=True)

    def socket_path(self, role, name):
        return f"{self.state}/{role}-{name}.sock"

    def now(self):
        return time.time()

    # ---- users and sessions ----

    def add_users(self, names, roles="staff"):
        """By the script that doorwardctl uses; all with the same quick hash."""
        sha = self.script("user_add")
        for at in range(0, len(names), 5000):
            self.redis.pipeline([("EVALSHA", sha, 1, f"dw:user:{{{uid_of(n)}}}", n, nodes.quick_hash(), roles)
                                 for n in names[at:at + 5000]])

    def script(self, name):
        if name not in self.scripts:
            with open(f"{ROOT}/app/store/scripts/{name}.lua") as f:
                self.scripts[name] = self.redis("SCRIPT", "LOAD", f.read())
        return self.scripts[name]

    def sign_in(self, name, node):
        """A real sign-in by the responder; the client with its cookies."""
        return Client(self, AGENT, ADDRESS).signed_in(name, node)

    def sessions(self, names, like, sids=None):
        """A session each for these users (with these ids, random ones otherwise), made by the real script, with the
        context, style and lives of a real one (like: a signed-in client): (uid, handle, version) of each. No tokens
        yet, see mint()."""
        model = claims(like.jar[ACCESS])
        record = self.record(model["sub"], model["sid"])
        seen_key = f"dw:seen:{{{model['sub']}}}:{model['sid']}"
        seen = dict(zip(*[iter(self.redis("HGETALL", seen_key))] * 2))
        absolute = int(record["absolute_end"]) - int(record["auth_time"])
        life = [record["i"], absolute, record.get("persist", ""), seen["address"], seen["agent"], 0, "end_oldest"]
        sha, out = self.script("session_start"), []
        for at in range(0, len(names), 2000):
            uids = [uid_of(n) for n in names[at:at + 2000]]
            vers = self.redis.pipeline([("HGET", f"dw:user:{{{uid}}}", "ver") for uid in uids])
            chosen = sids[at:at + 2000] if sids else [secrets.token_bytes(16) for _ in uids]
            part = [(uid, handle_of(sid), int(ver)) for uid, sid, ver in zip(uids, chosen, vers)]
            commands = []
            for uid, handle, ver in part:
                session, seen_key = f"dw:session:{{{uid}}}:{handle}", f"dw:seen:{{{uid}}}:{handle}"
                commands.append(("EVALSHA", sha, 5, session, f"dw:sessions:{{{uid}}}", seen_key, session, seen_key,
                                 handle, record["context"], record.get("style", "rotate"), ver, *life, handle))
            answers = self.redis.pipeline(commands)
            if any(answer[0] != "ok" for answer in answers):
                raise RuntimeError(f"session_start: {answers[0]}")
            out += part
        return out

    def record(self, uid, handle):
        return dict(zip(*[iter(self.redis("HGETALL", f"dw:session:{{{uid}}}:{handle}"))] * 2))

    def fill(self, count, like):
        """That many more sessions, one a user, by the same script and of the same size, as fast as Redis takes them.
        Nobody can use them: their users have no record."""
        model = claims(like.jar[ACCESS])
        record = self.record(model["sub"], model["sid"])
        absolute = int(record["absolute_end"]) - int(record["auth_time"])
        uid, handle = b"%(uid)s", b"%(handle)s"
        session, seen = b"dw:session:{%s}:%s" % (uid, handle), b"dw:seen:{%s}:%s" % (uid, handle)
        words = [b"EVALSHA", self.script("session_start").encode(), b"5", session, b"dw:sessions:{%s}" % uid, seen,
                 session, seen, handle, record["context"].encode(), record.get("style", "rotate").encode(), record["v"].encode(),
                 record["i"].encode(), b"%d" % absolute, b"", ADDRESS.encode(), b"Firefox on Linux", b"0",
                 b"end_oldest", handle]
        grown = [w.replace(uid, b"u" * 22).replace(handle, b"h" * 22) for w in words]
        template = b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(g), w) for g, w in zip(grown, words))
        redis = socket.socket(socket.AF_UNIX)
        redis.connect(f"{self.state}/redis.sock")
        redis.sendall(b"CLIENT REPLY OFF\r\n")
        target = self.redis("DBSIZE") + 3 * count
        for at in range(0, count, 10000):
            part = min(10000, count - at)
            text = base64.urlsafe_b64encode(os.urandom(33 * part))
            redis.sendall(b"".join(template % {b"uid": text[i:i + 22], b"handle": text[i + 22:i + 44]}
                                   for i in range(0, 44 * part, 44)))
        while self.redis("DBSIZE") < target:
            time.sleep(0.1)
        redis.close()

    def refresh_tokens(self, names, sids):
        """Of the first generation, as Doorward makes them: see app/auth/rotation.c."""
        file = next(name for name in os.listdir(f"{self.state}/keys") if name.startswith("mac-"))
        with open(f"{self.state}/keys/{file}") as f:
            secret = bytes.fromhex(f.read().strip())
        key = hmac.digest(secret, b"doorward refresh token", "sha256")
        mac_id, out = bytes.fromhex(file.rpartition("-")[2].split(".")[0]), []
        for name, sid in zip(names, sids):
            body = b"\1" + mac_id + hashlib.sha256(name.encode()).digest()[:16] + sid + b"\0\0\0\1"
            out.append(nodes.b64(body + hmac.digest(key, body, "sha256")))
        return out

    def mint(self, sessions, like):
        """Access tokens of these (uid, handle, version), as Doorward's own but for who and which: signed with its key."""
        token = like.jar[ACCESS]
        file = next(name for name in os.listdir(f"{self.state}/keys") if name.startswith("sign-"))
        with open(f"{self.state}/keys/{file}", "rb") as f:
            pem = f.read()
        parts = [sessions[i::2] for i in range(2)]
        pool = multiprocessing.Pool(2, _die_quietly)
        minted = pool.starmap(_mint, [(pem, token, part) for part in parts])
        pool.close()
        pool.join()
        out = [None] * len(sessions)
        out[0::2], out[1::2] = minted
        return out


def _die_quietly():
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _mint(pem, model, sessions):
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding
    key = serialization.load_pem_private_key(pem, None)
    head, body, out = model.split(".")[0], claims(model), []
    for uid, handle, ver in sessions:
        body.update(sub=uid, sid=handle, ver=ver, jti=nodes.b64(secrets.token_bytes(16)))
        text = head + "." + nodes.b64(json.dumps(body, separators=(",", ":")).encode())
        out.append(text + "." + nodes.b64(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())))
    return out


def web_params(token, uri="/private/file.txt", prefix="/_doorward_check"):
    """The parameters of a check as nginx sends them with nginx.conf.example, for a browser's request."""
    params = [("AUTH_ROLE", "AUTHORIZER"), ("REQUEST_METHOD", "GET"), ("REQUEST_URI", uri), ("SCRIPT_NAME", prefix),
              ("CONTENT_LENGTH", ""), ("SERVER_PROTOCOL", "HTTP/1.1"), ("SERVER_NAME", "127.0.0.1"),
              ("SERVER_PORT", "80"), ("REQUEST_SCHEME", "http"), ("REMOTE_ADDR", ADDRESS),
              ("HTTP_HOST", "127.0.0.1"), ("HTTP_USER_AGENT", AGENT), ("HTTP_ACCEPT", "*/*"),
              ("HTTP_ACCEPT_LANGUAGE", "en-GB,en;q=0.7"), ("HTTP_ACCEPT_ENCODING", "gzip, deflate, br"),
              ("HTTP_CONNECTION", "keep-alive"), ("HTTP_SEC_FETCH_DEST", "empty"), ("HTTP_SEC_FETCH_MODE", "cors"),
              ("HTTP_SEC_FETCH_SITE", "same-origin")]
    return params + ([("HTTP_COOKIE", f"{ACCESS}={token}")] if token else [])
