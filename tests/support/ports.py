"""TCP ports for servers of tests. Between the choice of a port and its use lies time, in which another test, beside this
one or of another checkout, must not choose it too: each is claimed by a lock on a file of its number, which the kernel
takes back when this process ends."""

import fcntl
import os
import random
import socket

# Below the range of outgoing connections, of which one could take it before the server does.
PORTS = range(18000, 32000)
LOCKS = f"/tmp/doorward-ports.{os.getuid()}"
_claims = []


def is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False


def claim(port):
    """Whether nobody has it; then nobody else who asks so gets it."""
    os.makedirs(LOCKS, exist_ok=True)
    lock = os.open(f"{LOCKS}/{port}", os.O_RDONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return False
    if not is_free(port):
        os.close(lock)
        return False
    _claims.append(lock)
    return True


def free_port(among=PORTS, above=None):
    """One that belongs to this process until it ends; so does, where asked for, the one so far above it."""
    for port in random.sample(among, len(among)):
        if claim(port) and (above is None or claim(port + above)):
            return port
    raise RuntimeError(f"no free port in {among}")
