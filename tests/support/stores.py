"""Redis servers for nodes.Site: a master with replicas and sentinels, or a cluster. All on 127.0.0.1, each in a
folder of its own, and each with a unix socket for the test's own questions."""

import os
import random
import signal
import socket
import subprocess
import threading
import time

import nodes
import ports
from ports import free_port
from processes import hold
from nodes import ACCESS, Client, Redis, Site, quick_hash, uid_of

# A cluster whose masters may be kept from running for a while.
PATIENT = ("--cluster-node-timeout", "3000")
# The bus of a cluster's node listens so far above its port.
BUS = 7000
STORE_PASSWORD = "for-the-store"
# A server's and a sentinel's own connections come from here (to protected mode that is another machine). What they say
# of themselves all the same is 127.0.0.1.
SOURCE = ("--bind-source-addr", "127.0.0.2", "--protected-mode", "no",
          "--replica-announce-ip", "127.0.0.1", "--cluster-announce-ip", "127.0.0.1")
LEASE = 0.3  # [mirror] lease_ms


def acl():
    """The user of docs/store.md, as a line of redis.conf."""
    with open(f"{nodes.ROOT}/docs/store.md") as f:
        rule = next(line for line in f if line.startswith("user doorward "))
    return rule.replace(">PASSWORD", ">" + STORE_PASSWORD)


def until(function, seconds=20, what=None):
    """What function returns once it is true."""
    end = time.monotonic() + seconds
    while True:
        asked = time.monotonic()
        try:
            found = function()
        except (OSError, RuntimeError):
            found = None
        if found:
            return found
        if asked > end:
            raise AssertionError(f"not within {seconds} s: {what or function.__name__}")
        time.sleep(0.02)


