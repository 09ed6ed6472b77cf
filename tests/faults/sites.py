"""What a stage is made of: Doorward's nodes and their store."""

import os
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support")]
os.environ.setdefault("DOORWARD_PLAIN", "" if os.environ.get("FAULTS_SANITIZED") else "yes")
import nodes
import stores

TIMEOUT_MS = "1000"  # four times the default: two busy cores do all of it
THREADS, KEEPERS = 4, 6
USERS = [f"traffic{i}" for i in range(THREADS)] + [f"keeper{i}" for i in range(KEEPERS)] + ["prober", "victim"]


class MadeKeys:
    """For a nodes.Site: keys that are made once."""

    def make_keys(self, alg):
        """The same for all scenarios: an RSA key takes seconds."""
        made = f"{nodes.FLOW}/faults-keys"
        if not os.path.exists(made):
            super().make_keys(alg)
            shutil.copytree(f"{self.state}/keys", made)
        else:
            shutil.copytree(made, f"{self.state}/keys", dirs_exist_ok=True)


class Plain(MadeKeys):
    """And the machine's own clock, and nodes that may be killed."""

    wrap = []

    def keys(self):
        """All keys of the store: of its masters."""
        found = set()
        for server in self.servers:
            if not server.sentinel and server.process.poll() is None and server.role() == "master":
                redis = nodes.Redis(server.path)
                found |= redis.keys()
                redis.reader.close()
                redis.socket.close()
        return found

    def _start(self, name, command, clock):
        environment = {k: v for k, v in os.environ.items() if k not in ("DOORWARD_CONF", "LD_PRELOAD")}
        environment |= {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=1", "UBSAN_OPTIONS": "print_stacktrace=1"}
        with open(f"{self.state}/{name}.log", "ab") as log:
            process = subprocess.Popen([*self.wrap, "setpriv", "--pdeathsig", "TERM", *command], stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=log, env=environment, cwd=self.state)
        self.processes.append((name, process))

    def process(self, node):
        return next(process for name, process in self.processes if name == f"node{node}")

    def kill_node(self, node):
        process = self.process(node)
        process.kill()
        process.wait()
        self.processes.remove((f"node{node}", process))


class FaultSite(Plain, stores.StoreSite):
    """One Redis with persistence, by its socket or by TCP."""

    def __init__(self, name, count=2, settings=(), redis=(), tcp=False, wrap=(), users_file=False, **more):
        """redis: its options. wrap: words before each node's program. users_file: the users are in a file, which Redis
        cannot lose."""
        self.redis_options, self.tcp, self.wrap, self.users_file = redis, tcp, list(wrap), users_file
        super().__init__(name, count, settings, **more)

    def _start_redis(self):
        # What Redis wrote is with the kernel before its answer is sent, and the machine does not die: no fsync.
        self.store = stores.Server(self, "r0", "--appendonly", "yes", "--appendfsync", "no", *self.redis_options)
        self.servers.append(self.store)
        self.url = f"redis://doorward@127.0.0.1:{self.store.port}/0" if self.tcp else f"unix:{self.store.path}?user=doorward"

    def redis(self, *words):
        return self.store.ask(*words)

    def write_settings(self, values, count):
        base = {"store.timeout_ms": TIMEOUT_MS}
        if "doorward@" in self.url or "user=doorward" in self.url:
            base["store.password_file"] = f"{self.state}/store-password"
            with open(base["store.password_file"], "w") as f:
                os.chmod(f.name, 0o600)
                f.write(stores.STORE_PASSWORD + "\n")
        if self.users_file:
            base |= {"users.source": "file", "users.users_file": f"{self.state}/users"}
            with open(f"{self.state}/users", "w") as f:
                f.write("".join(f"{name}:{nodes.quick_hash()}\n" for name in USERS))
        super().write_settings({**base, **values}, count)

    def add_user(self, name, roles=""):
        if not self.users_file:
            super().add_user(name, roles)
