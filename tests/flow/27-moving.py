"""From one Redis to Sentinel, and to a Cluster, as docs/scale.md says: nobody is signed out. And what belongs to a
numbered database, and to a slot that nobody serves."""

import os
import re
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"))
import nodes
from nodes import ROOT, Client, check_equal, settled, uid_of
from stores import PATIENT, STORE_PASSWORD, Cluster, Server, StoreSite, until

PEOPLE = [f"person{i}" for i in range(6)]


class OneSite(StoreSite):
    """One server with the user of docs/store.md, over TCP."""

    database = ""

    def _start_redis(self):
        self.server = Server(self, "one")
        self.servers.append(self.server)
        self.redis = nodes.Redis(self.server.path)
        if self.database:
            self.redis("SELECT", self.database)
        self.url = f"redis://doorward@127.0.0.1:{self.server.port}" + (f"/{self.database}" if self.database else "")

    def change(self, url):
        """As an administrator does: the setting on all nodes, and a reload."""
        self.values["store.url"] = url
        self.write_settings(self.values, self.count)
        for name, process in self.processes:
            before = self.log(name).count("reloaded ")
            process.send_signal(signal.SIGHUP)
            until(lambda: self.log(name).count("reloaded ") > before, what=f"{name} reloaded: {self.log(name)[-500:]}")


class NumberedSite(OneSite):
    database = "3"


def recipe(words):
    """The command of docs/scale.md that begins so."""
    with open(f"{ROOT}/docs/scale.md") as f:
        return re.search(rf"`({words}[^`]*)`", f.read()).group(1)


def closed(site):
    check_equal(site.close(), None)


def people(site):
    for name in PEOPLE:
        site.add_user(name, "staff")
    return [Client(site).signed_in(name, i % site.count) for i, name in enumerate(PEOPLE)]


def all_are_signed_in(site, clients):
    for client in clients:
        for node in range(site.count):
            settled(site, lambda: check_equal(client.check(node).status, 200))
        check_equal(client.refresh(0).status, 200)
        check_equal(client.check(1).status, 200)


def revocations_count(site, client, name):
    settled(site, lambda: check_equal([client.check(n).status for n in range(site.count)], [200] * site.count))
    site.ctl("user", "disable", name)
    settled(site, lambda: check_equal([client.check(n).status for n in range(site.count)], [401] * site.count))
    site.ctl("user", "enable", name)


def sessions_survive_the_move_from_one_redis_to_sentinels():
    site = OneSite("tosentinel", 2)
    try:
        clients = people(site)
        replica = Server(site, "two", "--replicaof", "127.0.0.1", str(site.server.port))
        site.servers.append(replica)
        until(lambda: replica.info("master_link_status") == "up", what="a replica in step")
        text = (f"sentinel monitor main 127.0.0.1 {site.server.port} 1\nsentinel down-after-milliseconds main 10000\n"
                f"sentinel failover-timeout main 3000\n")
        sentinel = Server(site, "sentinel", sentinel=text)
        site.servers.append(sentinel)
        site.change(f"sentinel://doorward@127.0.0.1:{sentinel.port}/main")
        all_are_signed_in(site, clients)
        until(lambda: "slaves=1" in sentinel.ask("INFO"), what="a sentinel that knows the replica")
        until(lambda: site.server.info("master_repl_offset") == replica.info("master_repl_offset"), what="in step")
        sentinel.fail_over("main", lambda: replica.role() == "master")
        until(lambda: all(c.check(n).status == 200 for c in clients for n in range(site.count)), what="checks")
        all_are_signed_in(site, clients)
    finally:
        closed(site)


