"""The checks behind web servers: the bare server, the floors, Doorward in its modes; and the peers, where installed."""

import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request

sys.dont_write_bytecode = True
import machine
import plant
import servers
from plant import ACCESS, BUILD, ROOT
from rounds import Row, wrk

PORT = 21100
PEER_SECONDS = 2
TITLES = {"lighttpd": "lighttpd", "nginx": "nginx auth_request", "apache": "Apache mod_authnz_fcgi",
          "fcgid": "Apache mod_fcgid"}
MODES = {"none": "bare web server, no question", "null": "null authorizer (libfcgi, 4 threads)",
         "raw": "raw floor (no library, 2 threads)", "hit": "Doorward, mirror hit",
         "miss": "Doorward, mirror miss: a new session each request", "off": "Doorward, mirror off",
         "denial": "Doorward, no cookie: refused (whole example)", "whole": "Doorward, mirror hit (whole example)"}
SETTINGS = {"hit": ("mirror.enabled=yes",), "off": ("mirror.enabled=no",),
            "miss": ("mirror.enabled=yes", "mirror.max_entries=1000")}


class Checks:
    """Starts what the rows need, on first use."""

    def __init__(self, site, state, sessions):
        self.site, self.state, self.started, self.next_port = site, state, {}, PORT
        servers.make_site(state)
        self.client = site.sign_in("alice", "plain")
        self.few = self.write_cookies("few", 100)
        self.many = self.write_cookies("many", sessions)
        if os.getuid() == 0:
            # Doorward takes no keys that another user could change, so mod_fcgid's get a copy.
            shutil.copytree(f"{site.state}/keys", f"{state}/keys-web")
            subprocess.run(["chown", "-R", "www-data:", f"{state}/keys-web"], check=True)
        os.makedirs(f"{state}/sbin")
        for source, name in ((f"{BUILD}/doorward", "doorward"), (f"{BUILD}/bench/null", "null")):
            shutil.copy(source, f"{state}/sbin/{name}")

    def write_cookies(self, name, count):
        names = [f"{name}{i}" for i in range(count)]
        self.site.add_users(names)
        tokens = self.site.mint(self.site.sessions(names, self.client), self.client)
        path = f"{self.state}/cookies-{name}"
        with open(path, "w") as f:
            f.writelines(f"{ACCESS}={token}\n" for token in tokens)
        return path

    def port(self):
        self.next_port += 1
        return self.next_port

    def floor(self, program, tcp):
        """The null or raw authorizer; where it listens, its process."""
        key = (program, tcp)
        if key not in self.started:
            at = self.port() if tcp else f"{self.state}/{program}.sock"
            process = plant.start([f"{BUILD}/bench/{program}", f":{at}" if tcp else at, "2" if program == "raw" else "4"],
                                  f"{self.state}/{program}.out")
            plant.wait_for_socket(at, process)
            self.started[key] = at, process
        return self.started[key]

    def node(self, mode, tcp):
        """A Doorward node in this mode; where its authorizer and its responder listen, its process."""
        name = mode + ("-tcp" if tcp else "")
        if name not in self.started:
            port = self.port() if tcp else None
            process = self.site.node(name, SETTINGS[mode], port=port)
            self.started[name] = port or self.site.socket_path("authorizer", name), process
        at, process = self.started[name]
        return at, self.site.socket_path("responder", name), process

    def fcgid_settings(self, mode):
        settings = [*SETTINGS[mode], "log.target=stderr", f"page.templates_dir={self.state}/share/templates",
                    f"page.languages_dir={self.state}/share/languages"]
        if os.getuid() == 0:
            settings.append(f"token.keys_dir={self.state}/keys-web")
        return self.site.write_settings(f"fcgid-{mode}", settings)

    def authorizer(self, server, mode):
        """(asked, pages, processes) for servers.WebServer.start."""
        if mode == "none":
            return None, None, []
        if server == "fcgid":
            if mode == "null":
                return (f"{self.state}/sbin/null", None), None, []
            return (f"{self.state}/sbin/doorward", self.fcgid_settings(mode)), None, []
        if mode in ("null", "raw"):
            at, process = self.floor(mode, server == "apache")
            return at, None, [process.pid]
        at, pages, process = self.node(mode, server == "apache")
        return at, pages, [process.pid]

    def row(self, server, mode):
        name = f"{server}-{mode}"
        kind = "none" if mode == "none" else "whole" if mode in ("denial", "whole") else "part"
        source = "hit" if kind == "whole" else mode
        key = (server, kind, source)
        asked, pages, processes = self.authorizer(server, source)
        if key not in self.started:
            port = self.port()
            web = servers.WebServer(server, f"web-{server}-{kind}-{source}", self.state, port)
            self.started[key] = web.start(kind, asked, pages)
        web = self.started[key]
        url = f"http://127.0.0.1:{web.port}{servers.PATH}"
        cookies = {"none": None, "denial": None, "miss": self.many}.get(mode, self.few)
        self.look(name, url, cookies, mode)
        ours = mode not in ("none", "null", "raw")
        row = Row(name, f"{TITLES[server]}: {MODES[mode]}",
                  wrk(url, cookies, (f"User-Agent: {plant.AGENT}", "Accept: */*", "Sec-Fetch-Mode: cors"),
                      refused=mode == "denial"),
                  lambda: [web.process.pid, *processes],
                  lambda: [self.site.redis_process.pid] if ours else [], group=server)
        row.warm_up = 4 if server == "fcgid" else 1  # mod_fcgid has dozens of processes to start
        row.settle = 1
        return row

    def look(self, name, url, cookies, mode):
        """One request by hand: is who should be let in let in, and nobody else?"""
        answers = []
        for cookie in ([open(cookies).readline().strip()] if cookies else []) + [None]:
            request = urllib.request.Request(url, headers={"User-Agent": plant.AGENT, "Sec-Fetch-Mode": "cors"})
            if cookie:
                request.add_header("Cookie", cookie)
            try:
                with urllib.request.urlopen(request, timeout=20) as reply:
                    answers.append(reply.status)
            except urllib.error.HTTPError as error:
                answers.append(error.code)
        expected = {"none": [200], "denial": [401]}.get(mode, [200, 200 if mode in ("null", "raw") else 401])
        if answers != expected:
            raise RuntimeError(f"{name} answers {answers}, not {expected}")

    def rows(self, only, progress):
        for server in TITLES:
            for mode in MODES:
                if server == "fcgid" and mode in ("none", "raw") or server == "apache" and mode == "raw":
                    continue
                if only and only not in f"{server}-{mode}":
                    continue
                try:
                    yield self.row(server, mode)
                except (RuntimeError, servers.Wanted, OSError) as error:
                    progress.say(f"{server}-{mode} is left out: {error}")


