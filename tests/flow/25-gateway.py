"""Web servers that are slow, odd or gone, asked of by raw FastCGI: whoever waits for them, it is no thread that answers
checks from memory."""

import fcntl
import os
import select
import signal
import socket
import struct
import sys
import termios
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"))
import fastcgi
import nodes
from nodes import Client, Site, check_equal, parallel
from processes import hold
from stores import until

CASES = []


def remembered(client):
    """Once the messages of what was written before have come, a check is remembered."""
    for _ in range(2):
        time.sleep(0.1)
        check_equal(client.check().status, 200, "a check that is remembered")



def case(*settings):
    def mark(function):
        def run():
            site = Site("gateway", 1, settings)
            try:
                site.add_user("alice", "staff")
                client = Client(site).signed_in("alice")
                check_equal(client.check().status, 200, "the first check")
                function(site, client)
            finally:
                wrong = site.close()
            if wrong:
                raise AssertionError(wrong)
        CASES.append((function.__name__, run))
        return function
    return mark


def begin(role):
    return fastcgi.record(fastcgi.BEGIN, struct.pack("!HB5x", role, 0))


def params(client):
    return fastcgi.stream(fastcgi.PARAMS, fastcgi.pairs(client._params("GET", "/private/", client.jar, nodes.SCRIPT)))


def connect(site, sent):
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(site.socket_path("authorizer", 0))
    connection.sendall(sent)
    return connection


# What is in memory is answered from there, whatever else goes on: no use falls due, and the lease is long.
REMEMBERED = ("mirror.enabled=yes", "session.seen_every=1d", "mirror.lease_ms=10000")


@case(*REMEMBERED, "server.authorizer_threads=2")
def peers_that_stop_in_the_middle_keep_no_check_from_memory_waiting(site, client):
    remembered(client)
    request = begin(fastcgi.AUTHORIZER) + params(client)
    other_id = request.replace(fastcgi.record(fastcgi.PARAMS), struct.pack("!BBHHBB", 1, fastcgi.PARAMS, 2, 0, 0, 0))
    stops = [b"", request[:5], request[:100], request[:-8], other_id,
             # A responder's request whose body never ends; nginx asks so, with an empty one.
             begin(fastcgi.RESPONDER) + params(client)]
    slow = [connect(site, sent) for sent in stops * 4]
    for _ in range(100):
        check_equal(client.check().status, 200, "a check while others are slow")
    # Two threads may wait: had the checks needed one, some of these had been given up by now.
    given_up = select.select(slow, [], [], 0)[0]
    check_equal(len(given_up), 0, "slow peers that were given up before the checks were answered")
    for connection in slow:
        connection.close()
    check_equal(client.check().status, 200, "a check afterwards")


@case("mirror.enabled=yes")
def a_request_in_small_pieces_is_answered_like_any_other(site, client):
    for request in (begin(fastcgi.AUTHORIZER) + params(client),
                    begin(fastcgi.RESPONDER) + fastcgi.stream(fastcgi.PARAMS, fastcgi.pairs(
                        [("AUTH_ROLE", "AUTHORIZER"), *client._params("GET", "/private/", client.jar, nodes.SCRIPT)])) +
                    fastcgi.record(fastcgi.STDIN)):
        connection = connect(site, b"")
        for at in range(0, len(request), 40):
            connection.sendall(request[at:at + 40])
            time.sleep(0.001)
        answer = fastcgi.read_answer(connection)
        check_equal((answer.status, answer.variables["AUTH_USER"]), (200, "alice"), "check")
        connection.close()


@case(*REMEMBERED, "mirror.lease_ms=3000", "server.authorizer_threads=2", "store.timeout_ms=3000")
def checks_that_wait_for_a_hung_store_keep_no_check_from_memory_waiting(site, client):
    """And each of them gets its 503 in the end, however many there are."""
    redis = next(process for name, process in site.processes if name == "redis")
    others = [Client(site).signed_in("alice") for _ in range(30)]
    remembered(client)
    answers = []
    hold(redis.pid)
    try:
        # Within the lease what is known counts; the others are unknown to the mirror.
        unknown = [connect(site, begin(fastcgi.AUTHORIZER) + params(other)) for other in others]
        check_equal(client.check().status, 200, "a check from memory")
        check_equal(len(select.select(unknown, [], [], 0)[0]), 0, "answers that the store had no part in")
        answers = [fastcgi.read_answer(connection).status for connection in unknown]
    finally:
        os.kill(redis.pid, signal.SIGCONT)
    check_equal(set(answers), {503}, "answers without the store")


@case("mirror.enabled=yes", "server.authorizer_threads=1")
def two_hundred_at_once_are_all_answered_by_one_thread_that_waits(site, client):
    clients = [Client(site).signed_in("alice") for _ in range(20)]
    replies = parallel([lambda c=clients[i % 20]: c.check() for i in range(200)])
    check_equal({reply.status for reply in replies}, {200}, "answers")


def time_questions(site):
    """How often Redis was asked the time, which goes along with each question of a check."""
    stats = site.redis("INFO", "commandstats")
    stats = stats.decode() if isinstance(stats, bytes) else stats
    return next((int(line.split("calls=")[1].split(",")[0]) for line in stats.splitlines()
                 if line.startswith("cmdstat_time:")), 0)


