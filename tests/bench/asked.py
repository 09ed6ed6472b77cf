"""Files of FastCGI requests for tests/bench/drive.c."""

import os
import struct
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"))
import fastcgi


def check_bytes(params):
    """A check as nginx sends it: a responder request (AUTH_ROLE says what it is) without a body."""
    return (fastcgi.record(fastcgi.BEGIN, struct.pack("!HB5x", fastcgi.RESPONDER, 0)) +
            fastcgi.stream(fastcgi.PARAMS, fastcgi.pairs(params)) + fastcgi.record(fastcgi.STDIN))


def page_bytes(params, body=b""):
    return (fastcgi.record(fastcgi.BEGIN, struct.pack("!HB5x", fastcgi.RESPONDER, 0)) +
            fastcgi.stream(fastcgi.PARAMS, fastcgi.pairs(params)) + fastcgi.stream(fastcgi.STDIN, body))


def write_raw(path, requests):
    with open(path, "wb") as f:
        for request in requests:
            f.write(struct.pack("<I", len(request)) + request)


def write_requests(path, checks):
    write_raw(path, (check_bytes(params) for params in checks))
