"""What make scale sees while slots move and a master dies: clients that sign in, check, refresh and sign out all the
time, and keep books of what must be true (tests/support/stores.py)."""

import sys
import threading
import time

sys.dont_write_bytecode = True
from nodes import Client, uid_of
from stores import Traffic, until

NODES = (0, 1, 2, 3)
TIMEOUT_MS = 250


class Timed(Traffic):
    """With the longest wait for each kind of request: a sign-in computes a password, the others wait for Redis."""

    def __init__(self, *parts):
        self.longest = {}
        super().__init__(*parts)

    def timed(self, what, function):
        started = time.monotonic()
        reply = super().timed(what, function)
        took = time.monotonic() - started
        with self.books.lock:
            self.longest[what] = max(self.longest.get(what, 0), took * 1000)
        return reply


def renew_nodes(scale):
    """With the time-outs that a real node has."""
    for name in NODES:
        if name in scale.site.nodes:
            scale.site.end_node(name)
        scale.site.node(name, (f"store.timeout_ms={TIMEOUT_MS}",))


def verdict(traffic):
    try:
        traffic.stop()
    except AssertionError:
        pass
    books = traffic.books
    allows = [w for w in books.wrong if "WRONG ALLOW" in w]
    lost = [w for w in books.wrong if "thrown out" in w]
    return {"wrong_allows": len(allows), "lost": len(lost), "wrong": books.wrong[:5], "others":
            len(books.wrong) - len(allows) - len(lost), "longest_ms": traffic.longest,
            "answers": sum(books.counts.values()), "refused": sum(n for k, n in books.counts.items() if k.endswith(" 503")),
            "counts": books.counts}


def reshard(scale):
    cluster, seconds = scale.site.cluster, 4 if scale.quick else 12
    renew_nodes(scale)
    traffic = Timed(scale.site, 4)
    users = {cluster.slot(f"dw:user:{{{uid_of(f'traffic{i}')}}}") for i in range(4)}
    until_, moved, keys = time.monotonic() + seconds, 0, 0
    slots = [*users, cluster.slot("dw:realm"), cluster.slot("dw:events"), *range(0, 5000, 97)]
    while time.monotonic() < until_:
        slot = slots[moved % len(slots)]
        owner = cluster.owner(slot)
        to = next(m for m in cluster.masters if m is not owner)
        keys += owner.ask("CLUSTER", "COUNTKEYSINSLOT", slot)
        cluster.move(slot, to)
        moved += 1
        time.sleep(0.05)  # or one master's old news of a slot could undo the move of it: nobody would own it
    traffic.quiet(0.5)
    return {"slots": moved, "keys": keys, "seconds": seconds, **verdict(traffic)}


class Gone:
    """Sessions of all masters that were signed out, and who tries them all the time."""

    def __init__(self, scale, count):
        self.let_in, self.tried, self.over = 0, 0, threading.Event()
        self.clients = []
        scale.site.add_users([f"gone{i}" for i in range(count)])
        for i in range(count):
            client = Client(scale.site).signed_in(f"gone{i}", NODES[i % len(NODES)])
            jar = dict(client.jar)
            client.page("POST", "/auth/logout", NODES[0])
            client.jar = jar
            self.clients.append(client)
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        while not self.over.is_set():
            for client in self.clients:
                for node in NODES:
                    self.tried += 1
                    self.let_in += client.check(node, jar=client.jar).status == 200
            time.sleep(0.05)

    def stop(self):
        self.over.set()
        self.thread.join(30)


def failover(scale):
    cluster = scale.site.cluster
    scale.site.redis.learn()
    renew_nodes(scale)
    gone = Gone(scale, 6)
    # Nobody signs out by themselves: a sign-in needs all masters, and nobody would be left to check.
    traffic = Timed(scale.site, 4, False)
    time.sleep(1)
    traffic.quiet(0.5)
    gone.thread.start()
    # That of a user who is there.
    dead = cluster.owner(cluster.slot(f"dw:user:{{{uid_of('traffic0')}}}"))
    replica = cluster.replicas[cluster.masters.index(dead)]
    until(lambda: abs(int(dead.info("master_repl_offset")) - int(replica.info("master_repl_offset"))) < 10000, 20,
          "a replica in step")
    dead.kill()
    killed = time.monotonic()
    until(lambda: replica.role() == "master", 30, "another master")
    elected = time.monotonic() - killed
    time.sleep(1)
    traffic.quiet(1)
    recovered = max(traffic.refused_at - killed, 0)
    gone.stop()
    out = verdict(traffic)
    out["wrong_allows"] += gone.let_in
    return {"node_timeout_ms": 1000, "elected_s": elected, "recovered_s": recovered, "tried": gone.tried, **out}
