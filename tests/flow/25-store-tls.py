"""TLS to the store: hiredis' own where it has it, stunnel where it has not. The servers speak nothing but TLS and want
a certificate of their clients."""

import os
import re
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"))
import nodes
from nodes import ROOT, Client, check_equal, parallel, program, settled, uid_of
from stores import PATIENT, Cluster, Server, StoreSite, free_port, until

SENTINEL_PASSWORD = "for-the-sentinels"
HAS_TLS = "hiredis_ssl" in subprocess.run(["ldd", program("doorward")], capture_output=True, text=True).stdout


def make_certificates(folder):
    """ca, other-ca; server and client by ca, stranger by other-ca."""
    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=folder)
    for ca in ("ca", "other-ca"):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-keyout",
                f"{ca}.key", "-out", f"{ca}.pem", "-subj", f"/CN={ca}")
    with open(f"{folder}/names", "w") as f:
        f.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    for name, ca in (("server", "ca"), ("client", "ca"), ("stranger", "other-ca")):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-out",
                f"{name}.csr", "-subj", f"/CN={name}")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-CAcreateserial",
                "-days", "2", "-extfile", "names", "-out", f"{name}.pem")


class TlsServer(Server):
    """A redis-server whose port is for TLS."""

    def __init__(self, site, name, *options, **more):
        more["port"] = port = more.get("port") or free_port()
        super().__init__(site, name, "--port", "0", "--tls-port", str(port), "--tls-cert-file", f"{site.state}/server.pem",
                         "--tls-key-file", f"{site.state}/server.key", "--tls-ca-cert-file", f"{site.state}/ca.pem",
                         *options, **more)


class TlsSite(StoreSite):
    def _start_redis(self):
        make_certificates(self.state)
        self.server = TlsServer(self, "redis")
        self.servers.append(self.server)
        self.redis = nodes.Redis(self.server.path)
        self.url = f"rediss://127.0.0.1:{self.server.port}"

    def write_settings(self, values, count):
        files = {f"store.tls_{kind}_file": f"{self.state}/{name}" for kind, name in (
            ("ca", "ca.pem"), ("cert", "client.pem"), ("key", "client.key"))}
        super().write_settings({**files, **values}, count)


class StunnelSite(StoreSite):
    """The recipe of docs/store.md: stunnel on the web server's machine, Doorward on its unix socket."""

    def _start_redis(self):
        make_certificates(self.state)
        self.server = TlsServer(self, "redis")
        self.servers.append(self.server)
        self.redis = nodes.Redis(self.server.path)
        with open(f"{ROOT}/docs/store.md") as f:
            recipe = re.search(r"```ini\n(; stunnel.*?)```", f.read(), re.S).group(1)
        for old, new in (("/run/doorward/redis.sock", f"{self.state}/tunnel.sock"),
                         ("redis.example.org:6379", f"127.0.0.1:{self.server.port}"),
                         ("checkHost = redis.example.org", "checkIP = 127.0.0.1"),
                         ("/etc/doorward/redis-ca.pem", f"{self.state}/{self.ca}.pem"),
                         ("/etc/doorward/redis-client", f"{self.state}/client")):
            assert old in recipe, f"the recipe has no {old}"
            recipe = recipe.replace(old, new)
        with open(f"{self.state}/stunnel.conf", "w") as f:
            f.write("foreground = yes\npid =\n" + recipe)
        with open(f"{self.state}/stunnel.log", "w") as log:
            self.stunnel = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", "stunnel4", f"{self.state}/stunnel.conf"],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._wait(f"{self.state}/tunnel.sock")
        self.url = f"unix:{self.state}/tunnel.sock"

    ca = "ca"

    def close(self):
        self.stunnel.terminate()
        self.stunnel.wait(10)
        return super().close()