# ---- peers: what else could be run instead ----

class Peers:
    """The folder of peers beside the repository, or $PEERS. Each has peer.conf, start.sh, login.sh and stop.sh."""

    def __init__(self):
        folder = os.environ.get("PEERS") or os.path.join(os.path.dirname(ROOT), "shared", "peers")
        self.folder = folder if os.path.isdir(f"{folder}/_lib") else None
        self.run = os.environ.get("PEERS_RUN", os.path.join(os.environ.get("TMPDIR", "/tmp"), "peers"))
        self.began = []
        self.state = None  # a folder for what is written here

    def names(self):
        if not self.folder:
            return []
        names = sorted(n for n in os.listdir(self.folder) if os.path.exists(f"{self.folder}/{n}/peer.conf"))
        # The bare web servers are rows of our own.
        return [name for name in names if not self.conf(name)["noauth"]]

    def conf(self, name):
        script = '. "$1"; printf "%s\\n" "$PORT" "$HOST" "$REDIS" "$NOAUTH" "$NULL" "$TITLE"'
        done = subprocess.run(["bash", "-c", script, "-", f"{self.folder}/{name}/peer.conf"], capture_output=True,
                              text=True, check=True, env={"PATH": os.environ["PATH"]})
        return dict(zip(("port", "host", "redis", "noauth", "null", "title"), done.stdout.split("\n")))

    def call(self, name, script):
        with open(f"{self.state}/peers.log", "ab") as log:
            done = subprocess.run([f"{self.folder}/{name}/{script}"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=log, timeout=60, env=dict(os.environ, PEER=""))
        return done.returncode, done.stdout.decode().strip()

    def pids(self, name):
        found = []
        for file in os.listdir(f"{self.run}/{name}") if os.path.isdir(f"{self.run}/{name}") else []:
            if file.endswith(".pid"):
                with open(f"{self.run}/{name}/{file}") as f:
                    found += [int(word) for word in re.findall(r"\d+", f.read())[:1]]
        return found

    def status(self, conf, cookie=None):
        request = urllib.request.Request(f"http://127.0.0.1:{conf['port']}/p/file.txt")
        if conf["host"]:
            request.add_header("Host", f"{conf['host']}:{conf['port']}")
        if cookie:
            request.add_header("Cookie", cookie)
        opener = urllib.request.build_opener(_NoRedirect)
        try:
            with opener.open(request, timeout=20) as reply:
                return reply.status
        except urllib.error.HTTPError as error:
            return error.code

    def row(self, name):
        conf = self.conf(name)
        self.began.append(name)
        if self.call(name, "start.sh")[0] != 0:
            raise RuntimeError("does not start: are its packages installed?")
        time.sleep(0.3)
        cookie = self.call(name, "login.sh")[1]
        if self.status(conf, cookie) != 200:
            raise RuntimeError("no 200 after its login.sh")
        if not conf["null"] and self.status(conf) == 200:
            raise RuntimeError("lets in a request without its cookie")
        path = f"{self.state}/cookie-{name}"
        with open(path, "w") as f:
            f.write(cookie + "\n")
        headers = [f"Host: {conf['host']}:{conf['port']}"] if conf["host"] else []
        row = Row(f"peer-{name}", f"peer: {conf['title']}",
                  wrk(f"http://127.0.0.1:{conf['port']}/p/file.txt", path, headers),
                  lambda: self.pids(name), lambda: self.pids("_redis") if conf["redis"] else [], group="peer")
        row.seconds, row.settle = PEER_SECONDS, 1
        return row

    def rows(self, only, progress):
        if not self.folder:
            progress.say("no peers: there is no ../shared/peers beside the repository, and PEERS names no folder")
            return
        names, missing = [name for name in self.names() if only in f"peer-{name}"], []
        if names:
            progress.say(f"{len(names)} peers are being started")
            self.began.append("_redis")
            self.call("_redis", "start.sh")
        for name in names:
            try:
                yield self.row(name)
            except (RuntimeError, OSError, subprocess.SubprocessError) as error:
                missing.append(f"{name} ({error})")
        if missing:
            progress.say("peers left out: " + ", ".join(missing))

    def end(self):
        for name in reversed(self.began + (["_op"] if self.began else [])):
            try:
                self.call(name, "stop.sh")
            except (OSError, subprocess.SubprocessError):
                pass
        self.began = []


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *unused):
        return None
