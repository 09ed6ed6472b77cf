"""A cluster: keys on several masters, slots that move while they are used, masters that die."""

import json
import os
import signal
import socket
import struct
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"))
import fastcgi
import nodes
from nodes import ACCESS, Client, check_equal, settled, uid_of
from processes import hold
from stores import LEASE, PATIENT, Cluster, StoreSite, Traffic, until

USERS = [f"user{i}" for i in range(12)]


class ClusterSite(StoreSite):
    """Three masters with a replica each, and a fourth without slots."""

    def _start_redis(self):
        self.cluster = self.redis = Cluster(self, spare=1, options=PATIENT)
        self.url = self.cluster.url


def user_slot(cluster, name):
    return cluster.slot(f"dw:user:{{{uid_of(name)}}}")


class Case:
    """The cases are parts of one run, in this order."""

    def users_of_all_masters_sign_in_check_and_refresh(self):
        self.site = site = ClusterSite("cluster", 2, ("session.max_sessions=2",))
        self.cluster = cluster = site.cluster
        self.clients = {}
        for name in USERS:
            site.add_user(name, "staff")
            self.clients[name] = Client(site).signed_in(name)
        check_equal(len({cluster.owner(user_slot(cluster, name)).port for name in USERS}), 3, "masters in use")
        for client in self.clients.values():
            check_equal([client.check(node).status for node in (0, 1, 0, 1)], [200] * 4)
            check_equal(client.refresh(1).status, 200)
            check_equal(client.check(0).status, 200)

    def a_repeated_check_asks_no_node(self):
        until(lambda: all(c.check(0).status == 200 for c in self.clients.values()), what="checks")
        before = self.reads()
        for client in self.clients.values():
            check_equal(client.check(0).status, 200)
        check_equal(self.reads() - before, 0, "reads of sessions")

    def reads(self):
        return sum(int(line.split("calls=")[1].split(",")[0]) for m in self.cluster.all
                   for line in m.ask("INFO", "commandstats").splitlines() if line.startswith("cmdstat_hmget:"))

    def every_kind_of_revocation_is_seen_whatever_the_master(self):
        for name in USERS:
            client, key = self.clients[name], f"dw:user:{{{uid_of(name)}}}"
            check_equal([client.check(n).status for n in (0, 1)], [200, 200])
            self.cluster("HSET", key, "disabled", "1")
            self.soon(client, 401, "disabled")
            self.cluster("HDEL", key, "disabled")
            self.soon(client, 200, "no longer disabled")
        client = self.clients[USERS[0]]
        self.site.ctl("token", "deny", "-", stdin=client.jar[ACCESS])
        self.soon(client, 401, "a denied token")
        check_equal(client.refresh().status, 200)

    def soon(self, client, status, what):
        """On both nodes, within the lease."""
        settled(self.site, lambda: check_equal([client.check(n).status for n in (0, 1)], [status] * 2, what))

    def doorwardctl_walks_over_all_masters(self):
        listed = self.site.ctl("user", "list").stdout
        check_equal([name for name in USERS if name not in listed], [], "users that the list leaves out")
        listed = self.site.ctl("session", "list").stdout
        check_equal(len([name for name in USERS if name in listed]), len(USERS), f"sessions: {listed}")
        self.site.ctl("events")

    def stats_tell_of_every_master_and_of_their_sum(self):
        masters = [m for m in self.cluster.all if m.role() == "master"]
        self.cluster.masters[1].ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        self.cluster.masters[0].ask("CONFIG", "SET", "maxmemory", "1gb")
        stats = json.loads(self.site.ctl("--json", "stats").stdout)
        self.cluster.masters[1].ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
        self.cluster.masters[0].ask("CONFIG", "SET", "maxmemory", "0")
        found = {server["address"]: server for server in stats["servers"]}
        check_equal(set(found), {f"127.0.0.1:{m.port}" for m in masters}, "servers")
        check_equal(stats["memory_bytes"], sum(server["memory_bytes"] for server in found.values()), "the sum")
        for master in masters:
            said, real = found[f"127.0.0.1:{master.port}"]["memory_bytes"], int(master.info("used_memory"))
            check_equal(abs(said - real) < real / 2, True, f"memory of {master.name}: {said}, {real}")
        check_equal([found[f"127.0.0.1:{m.port}"]["memory_max_bytes"] for m in self.cluster.masters], [1 << 30, 0, 0])
        # One without a limit has no limit, and one that throws keys away does so for all.
        check_equal((stats["memory_max_bytes"], stats["memory_policy"]), (0, "allkeys-lru"))
        check_equal(stats["users"], len(USERS))
        text = self.site.ctl("stats").stdout
        check_equal([m.port for m in masters if f"127.0.0.1:{m.port}: " not in text], [], f"masters left out: {text}")

    def the_doctor_looks_at_every_master(self):
        evicts = self.cluster.masters[2]
        evicts.ask("CONFIG", "SET", "maxmemory-policy", "volatile-ttl")
        report = json.loads(self.site.ctl("--json", "doctor", "http://127.0.0.1:1", status=None).stdout)
        evicts.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
        found = {one["code"]: one["finding"] for one in report["findings"]}
        check_equal(f"Redis at 127.0.0.1:{evicts.port} throws keys away" in found["redis_evicts"], True, found["redis_evicts"])
        # What is true of all of them is said once.
        codes = [one["code"] for one in report["findings"]]
        check_equal(codes.count("redis_not_persistent"), 1, "said")

    def a_sign_in_waits_while_its_keys_are_on_two_masters(self):
        site, cluster = self.site, self.cluster
        slot = user_slot(cluster, USERS[2])
        to = next(m for m in cluster.masters if m is not cluster.owner(slot))
        source = cluster.begin_move(slot, to)
        client, before = Client(site), self.tries()

        def end_soon():
            until(lambda: self.tries() > before, 5, "TRYAGAIN")
            cluster.end_move(slot, source, to)
        nodes.parallel([lambda: client.signed_in(USERS[2]), end_soon])
        check_equal(client.check(1).status, 200)

    def tries(self):
        return self.errors("TRYAGAIN")

    def errors(self, kind):
        found = [m.info(f"errorstat_{kind}") for m in self.cluster.all]
        return sum(int(text.split("count=")[1]) for text in found if text)

    def a_rotation_waits_for_the_replica_of_its_own_master(self):
        site = self.site
        for replicas in ("1", "2"):
            site.values["store.rotation_replicas"] = replicas
            site.write_settings(site.values, 2)
            site.restart_node(1)
            check_equal(self.clients[USERS[3]].refresh(1).status, 200, f"{replicas} replicas")
            # Each master has one.
            check_equal("a rotation reached 1 of the 2 replicas" in site.log("node1"), replicas == "2", "warned")
        check_equal(self.clients[USERS[3]].refresh(0).status, 200)
        site.values["store.rotation_replicas"] = "0"
        site.write_settings(site.values, 2)
        site.restart_node(1)

    def slots_move_under_traffic(self):
        site, cluster = self.site, self.cluster
        traffic = Traffic(site, 4)
        started, moved = time.monotonic(), 0
        slots = [user_slot(cluster, f"traffic{i}") for i in range(4)]
        slots += [cluster.slot("dw:realm"), cluster.slot("dw:events")]
        while time.monotonic() - started < 4:
            for slot in slots:
                owner = cluster.owner(slot)
                masters = [m for m in (*cluster.masters, *cluster.spare) if m is not owner]
                to = masters[moved % len(masters)]
                source = cluster.begin_move(slot, to)
                time.sleep(0.03)
                cluster.end_move(slot, source, to)
                moved += 1
        books = traffic.stop()
        errors = {kind: self.errors(kind) for kind in ("MOVED", "ASK", "TRYAGAIN")}
        print(f"  {moved} moves, {errors}, longest answer {books.longest * 1000:.0f} ms; "
              f"{dict(sorted(books.counts.items()))}", flush=True)
        check_equal(errors["MOVED"] > 0 and errors["ASK"] > 0, True, f"redirections: {errors}")
        check_equal(books.count("check 200") > 100, True, "checks")

    def what_is_denied_while_its_slot_is_on_its_way_to_a_new_master_counts(self):
        """The key is made on the other node, which tells of it; the one that was asked before says nothing."""
        site, cluster = self.site, self.cluster
        name = USERS[1]
        client, slot = self.clients[name], user_slot(cluster, name)
        to = cluster.spare[0]
        check_equal(client.refresh().status, 200)
        check_equal([client.check(n).status for n in (0, 1)], [200, 200])
        source = cluster.begin_move(slot, to)
        check_equal([client.check(n).status for n in (0, 1)], [200, 200])
        site.ctl("token", "deny", "-", stdin=client.jar[ACCESS])
        time.sleep(LEASE + 0.1)
        check_equal([client.check(n).status for n in (0, 1)], [401, 401], "denied on its way")
        cluster.end_move(slot, source, to)
        check_equal([client.check(n).status for n in (0, 1)], [401, 401], "denied at the new master")
        check_equal(client.refresh().status, 200)
        check_equal([client.check(n).status for n in (0, 1)], [200, 200])
        cluster("HSET", f"dw:user:{{{uid_of(name)}}}", "disabled", "1")
        self.soon(client, 401, "disabled at the new master")

    def a_master_that_dies_is_replaced(self):
        site, cluster = self.site, self.cluster
        name = next(n for n in USERS[2:] if cluster.owner(user_slot(cluster, n)) in cluster.masters)
        slot = user_slot(cluster, name)
        dead, client = cluster.owner(slot), self.clients[name]
        replica = cluster.replicas[cluster.masters.index(dead)]
        others = [n for n in USERS[2:] if cluster.owner(user_slot(cluster, n)) is not dead]
        traffic = Traffic(site, 4)
        time.sleep(1)
        until(lambda: replica.info("master_link_status") == "up", what="a replica in step")
        dead.kill()
        killed = time.monotonic()
        until(lambda: replica.role() == "master", 20, "another master")
        elected = time.monotonic() - killed
        traffic.refused_at = time.monotonic()
        traffic.quiet(1)
        recovered = traffic.refused_at - killed
        books = traffic.stop()
        print(f"  elected {elected:.1f} s after the kill, the last refusal at {recovered:.1f} s, longest answer "
              f"{books.longest * 1000:.0f} ms; {dict(sorted(books.counts.items()))}", flush=True)
        check_equal(recovered < elected + 10, True, "back soon after the election")
        check_equal(client.check(1).status, 200, "a session of before")
        check_equal(client.refresh(0).status, 200, "its refresh")
        for other in others:
            check_equal(self.clients[other].check(0).status, 200)
        self.cluster("HSET", f"dw:user:{{{uid_of(name)}}}", "disabled", "1")
        self.soon(client, 401, "disabled at the new master")

    def a_master_that_hangs_is_replaced_and_comes_back_as_a_replica(self):
        """Doorward without a mirror: nobody but the requests themselves finds out."""
        site, cluster = self.site, self.cluster
        site.values["mirror.enabled"] = "no"
        site.write_settings(site.values, 2)
        site.restart_node(1)
        pairs = [(m, r) for m, r in zip(cluster.masters, cluster.replicas)
                 if m.process.poll() is None and r.role() == "slave"]
        name, (hung, replica) = next((n, p) for n in USERS[3:] for p in pairs
                                     if cluster.owner(user_slot(cluster, n)) is p[0])
        client = self.clients[name]
        check_equal(client.check(1).status, 200)
        until(lambda: replica.info("master_link_status") == "up", what="a replica in step")
        hung.stop()
        until(lambda: client.check(1).status == 503, 5, "a refusal")
        until(lambda: replica.role() == "master", 20, "another master")
        until(lambda: client.check(1).status == 200, 3, "the new master is found")
        check_equal(client.refresh(1).status, 200)
        hung.go_on()
        until(lambda: hung.role() == "slave", what="the old one is a replica")
        for _ in range(10):
            check_equal([client.check(n).status for n in (0, 1)], [200, 200])

    def a_master_that_hangs_spoils_no_check_of_a_session_on_another(self):
        """Checks that come at once, where one of them waits for the master that hangs."""
        site, cluster = self.site, self.cluster
        node = next(process for name, process in site.processes if name == "node1")
        owner = {name: cluster.owner(user_slot(cluster, name)) for name in USERS}
        spared = cluster.owner(cluster.slot("dw:realm"))
        bad = next(name for name in USERS[3:] if owner[name] is not spared)
        good = [name for name in USERS[3:] if owner[name] is not owner[bad]]
        until(lambda: all(self.clients[name].check(1).status == 200 for name in USERS[3:]), 10, "all are well")
        asked = [bad] + (good * 7)[:7]
        hold(node.pid)
        try:
            waiting = [self.ask(self.clients[name]) for name in asked]
            owner[bad].stop()
        finally:
            os.kill(node.pid, signal.SIGCONT)
        try:
            answers = [fastcgi.read_answer(connection).status for connection in waiting]
        finally:
            owner[bad].go_on()
        check_equal(answers, [503] + [200] * 7, "answers")
        until(lambda: self.clients[bad].check(1).status == 200, 10, "the one of the master that hung")

    def ask(self, client):
        """A check of node 1 whose answer is not waited for."""
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(self.site.socket_path("authorizer", 1))
        params = client._params("GET", "/private/", {ACCESS: client.jar[ACCESS]}, nodes.SCRIPT)
        connection.sendall(fastcgi.record(fastcgi.BEGIN, struct.pack("!HB5x", fastcgi.AUTHORIZER, 0)) +
                           fastcgi.stream(fastcgi.PARAMS, fastcgi.pairs(params)))
        return connection

    def end(self):
        wrong = self.site.close()
        if wrong:
            raise AssertionError(wrong)


run = Case()
nodes.main([(name, getattr(run, name)) for name in (
    "users_of_all_masters_sign_in_check_and_refresh", "a_repeated_check_asks_no_node",
    "every_kind_of_revocation_is_seen_whatever_the_master", "doorwardctl_walks_over_all_masters",
    "stats_tell_of_every_master_and_of_their_sum", "the_doctor_looks_at_every_master",
    "a_rotation_waits_for_the_replica_of_its_own_master", "a_sign_in_waits_while_its_keys_are_on_two_masters",
    "what_is_denied_while_its_slot_is_on_its_way_to_a_new_master_counts", "slots_move_under_traffic",
    "a_master_that_dies_is_replaced", "a_master_that_hangs_is_replaced_and_comes_back_as_a_replica",
    "a_master_that_hangs_spoils_no_check_of_a_session_on_another", "end")])
