"""The network between Doorward and Redis swallows every packet, and nobody is told: in a network of its own, where the
kernel's filter drops them. Whoever is signed out meanwhile is believed for the lease, and no longer."""

import os
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"))
import nodes
from nodes import Client, Site, check_equal

PORT = "27017"
LEASE_SEC = 0.3
RULES = (("INPUT", "--dport"), ("INPUT", "--sport"))


def drop(yes):
    for chain, side in RULES:
        subprocess.run(["iptables", "-w", "-A" if yes else "-D", chain, "-p", "tcp", side, PORT, "-j", "DROP"],
                       check=True)


def until(wanted, client):
    """Checks until one is answered so; the answers before it with the moments at which they were asked for."""
    seen, end = [], time.monotonic() + 20
    while time.monotonic() < end:
        asked = time.monotonic()
        status = client.check().status
        if status == wanted:
            return seen
        seen.append((asked, status))
        time.sleep(0.005)
    raise AssertionError(f"no {wanted} within 20 s; the last answers: {[s for _, s in seen[-5:]]}")


def lost_packets_are_believed_for_the_lease_and_no_longer():
    site = Site("lost", 1, ("mirror.enabled=yes", "mirror.heartbeat_ms=100", "mirror.lease_ms=300",
                            f"store.url=redis://127.0.0.1:{PORT}", "store.timeout_ms=1000"))
    try:
        site.redis("CONFIG", "SET", "port", PORT)
        site.add_user("alice", "staff")
        stays, goes = Client(site).signed_in("alice"), Client(site).signed_in("alice")
        for client in (stays, goes):
            until(200, client)
        drop(True)
        dropped = time.monotonic()
        # By another way: Doorward cannot hear of it.
        session = nodes.claims(goes.jar[nodes.ACCESS])
        check_equal(site.redis("DEL", f"dw:session:{{{session['sub']}}}:{session['sid']}"), 1, "sessions ended")
        seen = until(503, goes)
        late = [asked - dropped for asked, status in seen if status == 200 and asked - dropped > LEASE_SEC]
        check_equal(late, [], "let in after the lease")
        check_equal({status for _, status in seen} <= {200}, True, "answers but 200 before the first 503")
        # It does not know: that is no "no", for anybody.
        check_equal({client.check().status for client in (stays, goes) for _ in range(5)}, {503}, "checks meanwhile")
        drop(False)
        until(401, goes)
        until(200, stays)
    finally:
        wrong = site.close()
    if wrong:
        raise AssertionError(wrong)


if __name__ == "__main__":
    if os.environ.get("DOORWARD_OWN_NETWORK") != "yes":
        os.execvpe("unshare", ["unshare", "--net", sys.executable, *sys.argv],
                   dict(os.environ, DOORWARD_OWN_NETWORK="yes"))
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    nodes.main([(f.__name__, f) for f in (lost_packets_are_believed_for_the_lease_and_no_longer,)])