def journey(site):
    site.add_user("alice")
    client = Client(site).signed_in("alice")
    for _ in range(5):
        check_equal(client.check().status, 200)
    check_equal(client.refresh().status, 200)
    parallel([lambda c=Client(site): c.signed_in("alice").check() for _ in range(4)])
    check_equal(client.check().status, 200)
    site.redis("HSET", f"dw:user:{{{uid_of('alice')}}}", "disabled", "1")
    settled(site, lambda: check_equal(client.check().status, 401, "a disabled user, by the mirror"))
    site.redis("HDEL", f"dw:user:{{{uid_of('alice')}}}", "disabled")
    return client


def closed(site):
    check_equal(site.close(), None)


def stunnel_carries_a_whole_session_as_the_recipe_says():
    site = StunnelSite("stunnel")
    try:
        client = journey(site)
        site.server.kill()
        until(lambda: client.check().status == 503, what="a refusal")
        site.server.start()
        until(lambda: client.check().status == 401, what="an empty store")
    finally:
        closed(site)


def stunnel_refuses_a_server_that_another_authority_signed():
    StunnelSite.ca = "other-ca"
    site = StunnelSite("stunnel")
    try:
        check_equal(Client(site).page("GET", "/auth/health/ready").status, 503)
    finally:
        StunnelSite.ca = "ca"
        closed(site)


def without_hiredis_ssl_tls_is_refused_at_start_and_stunnel_is_named():
    site = StunnelSite("none")
    try:
        for url in (f"rediss://127.0.0.1:{site.server.port}", "sentinel://127.0.0.1:1/m", "cluster://127.0.0.1:1"):
            site.values.update({"store.url": url, "store.tls_ca_file": f"{site.state}/ca.pem"})
            site.write_settings(site.values, 1)
            done = site.ctl("user", "list", status=None)
            check_equal((done.returncode != 0, "stunnel" in done.stderr), (True, True), done.stderr)
    finally:
        closed(site)


def hiredis_carries_a_whole_session():
    site = TlsSite("tls")
    try:
        client = journey(site)
        # More than one record of TLS in one reply.
        for i in range(400):
            site.redis("XADD", "dw:events", "*", "event", "x" * 300, "user", str(i))
        check_equal(site.ctl("events", "--count", "300").stdout.count("x" * 300), 300)
        site.server.stop()
        time.sleep(0.5)
        started = time.monotonic()
        check_equal(client.check().status, 503, "a server that hangs")
        check_equal(time.monotonic() - started < 5, True, "in time")
        site.server.go_on()
        until(lambda: client.check().status == 200, what="as before")
        site.server.kill()
        until(lambda: client.check().status == 503, what="a refusal")
        site.server.start()
        until(lambda: client.check().status == 401, what="an empty store")
    finally:
        closed(site)


def certificates_of_strangers_are_refused_and_the_log_says_why():
    site = TlsSite("strange")
    try:
        for change, words in (({"ca_file": "other-ca.pem"}, "no TLS: is the server's certificate"),
                              ({"cert_file": "stranger.pem", "key_file": "stranger.key"}, "no TLS: is the server's"),
                              ({"cert_file": "", "key_file": ""}, "no TLS: is the server's"),
                              ({"ca_file": "nothing.pem"}, "nothing.pem"), ({"key_file": ""}, "go together"),
                              ({"key_file": "server.key"}, "server.key"),
                              ({"ca_file": "", "cert_file": "", "key_file": ""}, "no tls_ca_file")):
            good = {"ca_file": "ca.pem", "cert_file": "client.pem", "key_file": "client.key"}
            values = {f"store.tls_{k}": f"{site.state}/{v}" if v else "" for k, v in {**good, **change}.items()}
            site.write_settings({**site.values, **values}, 1)
            done = site.ctl("user", "list", status=None)
            check_equal((done.returncode != 0, words in done.stderr), (True, True), f"{change}: {done.stderr}")
        site.write_settings({**site.values, "store.url": f"redis://127.0.0.1:{site.server.port}",
                             "store.tls_ca_file": f"{site.state}/ca.pem"}, 1)
        check_equal("rediss:// is" in site.ctl("user", "list", status=None).stderr, True)
    finally:
        closed(site)


