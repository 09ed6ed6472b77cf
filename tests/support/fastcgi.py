"""A FastCGI client: one request per connection, as web servers ask."""

import os
import socket
import struct

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR = 1, 2, 3, 4, 5, 6, 7
RESPONDER, AUTHORIZER = 1, 2


def record(kind, content=b""):
    return struct.pack("!BBHHBB", 1, kind, 1, len(content), 0, 0) + content


def stream(kind, data):
    """The records of a stream, with the empty one that ends it."""
    parts = [record(kind, data[at:at + 65535]) for at in range(0, len(data), 65535)]
    return b"".join(parts) + record(kind)


def length(n):
    return struct.pack("!B", n) if n < 128 else struct.pack("!I", n | 0x80000000)


def pairs(params):
    out = []
    for name, value in params:
        name, value = name.encode(), value.encode("utf-8", "surrogateescape")
        out += [length(len(name)), length(len(value)), name, value]
    return b"".join(out)


class Answer:
    def __init__(self, stdout):
        head, self.separator, self.body = stdout.partition(b"\r\n\r\n")
        self.lines = head.decode("latin-1").split("\r\n")
        self.headers = [tuple(line.split(": ", 1)) for line in self.lines if ": " in line]
        name, _, value = self.lines[0].partition(": ")
        self.status = int(value.split()[0]) if name == "Status" and self.separator else 0

    def __repr__(self):
        return f"<{self.status} {self.body[:200]!r}>"

    def header(self, name):
        found = [value for n, value in self.headers if n.lower() == name.lower()]
        return found[0] if found else None

    def all(self, name):
        return [value for n, value in self.headers if n.lower() == name.lower()]

    @property
    def variables(self):
        return {n[len("Variable-"):]: value for n, value in self.headers if n.startswith("Variable-")}

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")


class Silence(Exception):
    """The connection ended without a whole answer."""


def read_answer(connection):
    stdout, data = b"", b""
    while True:
        while len(data) >= 8:
            _, kind, _, size, padding, _ = struct.unpack("!BBHHBB", data[:8])
            if len(data) < 8 + size + padding:
                break
            content, data = data[8:8 + size], data[8 + size + padding:]
            if kind == STDOUT:
                stdout += content
            elif kind == END:
                return Answer(stdout)
        chunk = connection.recv(65536)
        if not chunk:
            raise Silence(f"after {stdout[:200]!r}")
        data += chunk


def ask(path, params, body=b"", role=RESPONDER, timeout=20):
    """One request to the socket at this path; params: (name, value) pairs, in this order."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        # Waits in connect where many do; with a time-out set it would fail at once.
        connection.connect(path)
        connection.settimeout(timeout)
        connection.sendall(record(BEGIN, struct.pack("!HB5x", role, 0)) + stream(PARAMS, pairs(params)) +
                           (stream(STDIN, body) if role == RESPONDER else b""))
        return read_answer(connection)
    finally:
        connection.close()
