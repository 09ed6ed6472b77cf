"""Redis answers, but with an error. Where it can still be read, checks are answered as ever."""

import os
import subprocess
import time

import nodes
from sites import FaultSite
from stage import scenario
from stores import Cluster, until


def connections(stage, user="doorward"):
    """Ends Doorward's connections; the test's own ones belong to another user."""
    stage.store.ask("CLIENT", "KILL", "USER", user)


@scenario()
def redis_becomes_read_only(stage):
    with stage.fault():
        stage.store.ask("REPLICAOF", "127.0.0.1", "1")
        stage.go_on(0.7)
        stage.store.ask("REPLICAOF", "NO", "ONE")
    stage.spares("check")
    stage.says("READONLY")


@scenario()
def redis_is_a_replica_that_lost_its_master(stage):
    stage.store.ask("CONFIG", "SET", "replica-serve-stale-data", "no")
    with stage.fault():
        stage.store.ask("REPLICAOF", "127.0.0.1", "1")
        stage.go_on(0.7)
        stage.store.ask("REPLICAOF", "NO", "ONE")
    stage.says("MASTERDOWN")


@scenario(quick=True)
def redis_is_loading_its_data(stage):
    """A restart takes a second in which it says LOADING: that is not "no such session"."""
    store = stage.store
    store.ask("EVAL", "for i = 1, 3000 do redis.call('SET', 'filler' .. i, string.rep('x', 100)) end", 0)
    store.ask("BGREWRITEAOF")
    until(lambda: store.info("aof_rewrite_in_progress") == "0" and store.info("aof_rewrite_scheduled") == "0")
    store.options += ["--key-load-delay", "300", "--loading-process-events-interval-bytes", "1024"]
    with stage.fault():
        store.kill()
        store.start()
    stage.says("LOADING")


@scenario()
def redis_is_full(stage):
    with stage.fault():
        stage.store.ask("CONFIG", "SET", "maxmemory", "1")
        stage.go_on(0.7)
        stage.store.ask("CONFIG", "SET", "maxmemory", "0")
    stage.spares("check")
    stage.says("OOM")


@scenario()
def redis_cannot_write_to_its_disk(stage):
    """MISCONF: a directory stands where its dump should go."""
    store, place = stage.store, f"{stage.store.folder}/dump.rdb"
    os.mkdir(place)
    with stage.fault():
        store.ask("CONFIG", "SET", "save", "3600 1")
        store.ask("BGSAVE")
        until(lambda: store.info("rdb_last_bgsave_status") == "err")
        stage.go_on(0.7)
        store.ask("CONFIG", "SET", "save", "")
    stage.spares("check")
    stage.says("MISCONF")