class TlsClusterSite(TlsSite):
    def _start_redis(self):
        make_certificates(self.state)
        Cluster.server = staticmethod(TlsServer)
        self.cluster = self.redis = Cluster(self, replicas=False, options=("--tls-cluster", "yes", *PATIENT))
        self.url = self.cluster.url


def a_cluster_speaks_tls_where_a_ca_is_named():
    site = TlsClusterSite("tlscluster")
    try:
        for name in ("a", "b", "c", "d", "e"):
            site.add_user(name)
            client = Client(site).signed_in(name)
            check_equal([client.check().status for _ in range(2)], [200, 200])
            site.redis("HSET", f"dw:user:{{{uid_of(name)}}}", "disabled", "1")
            settled(site, lambda c=client: check_equal(c.check().status, 401))
    finally:
        closed(site)


class TlsSentinelSite(TlsSite):
    """A master, its replica and a sentinel with a password of its own, all of them by TLS alone."""

    def _start_redis(self):
        make_certificates(self.state)
        self.data = [TlsServer(self, "r0", "--tls-replication", "yes")]
        self.servers += self.data
        self.data.append(TlsServer(self, "r1", "--tls-replication", "yes", "--replicaof", "127.0.0.1",
                                   str(self.data[0].port)))
        self.servers.append(self.data[1])
        until(lambda: self.data[1].info("master_link_status") == "up", what="a replica in step")
        text = (f"sentinel monitor main 127.0.0.1 {self.data[0].port} 1\nsentinel down-after-milliseconds main 500\n"
                f"sentinel failover-timeout main 3000\nuser default on >{SENTINEL_PASSWORD} ~* &* +@all\n"
                f"user doorward on >{SENTINEL_PASSWORD} +sentinel|get-master-addr-by-name +ping +auth\n")
        self.sentinel = TlsServer(self, "sentinel", "--tls-replication", "yes", sentinel=text, password=SENTINEL_PASSWORD)
        self.servers.append(self.sentinel)
        until(lambda: "slaves=1" in self.sentinel.ask("INFO"), what="a sentinel that knows the replica")
        self.redis = nodes.Redis(self.data[0].path)
        self.url = f"sentinel://127.0.0.1:{self.sentinel.port}/main"

    def write_settings(self, values, count):
        with open(f"{self.state}/sentinel-password", "w") as f:
            os.chmod(f.name, 0o600)
            f.write(SENTINEL_PASSWORD + "\n")
        super().write_settings({"store.sentinel_user": "doorward", "store.sentinel_password_file": f.name, **values}, count)


def sentinels_and_what_they_name_speak_tls_where_a_ca_is_named():
    site = TlsSentinelSite("tlssentinel")
    try:
        client = journey(site)
        old, new = site.data
        until(lambda: old.info("master_repl_offset") == new.info("master_repl_offset"), what="in step")
        old.kill()
        until(lambda: new.role() == "master", what="another master")
        until(lambda: client.check().status == 200, what="a session of before at the new master")
        check_equal(client.refresh().status, 200)
        # A sentinel that another authority signed for is not believed.
        site.write_settings({**site.values, "store.tls_ca_file": f"{site.state}/other-ca.pem"}, 1)
        done = site.ctl("user", "list", status=None)
        check_equal((done.returncode, "no sentinel answers" in done.stderr), (3, True), done.stderr)
    finally:
        closed(site)


tunnel = [stunnel_carries_a_whole_session_as_the_recipe_says, stunnel_refuses_a_server_that_another_authority_signed]
own = [hiredis_carries_a_whole_session, certificates_of_strangers_are_refused_and_the_log_says_why,
       a_cluster_speaks_tls_where_a_ca_is_named, sentinels_and_what_they_name_speak_tls_where_a_ca_is_named]
none = [without_hiredis_ssl_tls_is_refused_at_start_and_stunnel_is_named]
nodes.main([(f.__name__, f) for f in tunnel + (own if HAS_TLS else none)])