def sessions_survive_the_move_from_one_redis_to_a_cluster():
    site = OneSite("tocluster", 2)
    try:
        clients = people(site)
        old = site.server
        cluster = Cluster(site, replicas=False, options=PATIENT)
        stop_writes, go_on = recipe("ACL SETUSER doorward -@write").split(), recipe("ACL SETUSER doorward \\+@write").split()
        old.ask(*stop_writes)
        for client in clients:
            jar = dict(client.jar)
            for node in range(site.count):
                check_equal(client.check(node).status, 200, "a check meanwhile")
            check_equal(client.refresh().status, 503, "a refresh meanwhile")
            check_equal(client.jar, jar, "cookies")
        check_equal(Client(site).sign_in(PEOPLE[0]).status, 503, "a sign-in meanwhile")
        command = recipe("redis-cli --cluster import").replace("n1:6379", f"127.0.0.1:{cluster.masters[0].port}")
        done = subprocess.run(command.replace("old:6379", f"127.0.0.1:{old.port}").split(), capture_output=True, text=True,
                              timeout=60)
        check_equal(done.returncode, 0, done.stdout[-1000:] + done.stderr)
        before = site.redis("DBSIZE")
        check_equal(sum(m.ask("DBSIZE") for m in cluster.masters), before, "keys copied")
        lasting = [key for key in site.redis.keys() if site.redis("TTL", key) == -1]
        check_equal([key for key in lasting if not key.startswith(("dw:user:", "dw:realm"))], [], "keys without an expiry")
        check_equal([key for key in site.redis.keys() if abs(cluster("TTL", key) - site.redis("TTL", key)) > 2], [],
                    "expiries that differ")
        site.redis = cluster
        site.change(cluster.url)
        all_are_signed_in(site, clients)
        revocations_count(site, clients[0], PEOPLE[0])
        check_equal(Client(site).sign_in(PEOPLE[1]).status, 303, "a sign-in")
        # What was changed for the move can be changed back.
        old.ask(*go_on)
        old.ask("ACL", "DRYRUN", "doorward", "SET", "dw:x", "1")
    finally:
        closed(site)


def a_numbered_database_is_mirrored_like_the_first():
    site = NumberedSite("numbered", 2, ("mirror.enabled=yes",))
    try:
        clients = people(site)
        all_are_signed_in(site, clients)
        check_equal(site.server.ask("DBSIZE"), 0, "keys in the first database")
        revocations_count(site, clients[0], PEOPLE[0])
        # The same key of another database is another's.
        key = f"dw:user:{{{uid_of(PEOPLE[1])}}}"
        site.server.ask("HSET", key, "disabled", "1")
        check_equal([clients[1].check(n).status for n in (0, 1) for _ in range(3)], [200] * 6)
        site.redis("HSET", key, "disabled", "1")
        settled(site, lambda: check_equal([clients[1].check(n).status for n in (0, 1)], [401, 401]))
    finally:
        closed(site)


class ClusterSite(StoreSite):
    def _start_redis(self):
        self.cluster = self.redis = Cluster(self, replicas=False, options=PATIENT)
        self.url = self.cluster.url


def a_slot_that_nobody_serves_is_no_answer(coverage):
    """CLUSTERDOWN: for its users, or for everybody where the cluster wants to be whole."""
    site = ClusterSite("down", 1, ("mirror.enabled=no", "store.timeout_ms=1500"))
    try:
        cluster = site.cluster
        for server in cluster.all:
            server.ask("CONFIG", "SET", "cluster-require-full-coverage", coverage)
        clients = dict(zip(PEOPLE, people(site)))
        slot = {name: cluster.slot(f"dw:user:{{{uid_of(name)}}}") for name in PEOPLE}
        name = PEOPLE[0]
        owner = cluster.owner(slot[name])
        other = next(n for n in PEOPLE if cluster.owner(slot[n]) is not owner)
        jar = dict(clients[name].jar)
        for server in cluster.all:
            server.ask("CLUSTER", "DELSLOTS", slot[name])
        until(lambda: clients[name].check().status == 503, what="a refusal")
        for _ in range(3):
            check_equal((clients[name].check().status, clients[name].refresh().status), (503, 503))
        check_equal(clients[name].jar, jar, "cookies after refusals")
        if coverage == "no":
            check_equal((clients[other].check().status, clients[other].refresh().status), (200, 200), "another's slot")
        else:
            until(lambda: clients[other].check().status == 503, what="a refusal for another")
        for server in cluster.all:
            server.ask("CLUSTER", "ADDSLOTS" if server is owner else "SETSLOT", slot[name],
                       *(() if server is owner else ("NODE", owner.id)))
        until(lambda: all(c.check().status == 200 for c in clients.values()), what="answers as before")
        check_equal({c.refresh().status for c in clients.values()}, {200})
    finally:
        closed(site)


def users_of_whole_masters_go_on_while_a_slot_is_served_by_nobody():
    a_slot_that_nobody_serves_is_no_answer("no")


def nobody_is_signed_out_while_the_cluster_is_down():
    a_slot_that_nobody_serves_is_no_answer("yes")


nodes.main([(f.__name__, f) for f in (
    sessions_survive_the_move_from_one_redis_to_sentinels, sessions_survive_the_move_from_one_redis_to_a_cluster,
    a_numbered_database_is_mirrored_like_the_first, users_of_whole_masters_go_on_while_a_slot_is_served_by_nobody,
    nobody_is_signed_out_while_the_cluster_is_down)])
