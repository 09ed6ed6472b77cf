"""A Plant whose Redis is a cluster of 3 masters with a replica each, and what is counted at its servers."""

import binascii
import json
import os
import secrets
import selectors
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
import nodes
import plant
from plant import BUILD, ROOT, Plant
from stores import STORE_PASSWORD, Cluster


def slot_of(key):
    tag = key.partition("{")[2].partition("}")[0] or key
    return binascii.crc_hqx(tag.encode(), 0) % 16384


def cpu_seconds(processes):
    """Of their threads, finer than /proc says it."""
    return sum(time.clock_gettime((~process.pid << 3) | 2) for process in processes)


class Keeper:
    """The cluster by its keys: single commands, and many at once."""

    def __init__(self, cluster):
        self.cluster, self.links = cluster, {}
        self.learn()

    def learn(self):
        """Where the slots are; they stay there until the next time."""
        self.owner = [0] * 16384
        for first, last, master, *_ in self.cluster.living()[0].ask("CLUSTER", "SLOTS"):
            self.owner[first:last + 1] = [master[1]] * (last + 1 - first)

    def __call__(self, *words):
        return self.pipeline([words])[0]

    def link(self, slot):
        port = self.owner[slot]
        if port not in self.links:
            self.links[port] = nodes.Redis(next(s for s in self.cluster.all if s.port == port).path)
        return self.links[port]

    def pipeline(self, commands):
        places, answers = {}, [None] * len(commands)
        for i, words in enumerate(commands):
            key = words[3] if words[0] == "EVALSHA" else words[1]
            places.setdefault(self.link(slot_of(key)), []).append(i)
        for link, some in places.items():
            for i, answer in zip(some, link.pipeline([commands[i] for i in some])):
                answers[i] = answer
        return answers


class ClusterPlant(Plant):
    """Its nodes have a mirror, and time-outs that a busy machine does not reach."""

    def __init__(self, state, settings=()):
        self.state, self.nodes, self.servers, self.scripts = state, {}, [], {}
        os.makedirs(f"{state}/keys", mode=0o700)
        self.cluster = Cluster(self)
        self.redis = Keeper(self.cluster)
        with open(f"{state}/store-password", "w") as f:
            os.chmod(f.name, 0o600)
            f.write(STORE_PASSWORD + "\n")
        self.settings = {"store.url": self.cluster.url, "store.password_file": f.name, "mirror.enabled": "yes",
                         **dict(s.split("=", 1) for s in settings)}
        self.new_keys("keys", "RS256")
        self.new_keys("keys-es", "ES256")
        # The same refresh tokens are good for either.
        for name in os.listdir(f"{state}/keys-es"):
            if name.startswith("mac-"):
                os.unlink(f"{state}/keys-es/{name}")
        subprocess.run(f"cp {state}/keys/mac-* {state}/keys-es/", shell=True, check=True)

    def new_keys(self, folder, alg):
        os.makedirs(f"{self.state}/{folder}", mode=0o700, exist_ok=True)
        conf = self.write_settings("ctl", (f"token.keys_dir={self.state}/{folder}",))
        subprocess.run([f"{BUILD}/doorwardctl", "-c", conf, "keys", "new", "--alg", alg], check=True,
                       stdout=subprocess.DEVNULL)

    def script(self, name):
        if name not in self.scripts:
            with open(f"{ROOT}/app/store/scripts/{name}.lua") as f:
                text = f.read()
            for master in self.cluster.masters:
                self.scripts[name] = master.ask("SCRIPT", "LOAD", text)
        return self.scripts[name]

    def mint_es(self, sessions, like):
        """As mint(), signed by the key of the nodes with ES256, of which `like` is a client: that takes no time."""
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec, utils
        file = next(name for name in os.listdir(f"{self.state}/keys-es") if name.startswith("sign-"))
        with open(f"{self.state}/keys-es/{file}", "rb") as f:
            key = serialization.load_pem_private_key(f.read(), None)
        model, out = like.jar[nodes.ACCESS], []
        head, body = model.split(".")[0], nodes.claims(model)
        for uid, handle, ver in sessions:
            body.update(sub=uid, sid=handle, ver=ver, jti=nodes.b64(secrets.token_bytes(16)))
            text = head + "." + nodes.b64(json.dumps(body, separators=(",", ":")).encode())
            r, s = utils.decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
            out.append(text + "." + nodes.b64(r.to_bytes(32, "big") + s.to_bytes(32, "big")))
        return out

    def add_user(self, name, roles="staff"):
        self.add_users([name], roles)

    def masters(self):
        return [m.process for m in self.cluster.masters]

    def replicas(self):
        return [r.process for r in self.cluster.replicas]

    def close(self):
        for name in list(self.nodes):
            self.end_node(name)
        for server in self.servers:
            if server.process.poll() is None:
                server.go_on()
                server.kill()


class Count:
    """What the servers did since: CPU seconds, and exchanges (reads from sockets of clients)."""

    def __init__(self, site, names=None):
        self.site = site
        self.nodes = [site.nodes[n] for n in (names or site.nodes)]
        self.before = self.now()

    def now(self):
        masters = self.site.cluster.masters
        return {"node": cpu_seconds(self.nodes), "master": cpu_seconds(self.site.masters()),
                "replica": cpu_seconds(self.site.replicas()),
                "reads": sum(int(m.info("total_reads_processed")) for m in masters),
                "commands": sum(int(m.info("total_commands_processed")) for m in masters), "at": time.monotonic()}

    def stop(self):
        after = self.now()
        return {key: after[key] - self.before[key] for key in after}


class Ear:
    """A connection that hears of changes as a node does."""

    PREFIXES = [word for kind in ("session:", "user:", "deny:", "realm") for word in ("PREFIX", "dw:" + kind)]
    MARKS = (b"\r\nmessage\r\n", b"\r\ndw:")

    def __init__(self, server):
        self.ear, self.control = nodes.Redis(server.path), nodes.Redis(server.path)
        own = self.ear("CLIENT", "ID")
        self.ear("SUBSCRIBE", "__redis__:invalidate")
        self.control("CLIENT", "TRACKING", "ON", "REDIRECT", own, "BCAST", *self.PREFIXES)
        self.octets, self.found, self.tail = 0, [0, 0], b""

    def hear(self):
        part = self.ear.socket.recv(1 << 20)
        text = self.tail + part
        self.octets += len(part)
        for i, mark in enumerate(self.MARKS):
            # A mark that is whole in the tail was counted before.
            self.found[i] += text.count(mark) - self.tail.count(mark)
        self.tail = text[-10:]
        return part

    def close(self):
        for redis in (self.ear, self.control):
            redis.reader.close()
            redis.socket.close()


class Ears:
    """Several of them, heard all the time: what comes to each node, counted on the socket."""

    def __init__(self, servers):
        self.ears = [Ear(server) for server in servers]
        self.over, self.heard_at = threading.Event(), 0
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        with selectors.DefaultSelector() as selector:
            for ear in self.ears:
                selector.register(ear.ear.socket, selectors.EVENT_READ, ear)
            while not self.over.is_set():
                for key, _ in selector.select(0.05):
                    key.data.hear()
                    self.heard_at = time.monotonic()

    def stop(self):
        """(bytes, messages, keys) of each."""
        started = time.monotonic()
        while time.monotonic() - max(self.heard_at, started) < 0.2:
            time.sleep(0.05)
        self.over.set()
        self.thread.join()
        for ear in self.ears:
            ear.close()
        return [(ear.octets, *ear.found) for ear in self.ears]