class Server:
    """One redis-server."""

    program = nodes.REDIS_SERVER

    def __init__(self, site, name, *options, port=None, sentinel=None, password=None):
        self.site, self.name, self.port, self.password = site, name, port or free_port(), password
        self.folder = f"{site.state}/{name}"
        os.makedirs(self.folder, exist_ok=True)
        self.path = f"{self.folder}/s"
        self.config = f"{self.folder}/conf"
        self.sentinel = sentinel
        with open(self.config, "w") as f:
            f.write(sentinel or acl())
        self.options = ["--port", str(self.port), "--bind", "127.0.0.1", *SOURCE, "--unixsocket", self.path,
                        "--dir", self.folder,
                        *([] if sentinel else ["--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction",
                                               "--repl-diskless-sync-delay", "0", "--hz", "50"]), *options]
        self.start()

    def start(self):
        mode = ["--sentinel"] if self.sentinel else []
        with open(f"{self.folder}/log", "ab") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", self.program, self.config, *mode, *self.options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder)
        until(lambda: self.process.poll() is not None or self.ask("PING") == "PONG", what=f"{self.name} answers")
        if self.process.poll() is not None:
            with open(f"{self.folder}/log") as log:
                raise RuntimeError(f"{self.name} ended: {log.read()[-1000:]}")
        if self.sentinel:
            # One that could not run for two seconds does nothing for thirty.
            self.ask("SENTINEL", "DEBUG", "TILT-TRIGGER", "60000")

    def fail_over(self, name, done):
        """By this sentinel. It is asked again where no replica is fit just now, or one took too long and it gave up."""
        def started():
            if "failover_in_progress" not in ",".join(self.ask("SENTINEL", "MASTER", name)) and not done():
                self.ask("SENTINEL", "FAILOVER", name)
            return done()
        until(started, 60, f"a failover of {name}")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """It hangs."""
        hold(self.process.pid)

    def go_on(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def ask(self, *words):
        redis = Redis(self.path)
        try:
            if self.password:
                redis("AUTH", self.password)
            return redis(*words)
        finally:
            redis.reader.close()
            redis.socket.close()

    def look(self, *words):
        """What changes nothing. It is asked again when the connection ends, as all do where a sentinel makes a server
        a replica."""
        try:
            return self.ask(*words)
        except ConnectionError:
            return self.ask(*words)

    def info(self, name):
        for line in self.look("INFO").splitlines():
            if line.startswith(name + ":"):
                return line.split(":", 1)[1]
        return None

    def role(self):
        return self.look("ROLE")[0]

    def clients(self):
        """Connections over TCP that are Doorward's: servers and sentinels have an address of their own, as they say
        who they are only after they are connected."""
        return [line for line in self.look("CLIENT", "LIST").splitlines()
                if f"laddr=127.0.0.1:{self.port}" in line and " addr=127.0.0.1:" in line]


class Cluster:
    """Masters with the slots in equal parts, a replica each where wanted, and masters without slots (spare)."""

    server = staticmethod(Server)

    def __init__(self, site, masters=3, replicas=True, spare=0, options=()):
        self.site = site
        options = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000",
                   "--cluster-allow-replica-migration", "no", *options]

        def server(name):
            port = free_port(range(ports.PORTS.start, ports.PORTS.stop - BUS), above=BUS)
            made = self.server(site, name, *options, "--cluster-port", str(port + BUS), port=port)
            made.cluster_port = port + BUS
            site.servers.append(made)
            made.id = made.ask("CLUSTER", "MYID")
            return made
        self.masters = [server(f"m{i}") for i in range(masters)]
        self.replicas = [server(f"s{i}") for i in range(masters if replicas else 0)]
        self.spare = [server(f"x{i}") for i in range(spare)]
        self.all = self.masters + self.replicas + self.spare
        for i, master in enumerate(self.masters):
            master.ask("CLUSTER", "ADDSLOTSRANGE", 16384 * i // masters, 16384 * (i + 1) // masters - 1)
        for i, made in enumerate(self.all):
            made.ask("CLUSTER", "SET-CONFIG-EPOCH", i + 1)
            self.masters[0].ask("CLUSTER", "MEET", "127.0.0.1", made.port, made.port + BUS)
        for made in self.all:
            until(lambda m=made: self.knows_all(m), what="nodes that know each other")
        for master, replica in zip(self.masters, self.replicas):
            replica.ask("CLUSTER", "REPLICATE", master.id)
        for made in self.all:
            until(lambda m=made: "cluster_state:ok" in m.ask("CLUSTER", "INFO"), what="a cluster that serves")
        for replica in self.replicas:
            until(lambda r=replica: r.info("master_link_status") == "up", what="a replica in step")
        self.url = "cluster://doorward@" + ",".join(f"127.0.0.1:{m.port}" for m in self.masters[:2])

    def knows_all(self, server):
        lines = server.ask("CLUSTER", "NODES").splitlines()
        return len(lines) == len(self.all) and all("handshake" not in line and " connected" in line for line in lines)

    def living(self):
        return [s for s in self.all if s.process.poll() is None]

    def __call__(self, *words):
        """Asks the node of the key in words[1], or in words[3] of EVAL."""
        server, asking = self.living()[0], False
        for _ in range(50):
            redis = Redis(server.path)
            try:
                if asking:
                    redis("ASKING")
                return redis(*words)
            except RuntimeError as error:
                kind, *rest = str(error).split()
                if kind not in ("MOVED", "ASK"):
                    raise
                asking = kind == "ASK"
                # Over a unix socket, a cluster of TLS may name a port that is not for TLS: 0.
                named = [s for s in self.all if str(s.port) == rest[1].rsplit(":", 1)[1]]
                server = named[0] if named else random.choice(self.living())
            finally:
                redis.reader.close()
                redis.socket.close()
        raise RuntimeError("too many redirections")

    def slot(self, key):
        return self.living()[0].ask("CLUSTER", "KEYSLOT", key)

    def owner(self, slot):
        """Who says so of itself: the others may not have heard of the latest move yet. None: nobody does, for a second
        (all masters of that part are gone)."""
        end = time.monotonic() + 1
        while True:
            for server in self.living():
                if server.role() == "master" and any(first <= slot <= last and master[1] == server.port
                                                     for first, last, master, *_ in server.ask("CLUSTER", "SLOTS")):
                    return server
            if time.monotonic() > end:
                return None
            time.sleep(0.02)

    def begin_move(self, slot, to):
        self.source = self.owner(slot)
        to.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", self.source.id)
        self.source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", to.id)
        return self.source

    def end_move(self, slot, source, to):
        while keys := source.ask("CLUSTER", "GETKEYSINSLOT", slot, 10):
            source.ask("MIGRATE", "127.0.0.1", to.port, "", 0, 5000, "KEYS", *keys)
        for server in (to, source, *[m for m in self.living() if m.role() == "master" and m not in (to, source)]):
            server.ask("CLUSTER", "SETSLOT", slot, "NODE", to.id)

    def move(self, slot, to):
        self.end_move(slot, self.begin_move(slot, to), to)


class StoreSite(Site):
    """A Site whose store a subclass makes: servers() returns the Server objects and sets url."""

    def __init__(self, name, count=1, settings=(), **more):
        self.servers = []
        super().__init__(name, count, settings, **more)

    def write_settings(self, values, count):
        defaults = {"store.url": self.url, "store.timeout_ms": "1500", "mirror.enabled": "yes"}
        if "doorward@" in self.url:
            defaults["store.password_file"] = f"{self.state}/store-password"
            with open(defaults["store.password_file"], "w") as f:
                os.chmod(f.name, 0o600)
                f.write(STORE_PASSWORD + "\n")
        super().write_settings({**defaults, **values}, count)

    def add_user(self, name, roles=""):
        self.redis("HSET", f"dw:user:{{{uid_of(name)}}}", "name", name, "password", quick_hash(), "created",
                   int(self.now()), *(("roles", roles) if roles else ()))

    def close(self):
        wrong = super().close()
        for server in self.servers:
            if server.process.poll() is None:
                server.go_on()
                server.kill()
        if wrong is None and not self.keep:
            subprocess.run(["rm", "-rf", self.state], check=True)
        return wrong


class Books:
    """What clients that sign in, check and refresh all the time saw, and what must not be."""

    def __init__(self):
        self.lock = threading.Lock()
        self.counts, self.wrong, self.longest = {}, [], 0.0
        self.outages = []  # [first refusal, last refusal]

    def note(self, what, status, took):
        with self.lock:
            self.counts[f"{what} {status}"] = self.counts.get(f"{what} {status}", 0) + 1
            self.longest = max(self.longest, took)

    def complain(self, text):
        with self.lock:
            self.wrong.append(text)

    def count(self, start):
        return sum(n for key, n in self.counts.items() if key.startswith(start))


class Traffic:
    """Threads, each a user with a browser: it goes on until stop(). 503 is "I don't know" and nothing else than the
    right answer or 503 may come."""

    def __init__(self, site, threads=4, sign_out=True):
        self.site, self.books, self.over = site, Books(), threading.Event()
        self.sign_out = sign_out
        self.refused_at = None  # when the latest 503 came
        self.lost = lambda name, client: False  # whether the store lost that session
        self.threads = []
        self.ready = threading.Barrier(threads + 1)
        for i in range(threads):
            site.add_user(f"traffic{i}")
            thread = threading.Thread(target=self.run, args=(i,), daemon=True)
            self.threads.append(thread)
            thread.start()
        self.ready.wait(30)

    def timed(self, what, function):
        started = time.monotonic()
        reply = function()
        self.books.note(what, reply.status, time.monotonic() - started)
        if reply.status == 503:
            self.refused_at = time.monotonic()
        return reply

    def run(self, i):
        try:
            self.browse(i)
        except Exception as error:
            self.books.complain(f"traffic{i}: {type(error).__name__}: {error}")

    def sign_in(self, i):
        while not self.over.is_set():
            client = Client(self.site, address=f"192.0.2.{i + 1}")
            reply = self.timed("sign-in", lambda: client.sign_in(f"traffic{i}", node=i % self.site.count))
            if reply.given(ACCESS):
                return client
            if reply.status != 503:
                self.books.complain(f"sign-in: {reply}")
            time.sleep(0.02)
        return None

    def browse(self, i):
        chance, node = random.Random(i), i % self.site.count
        client = self.sign_in(i)
        self.ready.wait(30)
        while client and not self.over.is_set():
            kind = chance.choices(("check", "refresh", "sign_out"), (90, 8, 2))[0]
            if kind == "check":
                reply = self.timed("check", lambda: client.check(node))
            elif kind == "refresh":
                before = dict(client.jar)
                reply = self.timed("refresh", lambda: client.refresh(node))
                if reply.status == 503 and client.jar != before:
                    self.books.complain(f"a 503 changed cookies: {reply.cookies}")
            elif self.sign_out:
                client = self.leave(client, i, node)
                continue
            else:
                continue
            if reply.status == 401:
                if not self.lost(f"traffic{i}", client):
                    self.books.complain(f"traffic{i} was thrown out by a {kind}: {reply}")
                client = self.sign_in(i)
            elif reply.status not in (200, 503):
                self.books.complain(f"{kind}: {reply}")

    def leave(self, client, i, node):
        """After the answer to a sign-out the old cookie is good for nothing."""
        old = dict(client.jar)
        reply = self.timed("sign-out", lambda: client.page("POST", "/auth/logout", node))
        if reply.status == 200:
            # A mirror may be late by the lease, and no more.
            ended = time.monotonic()
            while True:
                time.sleep(0.02)
                late = time.monotonic() - ended
                again = self.timed("check after", lambda: client.check(node, jar=old))
                if again.status != 200:
                    break
                if late > LEASE:
                    self.books.complain(f"WRONG ALLOW: traffic{i} {late:.3f} s after its sign-out: {again}")
                    break
            return self.sign_in(i)
        if reply.status != 503:
            self.books.complain(f"sign-out: {reply}")
        client.jar = old
        # Whether it ended is not known: a sign-in decides.
        return self.sign_in(i)

    def quiet(self, seconds=0.5, within=20):
        """Until nothing was refused for so long."""
        started = time.monotonic()
        self.refused_at = self.refused_at or 0
        until(lambda: time.monotonic() - max(self.refused_at, started) > seconds, within, "answers without 503")

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join(30)
        if self.books.wrong:
            raise AssertionError(f"{len(self.books.wrong)} wrong: {self.books.wrong[:3]}; {self.books.counts}")
        return self.books