@scenario()
def redis_is_busy_with_a_script(stage):
    store = stage.store
    store.ask("CONFIG", "SET", "busy-reply-threshold", "100")
    with stage.fault(hangs=True):
        endless = subprocess.Popen(["redis-cli", "-s", store.path, "eval", "while true do end", "0"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        stage.go_on(1)
        store.ask("SCRIPT", "KILL")
        endless.wait(10)
    stage.says("BUSY")


@scenario()
def redis_is_paused(stage):
    with stage.fault(hangs=True):
        stage.store.ask("CLIENT", "PAUSE", "1700", "ALL")
        stage.go_on(1.7)
        stage.store.ask("PING")


@scenario()
def redis_pauses_its_writers(stage):
    """As it does for a moment in each FAILOVER. What waits for them takes checks along, which note the use of a session."""
    with stage.fault(hangs=True):
        stage.store.ask("CLIENT", "PAUSE", "1700", "WRITE")
        stage.go_on(1.7)


@scenario(quick=True)
def redis_forgets_the_scripts_again_and_again(stage):
    with stage.fault(refuses=False):
        for _ in range(8):
            stage.store.ask("SCRIPT", "FLUSH")
            stage.go_on(0.1)
    stage.shows(int(stage.store.info("errorstat_NOSCRIPT").split("=")[1]) > 5, "Redis never said NOSCRIPT")


class PasswordlessSite(FaultSite):
    """Doorward is the default user, which needs no password at first."""

    def _start_redis(self):
        super()._start_redis()
        self.url = f"unix:{self.store.path}"


@scenario(site=PasswordlessSite)
def redis_wants_a_password_all_of_a_sudden(stage):
    with stage.fault():
        stage.store.ask("CONFIG", "SET", "requirepass", "another-password")
        stage.store.password = "another-password"
        connections(stage, "default")
        stage.go_on(0.7)
        stage.store.ask("CONFIG", "SET", "requirepass", "")
        stage.store.password = None
    stage.says("NOAUTH")


@scenario()
def the_password_for_redis_is_changed(stage):
    with stage.fault():
        stage.store.ask("ACL", "SETUSER", "doorward", "resetpass", ">another-password")
        connections(stage)
        stage.go_on(0.7)
        stage.store.ask("ACL", "SETUSER", "doorward", "resetpass", ">for-the-store")
    stage.says("WRONGPASS")


@scenario()
def the_rights_at_redis_are_taken_away(stage):
    """While connections are open: NOPERM from one command to the next."""
    with stage.fault():
        stage.store.ask("ACL", "SETUSER", "doorward", "-@all")
        stage.go_on(0.7)
        with open(stage.store.config) as f:
            words = f.read().split()[2:]
        stage.store.ask("ACL", "SETUSER", "doorward", "reset", *words)
    stage.says("NOPERM")


@scenario()
def redis_has_as_many_clients_as_it_takes(stage):
    admin = nodes.Redis(stage.store.path)
    with stage.fault():
        idle = [nodes.Redis(stage.store.path) for _ in range(40)]
        admin("CONFIG", "SET", "maxclients", len(idle) + 1)
        admin("CLIENT", "KILL", "USER", "doorward")
        stage.go_on(0.7)
        admin("CONFIG", "SET", "maxclients", "10000")
        for connection in idle:
            connection.reader.close()
            connection.socket.close()
    stage.says("max number of clients")


class OneMasterSite(FaultSite):
    """A cluster of one."""

    def _start_redis(self):
        self.cluster = Cluster(self, masters=1, replicas=False, options=("--appendonly", "yes", "--appendfsync", "no"))
        self.store, self.url = self.cluster.masters[0], self.cluster.url


@scenario(site=OneMasterSite)
def the_cluster_is_down(stage):
    with stage.fault():
        stage.store.ask("CLUSTER", "DELSLOTSRANGE", 0, 16383)
        until(lambda: "cluster_state:fail" in stage.store.ask("CLUSTER", "INFO"))
        stage.go_on(0.7)
        stage.store.ask("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        until(lambda: "cluster_state:ok" in stage.store.ask("CLUSTER", "INFO"))
    stage.says("CLUSTERDOWN")


@scenario()
def a_key_of_one_session_has_the_wrong_type(stage):
    """That session is refused, until the key is right again; nobody else notices."""
    from traffic import Visitor
    visitor = Visitor(stage, "victim", 150)
    victim = stage.must(visitor.sign_in())
    user = f"dw:user:{{{victim.uid}}}"
    for key in (victim.key, user, victim.key.replace(":session:", ":seen:"), f"dw:sessions:{{{victim.uid}}}"):
        with stage.fault(refuses=None):
            stage.store.ask("RENAME", key, "kept")
            stage.store.ask("SET", key, "not what it was")
            time.sleep(0.05)
            for node in stage.nodes:
                visitor.check(victim, node)
                visitor.refresh(victim, node)
            stage.store.ask("DEL", key)
            stage.store.ask("RENAME", "kept", key)
        stage.shows(visitor.check(victim), f"{key}: the session does not work again")
    others = [e for e in stage.books.events if e.truth == "alive" and not e.good and e.session is not victim]
    stage.shows(not others, f"others were refused: {others[:3]}")
