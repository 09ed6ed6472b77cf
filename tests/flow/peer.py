"""A FastCGI application whose answer a test chooses: what a web server makes of it."""

import os
import socket
import struct
import threading

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT = 1, 2, 3, 4, 5, 6
RESPONDER = 1


def record(kind, content=b"", request_id=1):
    return struct.pack("!BBHHBB", 1, kind, request_id, len(content), 0, 0) + content


def whole(text):
    """A well-formed answer of this text."""
    return record(STDOUT, text) + record(STDOUT) + record(END, b"\0" * 8)


def parse_params(data):
    params, i = {}, 0

    def length():
        nonlocal i
        n = data[i]
        i += 1
        if n & 0x80:
            n = int.from_bytes(bytes([n & 0x7F]) + data[i:i + 3], "big")
            i += 3
        return n

    while i < len(data):
        name_len, value_len = length(), length()
        params[data[i:i + name_len].decode("latin-1")] = data[i + name_len:i + name_len + value_len].decode("latin-1")
        i += name_len + value_len
    return params


class Peer:
    """Listens on a Unix socket's path or a (host, port). answer(params) gives the bytes to send, or None to send
    nothing and keep the connection open until the peer is stopped."""

    def __init__(self, address, answer):
        self.answer = answer
        self.requests = []
        self.held = []
        if isinstance(address, str):
            if os.path.exists(address):
                os.unlink(address)
            self.socket = socket.socket(socket.AF_UNIX)
        else:
            self.socket = socket.socket()
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(address)
        if isinstance(address, str):
            os.chmod(address, 0o666)
        self.socket.listen(64)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection):
        params, stream, responder = b"", connection.makefile("rb"), False
        # Closed before the body's end has come, the web server's write of it would fail: no answer at all. An
        # authorizer is sent no body.
        while True:
            head = stream.read(8)
            if len(head) < 8:
                connection.close()
                return
            _, kind, _, length, padding, _ = struct.unpack("!BBHHBB", head)
            content = stream.read(length)
            stream.read(padding)
            if kind == BEGIN:
                responder = content[1] == RESPONDER
            params += content if kind == PARAMS else b""
            if not length and kind == (STDIN if responder else PARAMS):
                break
        self.requests.append(parse_params(params))
        reply = self.answer(self.requests[-1])
        if reply is None:
            self.held.append(connection)
            return
        try:
            connection.sendall(reply)
        except OSError:
            pass
        stream.close()
        connection.close()

    def close(self):
        # accept() holds the socket open until it is woken.
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for connection in self.held:
            connection.close()