def asked_together(site, client):
    """Sessions of several kinds, asked about at once: each gets its own answer, and few questions go to Redis."""
    node = next(process for name, process in site.processes if name == "node0")
    names = ["bob", "carol", "dave", "erin", "frank"]
    for name in names:
        site.add_user(name, name)
    people = {name: Client(site).signed_in(name) for name in names}
    for person in people.values():
        check_equal(person.check().status, 200, "each alone")
    ended = nodes.claims(people["carol"].jar[nodes.ACCESS])
    site.redis("DEL", f"dw:session:{{{ended['sub']}}}:{ended['sid']}")
    site.redis("HSET", f"dw:user:{{{nodes.uid_of('dave')}}}", "disabled", "1")
    time.sleep(0.4)  # the lease is over, and so is what was believed
    forged = Client(site)
    forged.jar[nodes.ACCESS] = people["erin"].jar[nodes.ACCESS][:-8] + "AAAAAAAA"
    asked = [("bob", people["bob"]), ("reason", people["carol"]), ("reason", people["dave"]), ("reason", forged),
             ("erin", people["erin"]), ("reason", Client(site)), ("frank", people["frank"]), ("alice", client)]
    before = time_questions(site)
    hold(node.pid)
    try:
        waiting = [(who, connect(site, begin(fastcgi.AUTHORIZER) + params(person))) for who, person in asked * 5]
    finally:
        os.kill(node.pid, signal.SIGCONT)
    for who, connection in waiting:
        answer = fastcgi.read_answer(connection)
        got = (answer.status, answer.variables.get("AUTH_USER"), answer.variables.get("AUTH_ROLES"))
        role = "staff" if who == "alice" else who
        check_equal(got, (401, None, None) if who == "reason" else (200, who, role), f"the answer about {who}")
    return time_questions(site) - before


@case("mirror.enabled=no")
def checks_that_come_together_ask_once_and_each_gets_its_own_answer(site, client):
    questions = asked_together(site, client)
    # Thirty of the forty need the store.
    check_equal(0 < questions <= 15, True, f"{questions} questions for 30 checks")


@case("mirror.enabled=yes")
def what_memory_does_not_know_is_asked_together(site, client):
    asked_together(site, client)


def wake_ups(pid):
    """How often each thread went to sleep and was woken."""
    counts = {}
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status", encoding="ascii") as status:
            counts[task] = next(int(line.split()[1]) for line in status if line.startswith("voluntary_ctxt"))
    return counts


@case("mirror.enabled=no")
def a_store_that_answers_at_once_is_asked_by_the_thread_that_accepts(site, client):
    node = next(process for name, process in site.processes if name == "node0")
    # An answer that a busy machine delays sends some checks to the pool; a pool that is always asked never stays asleep.
    for _ in range(5):
        before = wake_ups(node.pid)
        for _ in range(200):
            check_equal(client.check().status, 200, "check")
        woken = sorted(count - before[task] for task, count in wake_ups(node.pid).items())
        if woken[-1] >= 200 and sum(woken[:-1]) < 100:
            return
    raise AssertionError(f"of all threads only one is woken by 200 checks: {woken}")


@case("mirror.enabled=no", "store.timeout_ms=2000")
def a_store_that_takes_its_time_is_waited_for_by_the_pool_and_nobody_is_refused(site, client):
    others = [Client(site).signed_in("alice") for _ in range(4)]
    for person in others:
        check_equal(person.check().status, 200, "each alone")
    redis = next(process for name, process in site.processes if name == "redis")

    def hang(pause_ms):
        hold(redis.pid)
        time.sleep(pause_ms / 1000)
        os.kill(redis.pid, signal.SIGCONT)

    for pause_ms in (3, 20, 150):
        answers = parallel([lambda: hang(pause_ms)] +
                           [lambda p=person: p.check() for person in (client, *others) for _ in range(8)])
        check_equal({reply.status for reply in answers[1:]}, {200}, f"checks while Redis hangs for {pause_ms} ms")
    check_equal(client.check().status, 200, "a check afterwards")


@case("mirror.enabled=no")
def a_record_that_cannot_be_read_spoils_no_answer_beside_it(site, client):
    node = next(process for name, process in site.processes if name == "node0")
    broken = [Client(site).signed_in("alice") for _ in range(2)]
    for person in broken:
        session = nodes.claims(person.jar[nodes.ACCESS])
        key = f"dw:session:{{{session['sub']}}}:{session['sid']}"
        site.redis("DEL", key)
        site.redis("SET", key, "no hash", "EX", "1000")
    hold(node.pid)
    try:
        waiting = [(expected, connect(site, begin(fastcgi.AUTHORIZER) + params(person)))
                   for expected, person in [(503, broken[0]), (200, client), (503, broken[1]), (200, client)] * 4]
    finally:
        os.kill(node.pid, signal.SIGCONT)
    check_equal([fastcgi.read_answer(connection).status for _, connection in waiting], [e for e, _ in waiting], "answers")


def unread(connection):
    """Bytes of what was sent that the other side has not read."""
    return struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, b"\0" * 4))[0]


@case("mirror.enabled=yes")
def what_is_in_hand_is_answered_before_the_program_ends(site, client):
    redis = next(process for name, process in site.processes if name == "redis")
    node = next(process for name, process in site.processes if name == "node0")
    other = Client(site).signed_in("alice")
    hold(redis.pid)
    try:
        waiting = connect(site, begin(fastcgi.AUTHORIZER) + params(other))
        until(lambda: not unread(waiting), what="the check has been read")
        node.terminate()
        status = fastcgi.read_answer(waiting).status
    finally:
        os.kill(redis.pid, signal.SIGCONT)
    check_equal(status, 503, "the answer")
    check_equal(node.wait(20), 0, "exit status")
    site.processes.remove(("node0", node))


if __name__ == "__main__":
    nodes.main(CASES)
