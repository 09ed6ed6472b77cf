"""Redis under sentinels for nodes.Site: real ones, or one that says what a test wants."""

import os
import socketserver
import threading

import nodes
from stores import Server, StoreSite, free_port, until

MASTER = "doorward-master"
PASSWORD = "for-the-sentinels"


def pair(site, count):
    """A master and its replicas, in step."""
    data = [Server(site, "r0")]
    site.servers += data
    for i in range(1, count):
        data.append(Server(site, f"r{i}", "--replicaof", "127.0.0.1", str(data[0].port)))
        site.servers.append(data[i])
    for replica in data[1:]:
        until(lambda r=replica: r.info("master_link_status") == "up", what="a replica in step")
    return data


class SentinelSite(StoreSite):
    """One master, two replicas, three sentinels that want a password."""

    def _start_redis(self):
        self.data = pair(self, 3)
        self.redis = nodes.Redis(self.data[0].path)
        text = (f"sentinel announce-ip 127.0.0.1\nsentinel monitor {MASTER} 127.0.0.1 {self.data[0].port} 2\n"
                f"sentinel down-after-milliseconds {MASTER} 10000\nsentinel failover-timeout {MASTER} 3000\n"
                f"user default on >{PASSWORD} ~* &* +@all\n"
                f"user doorward on >{PASSWORD} +sentinel|get-master-addr-by-name +ping +auth\nsentinel sentinel-pass {PASSWORD}\n")
        self.sentinels = [Server(self, f"sentinel{i}", sentinel=text, password=PASSWORD) for i in range(3)]
        self.servers += self.sentinels
        for sentinel in self.sentinels:
            until(lambda s=sentinel: self.knows(s), what="sentinels that know each other")
        self.url = "sentinel://doorward@" + ",".join(f"127.0.0.1:{s.port}" for s in self.sentinels) + f"/{MASTER}"

    def write_settings(self, values, count):
        with open(f"{self.state}/sentinel-password", "w") as f:
            os.chmod(f.name, 0o600)
            f.write(PASSWORD + "\n")
        super().write_settings({"store.sentinel_password_file": f.name, "store.sentinel_user": "doorward", **values},
                               count)

    def knows(self, sentinel):
        fields = sentinel.ask("SENTINEL", "MASTER", MASTER)
        fields = dict(zip(fields[::2], fields[1::2]))
        return fields["num-other-sentinels"] == "2" and fields["num-slaves"] == "2"

    def look_closely(self, down_after_ms):
        """How soon the sentinels take a server that does not answer for dead: late, as a busy machine is none."""
        for sentinel in self.sentinels:
            sentinel.ask("SENTINEL", "SET", MASTER, "down-after-milliseconds", down_after_ms)

    def master(self):
        """As the sentinels have it."""
        port = int(self.sentinels[0].ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER)[1])
        return next(s for s in self.data if s.port == port)

    def settled(self):
        """All replicas have what the master has."""
        offset = self.master().info("master_repl_offset")
        return all(s.process.poll() is not None or s.info("master_repl_offset") == offset for s in self.data)


class LiarSite(StoreSite):
    """Two servers, and a sentinel that says what the test wants."""

    def _start_redis(self):
        self.data = pair(self, 2)
        self.redis = nodes.Redis(self.data[0].path)
        self.named = self.data[0]
        site = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                while self.rfile.readline():
                    words = [self.rfile.readline() and self.rfile.readline() for _ in range(3)]
                    if not words[-1]:
                        return
                    port = str(site.named.port).encode()
                    self.wfile.write(b"*2\r\n$9\r\n127.0.0.1\r\n$%d\r\n%s\r\n" % (len(port), port))

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = daemon_threads = True
        self.sentinel = Server(("127.0.0.1", free_port()), Handler)
        threading.Thread(target=self.sentinel.serve_forever, daemon=True).start()
        self.url = f"sentinel://127.0.0.1:{self.sentinel.server_address[1]}/{MASTER}"

    def swap(self, cut):
        """The old master becomes a replica that hears nothing of the new one. cut: connections end, as Sentinel does
        it. What the sentinel says stays."""
        a, b = (self.data[0], self.data[1]) if self.data[0].role() == "master" else (self.data[1], self.data[0])
        b.ask("REPLICAOF", "NO", "ONE")
        a.ask("REPLICAOF", "127.0.0.1", free_port())
        if cut:
            a.ask("CLIENT", "KILL", "TYPE", "normal")
        self.redis = nodes.Redis(b.path)
        return b
