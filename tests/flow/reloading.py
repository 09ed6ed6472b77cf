"""Settings changed under a running Doorward."""

import contextlib
import os
import signal

from harness import wait_until


def reload_settings(site, text):
    """Writes the file and lets Doorward read it."""
    path, before = f"{site.state}/doorward.conf", site.log_text().count("reloaded")
    with open(path, "w") as f:
        f.write(text)
    os.kill(site.parts["doorward"], signal.SIGHUP)
    wait_until(lambda: site.log_text().count("reloaded") > before,
               what="not reloaded: " + "".join(site.log_text().splitlines(True)[-3:]))


@contextlib.contextmanager
def settings(site, *changes):
    """Doorward works with these ("section.key=value"), which must not stand in the file yet, and at the end
    without them again."""
    with open(f"{site.state}/doorward.conf") as f:
        before = f.read()
    added = ""
    for change in changes:
        key, value = change.split("=", 1)
        section, name = key.split(".", 1)
        added += f"[{section}]\n{name} = {value}\n"
    reload_settings(site, before + added)
    try:
        yield
    finally:
        if site.shift:
            site.shift_clock(0)
        reload_settings(site, before)
