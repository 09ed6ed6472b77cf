"""Firefox without a driver program: a little of the Marionette protocol, enough to open pages and to run scripts."""

import atexit
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time

import harness

PREFERENCES = {
    "app.update.enabled": False, "browser.shell.checkDefaultBrowser": False, "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False, "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False, "network.proxy.type": 0, "services.settings.server": "",
    "dom.disable_open_during_load": False, "browser.aboutwelcome.enabled": False,
}


class Firefox:
    """One headless browser with a profile of its own."""

    def __init__(self, site):
        self.site = site
        self.profile = tempfile.mkdtemp(prefix="doorward-firefox-")
        port = harness.free_port()
        with open(f"{self.profile}/user.js", "w") as f:
            for name, value in {**PREFERENCES, "marionette.port": port}.items():
                f.write(f"user_pref({json.dumps(name)}, {json.dumps(value)});\n")
        # It ends when this program is killed.
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "/usr/bin/firefox-esr", "--headless", "--no-remote", "--marionette", "--profile",
             self.profile, "about:blank"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": self.profile, "MOZ_CRASHREPORTER_DISABLE": "1"})
        atexit.register(self.quit)
        self.connection, self.buffer, self.count = self._connect(port), b"", 0
        self._read()  # it introduces itself
        self.command("WebDriver:NewSession", acceptInsecureCerts=True)
        self.command("WebDriver:SetTimeouts", pageLoad=20000, script=20000)

    def _connect(self, port):
        end = time.monotonic() + 60
        while True:
            try:
                return socket.create_connection(("127.0.0.1", port), timeout=60)
            except OSError:
                if time.monotonic() > end or self.process.poll() is not None:
                    raise
                time.sleep(0.1)

    def _read(self):
        """One message: its length in digits, a colon, JSON."""
        while b":" not in self.buffer:
            self.buffer += self._more()
        length, _, rest = self.buffer.partition(b":")
        while len(rest) < int(length):
            rest += self._more()
        self.buffer = rest[int(length):]
        return json.loads(rest[:int(length)])

    def _more(self):
        chunk = self.connection.recv(65536)
        if not chunk:
            raise RuntimeError("Firefox has ended")
        return chunk

    def command(self, command, /, **parameters):
        self.count += 1
        sent = json.dumps([0, self.count, command, parameters]).encode()
        self.connection.sendall(b"%d:%s" % (len(sent), sent))
        _, number, error, result = self._read()
        if error:
            raise RuntimeError(f"{command}: {error['error']}: {error['message']}")
        harness.check_equal(number, self.count)
        return result

    def quit(self):
        process, self.process = self.process, None
        if process:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            shutil.rmtree(self.profile, ignore_errors=True)

    # -- what the tests use, named as in chromium.Window --

    def open(self, path):
        self.command("WebDriver:Navigate", url=self.site.url + path if path.startswith("/") else path)

    def script(self, text, *arguments):
        return self.command("WebDriver:ExecuteScript", script=text, args=list(arguments))["value"]

    @property
    def address(self):
        return self.command("WebDriver:GetCurrentURL")["value"].removeprefix(self.site.url)

    @property
    def title(self):
        return self.command("WebDriver:GetTitle")["value"]

    @property
    def text(self):
        # None from one page while the next one comes.
        return self.script("return document.body && document.body.innerText") or ""

    def cookies(self):
        """Those that go to the page shown."""
        return {cookie["name"]: cookie for cookie in self.command("WebDriver:GetCookies")}

    def delete_cookie(self, name):
        self.command("WebDriver:DeleteCookie", name=name)

    def forget(self):
        """As a new browser."""
        self.open("/auth/logout")  # where all of them go
        self.command("WebDriver:DeleteAllCookies")
        self.open("about:blank")

    def sign_in(self, name="alice", path="/private/whoami"):
        self.open(path)
        harness.check_equal(self.address.split("?")[0], "/auth/login")
        self.script("""const [name, password] = arguments;
            document.querySelector('#username').value = name;
            document.querySelector('#password').value = password;
            document.querySelector('form').requestSubmit(document.querySelector('form button'))""", name, harness.PASSWORD)
        harness.wait_until(lambda: self.address == path, 10, "not signed in")
        for cookie in self.cookies().values():
            harness.remember_secret(cookie["value"])
