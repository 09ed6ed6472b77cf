"""Between Doorward and Redis: a socket whose replies a scenario delays, cuts, holds back or invents."""

import os
import socket
import threading
import time


class Proxy:
    """Hands on bytes both ways, but for what `replies` (a function of connection, data) makes of what Redis says, and
    `requests` of what is asked of it. Each returns the bytes to hand on, or raises Cut."""

    class Cut(Exception):
        """The connection ends, after these bytes."""

        def __init__(self, rest=b""):
            super().__init__()
            self.rest = rest

    def __init__(self, path, target):
        self.path, self.target = path, target
        self.plain()
        self.socket = socket.socket(socket.AF_UNIX)
        if os.path.exists(path):
            os.unlink(path)
        self.socket.bind(path)
        self.socket.listen(256)
        threading.Thread(target=self._serve, daemon=True).start()

    def plain(self):
        """As if it were not there, for what comes from now on."""
        self.replies = self.requests = lambda connection, data: data

    def _serve(self):
        while True:
            near, _ = self.socket.accept()
            far = socket.socket(socket.AF_UNIX)
            try:
                far.connect(self.target)
            except OSError:
                near.close()
                continue
            for source, to, name in ((near, far, "requests"), (far, near, "replies")):
                threading.Thread(target=self._pump, args=(near, source, to, name), daemon=True).start()

    def _pump(self, near, source, to, name):
        try:
            while data := source.recv(65536):
                data = getattr(self, name)(near, data)
                if data:
                    to.sendall(data)
        except Proxy.Cut as cut:
            if cut.rest:
                to.sendall(cut.rest)
        except OSError:
            pass
        for end in (to, source):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def drip(seconds):
    """One byte at a time."""
    def replies(connection, data):
        for at in range(len(data)):
            connection.sendall(data[at:at + 1])
            time.sleep(seconds)
        return b""
    return replies


class CutAfter:
    """Cuts the connection after that many bytes of replies in all. Once, and all is well; or ever after."""

    def __init__(self, proxy, count, once):
        self.proxy, self.left, self.once, self.done = proxy, count, once, False
        self.lock = threading.Lock()

    def __call__(self, connection, data):
        with self.lock:
            if self.done and self.once:
                return data
            if len(data) <= self.left and not self.done:
                self.left -= len(data)
                return data
            rest, self.left, self.done = data[:self.left], 0, True
        raise Proxy.Cut(rest)


class Count:
    """How many bytes of replies came."""

    def __init__(self):
        self.bytes = 0

    def __call__(self, connection, data):
        self.bytes += len(data)
        return data
