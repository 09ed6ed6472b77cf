"""The network between Doorward and Redis, in a network of its own, where the kernel's filter drops or rejects."""

import contextlib
import subprocess

from stage import scenario
from traffic import Visitor

BOTH, REPLIES = ("--dport", "--sport"), ("--sport",)


def filtered(yes, port, sides, target):
    for side in sides:
        # What Doorward's host sends leaves, what it gets does not arrive: the same machine here, so INPUT sees both.
        subprocess.run(["iptables", "-w", "-A" if yes else "-D", "INPUT", "-p", "tcp", side, str(port), "-j", *target], check=True)


@contextlib.contextmanager
def broken(stage, sides=BOTH, target=("DROP",)):
    filtered(True, stage.store.port, sides, target)
    try:
        yield
    finally:
        filtered(False, stage.store.port, sides, target)


def end_behind(stage):
    """A session that is ended at Redis while Doorward cannot hear of it."""
    visitor = Visitor(stage, "victim", 150)
    session = stage.must(visitor.sign_in())
    for node in stage.nodes:
        stage.shows(visitor.check(session, node), "the session does not live before")
    return visitor, session


@scenario(quick=True, network=True, tcp=True)
def packets_are_lost_both_ways(stage):
    """Who is signed out meanwhile, by another way, is believed for the lease and no longer."""
    visitor, session = end_behind(stage)
    with stage.fault(hangs=True):
        with broken(stage):
            stage.store.ask("DEL", session.key)
            session.end()
            for _ in range(60):
                visitor.check_ended(session)
                stage.go_on(0.03)
    visitor.check_ended(session)
    last = stage.books.events[-1].status
    stage.shows(last == 401, f"whoever was signed out gets {last} after the fault")


@scenario(network=True, tcp=True)
def replies_are_lost_and_requests_arrive(stage):
    with stage.fault(hangs=True):
        with broken(stage, REPLIES):
            stage.go_on(1.8)


@scenario(network=True, tcp=True)
def connections_are_reset(stage):
    with stage.fault(hangs=True):
        with broken(stage, BOTH, ("REJECT", "--reject-with", "tcp-reset")):
            stage.go_on(1)


@scenario(network=True, tcp=True)
def the_other_end_is_gone_and_did_not_say_so(stage):
    """Half-open connections: Redis was restarted while packets were lost, and knows none of them."""
    with stage.fault(hangs=True):
        with broken(stage):
            stage.store.kill()
            stage.store.start()
            stage.go_on(1.6)
