"""The store is several servers: one fails over to another, slots move.

What is written to a master is with its replicas a moment later; what it had said yes to and they had not yet heard is
lost when it dies. Which sessions that are is reckoned from the keys of the new master. The traffic ends no session just
before: a sign-out that is lost is one, too, and has a scenario of its own.
"""

import time

import nodes
from sentinels import LiarSite, SentinelSite
from sites import TIMEOUT_MS, Plain
from stage import scenario
from stores import Cluster, StoreSite, until
from traffic import Visitor


class Sentinels(Plain, SentinelSite):
    def write_settings(self, values, count):
        super().write_settings({"store.timeout_ms": TIMEOUT_MS, **values}, count)


def in_step(stage):
    """The traffic ends nothing more, and all replicas have what the master has."""
    stage.endings = False
    stage.go_on(0.2)


@scenario(site=Sentinels)
def sentinel_replaces_a_master_that_was_killed(stage):
    site, old = stage.site, stage.site.master()
    in_step(stage)
    with stage.fault(hangs=True), stage.store_loses(surely=False):
        site.look_closely(500)
        old.kill()
        killed = time.monotonic()
        until(lambda: site.master() is not old, 60, "another master")
    stage.note(f"the sentinels took {stage.books.windows[-1][1] - killed:.1f} s to name another master")


@scenario(site=Sentinels)
def sentinel_replaces_a_master_by_hand(stage):
    """The old master goes on for some seconds, and what is written there is lost: Doorward leaves it at once."""
    site, old = stage.site, stage.site.master()
    in_step(stage)
    with stage.fault(refuses=None), stage.store_loses(surely=False):
        site.sentinels[0].fail_over("doorward-master", lambda: site.master() is not old)
        until(lambda: old.clients() == [], 2, "Doorward leaves the old master")


class Liar(Plain, LiarSite):
    """A master and a replica, and a sentinel that names which the scenario wants."""

    def write_settings(self, values, count):
        super().write_settings({"store.timeout_ms": TIMEOUT_MS, **values}, count)


@scenario(quick=True, site=Liar)
def the_last_writes_are_lost_in_a_failover(stage):
    """The replica had not heard of: a sign-in (its session is lost), rotations (accepted again, by the newer token, and
    nobody is a thief for it), a sign-out (undone: the session lives again)."""
    old, new = stage.site.data
    visitor = Visitor(stage, "victim", 150)
    leaver = stage.must(visitor.sign_in())
    in_step(stage)
    until(lambda: new.info("master_repl_offset") == old.info("master_repl_offset"))
    new.ask("REPLICAOF", "127.0.0.1", "1")
    stage.must(visitor.sign_in())
    for keeper in stage.keepers[:3]:
        for _ in range(2):
            stage.must(stage.prober.refresh(keeper))
    visitor.sign_out(leaver)
    stage.go_on(0.3)
    with stage.fault(hangs=True), stage.store_loses():
        old.kill()
        stage.go_on(1.5)
        new.ask("REPLICAOF", "NO", "ONE")
        stage.site.named = new
    behind = [new.ask("HGET", keeper.key, "generation") for keeper in stage.keepers[:3]]
    stage.shows(set(behind) == {"1"}, f"the new master has generations {behind}: nothing was lost")
    stage.note(f"the new master has generation 1 of sessions at {stage.keepers[0].generation}; "
               f"the lost sign-out: {'undone' if leaver.client.check(0).status == 200 else 'stands'}")


class Clustered(Plain, StoreSite):
    """Three masters with a replica each."""

    def _start_redis(self):
        self.cluster = self.redis = Cluster(self)
        self.url = self.cluster.url

    def write_settings(self, values, count):
        super().write_settings({"store.timeout_ms": TIMEOUT_MS, **values}, count)

    def slot(self, user):
        return self.cluster.slot(f"dw:user:{{{nodes.uid_of(user)}}}")


@scenario(site=Clustered)
def a_clusters_master_is_killed(stage):
    cluster = stage.site.cluster
    dead = cluster.owner(stage.site.slot("traffic0"))
    replica = cluster.replicas[cluster.masters.index(dead)]
    in_step(stage)
    with stage.fault(hangs=True), stage.store_loses(surely=False):
        dead.kill()
        killed = time.monotonic()
        until(lambda: replica.role() == "master", 20, "another master")
    stage.note(f"the cluster took {stage.books.windows[-1][1] - killed:.1f} s to elect another master")


@scenario(site=Clustered)
def a_cluster_moves_slots_that_are_in_use(stage):
    """Those of the traffic's users, of the realm and of the events; keys are on two masters meanwhile."""
    cluster, moved = stage.site.cluster, 0
    slots = [stage.site.slot(f"traffic{i}") for i in range(4)] + [cluster.slot("dw:realm"), cluster.slot("dw:events")]
    with stage.fault(refuses=None):
        began = time.monotonic()
        while time.monotonic() - began < 2:
            slot = slots[moved % len(slots)]
            owner = cluster.owner(slot)
            to = [m for m in cluster.masters if m is not owner][moved % 2]
            source = cluster.begin_move(slot, to)
            stage.go_on(0.02)
            cluster.end_move(slot, source, to)
            moved += 1
    asked = sum(1 for m in cluster.masters if m.info("errorstat_ASK"))
    stage.note(f"{moved} moves")
    stage.shows(asked and moved > 6, f"{moved} moves, and {asked} masters said ASK")
