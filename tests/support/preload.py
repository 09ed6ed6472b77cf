"""What tests preload into the programs: the C files beside this one, and the clock that moved_clock.c moves."""

import os
import struct
import subprocess

HERE = os.path.dirname(os.path.realpath(__file__))


def library(name, folder):
    """NAME.c, compiled into that folder if it is not there, for LD_PRELOAD."""
    source, made = f"{HERE}/{name}.c", f"{folder}/{name}.so"
    if not os.path.exists(made) or os.path.getmtime(made) < os.path.getmtime(source):
        subprocess.run(["cc", "-O2", "-Wall", "-Werror", "-D_GNU_SOURCE", "-shared", "-fPIC",
                        "-o", f"{made}.{os.getpid()}", source], check=True)
        os.rename(f"{made}.{os.getpid()}", made)
    return made


def moved_clock(file, folder, monotonic=False):
    """The environment of a program whose clock that file moves. monotonic: time passes for it."""
    return {"LD_PRELOAD": library("moved_clock", folder), "MOVED_CLOCK": file, "MOVED_MONOTONIC": "1" if monotonic else ""}


def move_clock(file, ahead_sec):
    """In place: the programs that run have it mapped."""
    with open(file, "r+b" if os.path.exists(file) else "wb") as f:
        f.write(struct.pack("=q", ahead_sec))
