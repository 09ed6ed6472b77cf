"""What the browser tests need: headless Chromium in front of a demo (tests/flow/harness.py).

A test is a function marked @test, named as a sentence, that takes the Window: one browser per site,
without cookies and with one empty tab at the start of each test. A test also fails when a page had
anything to complain about: a violation of its Content-Security-Policy, an error of a script.
"""

import atexit
import base64
import hashlib
import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.parse

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, "tests", "flow"))
os.environ.setdefault("DOORWARD_FLOW", os.path.join(os.environ.get("DOORWARD_BUILD", os.path.join(ROOT, "build")),
                                                    "browser-test"))

import harness  # noqa: E402
from selenium import webdriver  # noqa: E402
from selenium.common.exceptions import WebDriverException  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402, F401 (for the tests)

SCREENSHOTS = os.path.join(harness.BUILD, "screenshots")
PAGE = "/private/"
TOO_QUICK = "Autofocus processing was blocked because a document already has a focused element"
# For Site(edit=...): Apache takes the access cookie out of its answers to a browser of this name.
FORGETFUL = "Mozilla/5.0 (X11; Linux x86_64) Forgetful/1.0"
LOSES_COOKIE = ('/# What Doorward.s refusals look like/i\\\n'
                '\tHeader always edit Set-Cookie "^__Host-Http-doorward=.*" "" "expr=%{HTTP_USER_AGENT} =~ /Forgetful/"\n')
ARGUMENTS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--disable-extensions", "--no-proxy-server", "--mute-audio", "--lang=en",
             "--window-size=1280,800")


# ---- the runner ----

class Case:
    """A test as harness.main wants it: takes the site, is named and placed as the function."""

    def __init__(self, function):
        self.function = function
        self.__name__ = function.__name__
        self.__code__ = function.__code__

    def __call__(self, site):
        window = Window.of(site)
        window.reset()
        try:
            self.function(window)
            window.check_no_complaints()
        except BaseException:
            window.photograph(f"{harness.FLOW}/failed-{site.server}-{self.__name__}.png")
            raise
        finally:
            if site.shift:
                site.shift_clock(0)


def test(function):
    harness.test(Case(function))
    return function


def main(servers=("apache",), **site_options):
    # A time limit's SIGTERM ends the browser as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    # Its programs are the ones a user gets: the sanitized ones are for tests/flow.
    harness.main(servers, **{"sanitized": False, **site_options})


# ---- the browser ----

def key_digest(site):
    """Of the demo's certificate: one key is believed, instead of all errors being ignored, since
    Chromium keeps nothing in its cache that came with an error."""
    certificate = subprocess.run(["openssl", "x509", "-in", f"{site.state}/cert.pem", "-noout", "-pubkey"],
                                 check=True, capture_output=True).stdout
    key = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=certificate, check=True,
                         capture_output=True).stdout
    return base64.b64encode(hashlib.sha256(key).digest()).decode()


class Window:
    """The tab in front, and the ones behind it."""

    windows = {}

    @classmethod
    def of(cls, site, **options):
        """The browser for this site; another one for other options (see __init__)."""
        key = site.state, tuple(sorted(options.items()))
        for other in [k for k in cls.windows if k[0] != key[0]]:
            cls.windows.pop(other).quit()
        if key not in cls.windows:
            cls.windows[key] = Window(site, **options)
        return cls.windows[key]

    def __init__(self, site, cookies=True):
        """cookies: False for a browser whose user has forbidden them."""
        self.site = site
        self.profile = tempfile.mkdtemp(prefix="doorward-browser-")
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for argument in ARGUMENTS:
            options.add_argument(argument)
        options.add_argument(f"--user-data-dir={self.profile}")
        options.add_argument(f"--ignore-certificate-errors-spki-list={key_digest(site)}")
        options.add_experimental_option("excludeSwitches", ["enable-automation"])
        preferences = {"credentials_enable_service": False, "profile.password_manager_leak_detection": False}
        if not cookies:
            preferences["profile.default_content_setting_values.cookies"] = 2
        options.add_experimental_option("prefs", preferences)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        os.environ["no_proxy"] = "localhost,127.0.0.1"
        self.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver", port=harness.free_port()), options=options)
        self.driver.set_page_load_timeout(20)
        self.driver.set_script_timeout(30)
        self.complaints = []
        atexit.register(self.quit)

    def quit(self):
        driver, self.driver = self.driver, None
        if driver:
            try:
                driver.quit()
            except WebDriverException:
                pass
            shutil.rmtree(self.profile, ignore_errors=True)

    def reset(self):
        """As a new browser: one empty tab, no cookies, no emulation."""
        first, *others = self.driver.window_handles
        for handle in others:
            self.driver.switch_to.window(handle)
            self.driver.close()
        self.driver.switch_to.window(first)
        self.command("Emulation.setScriptExecutionDisabled", value=False)
        self.command("Emulation.clearDeviceMetricsOverride")
        self.command("Emulation.setEmulatedMedia", features=[])
        self.command("Network.setUserAgentOverride", userAgent="")
        self.command("Network.setExtraHTTPHeaders", headers={})
        self.command("Network.clearBrowserCookies")
        self.command("Network.clearBrowserCache")
        self.command("Storage.clearDataForOrigin", origin=self.site.url, storageTypes="all")
        self.driver.get("about:blank")
        self.driver.get_log("browser")
        self.driver.get_log("performance")
        self.complaints = []

    def command(self, command, /, **parameters):
        """A command of the DevTools protocol."""
        return self.driver.execute_cdp_cmd(command, parameters)

    # -- where it is --

    def open(self, path):
        """As an address typed by the user."""
        self.driver.get(path if "://" in path else self.site.url + path)

    @property
    def address(self):
        """Path, query and fragment of the page shown; the whole address on another origin."""
        return self.driver.current_url.removeprefix(self.site.url)

    @property
    def title(self):
        return self.driver.title

    @property
    def text(self):
        return self.driver.find_element(By.TAG_NAME, "body").text

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def has(self, selector):
        return bool(self.driver.find_elements(By.CSS_SELECTOR, selector))

    @property
    def focus(self):
        """The id (or else the text) of the element with the focus."""
        element = self.driver.switch_to.active_element
        return element.get_attribute("id") or element.text

    def press(self, *keys):
        ActionChains(self.driver).send_keys(*keys).perform()

    def click(self, text):
        """The button or link of that text; waits for the page that it leads to."""
        self.leave(self.driver.find_element(By.XPATH, f"//*[self::a or self::button][normalize-space()='{text}']").click)

    def leave(self, action):
        """Does something that leads to another page, and waits until that is there."""
        page = self.find("html")
        action()

        def gone():
            try:
                page.is_enabled()
                return False
            except WebDriverException:
                return True
        harness.wait_until(gone, 10, f"still on {self.address}")
        harness.wait_until(lambda: self.script("return document.readyState") == "complete", 10, "still loading")

    def back(self):
        self.driver.back()
        harness.wait_until(lambda: self.script("return document.readyState") == "complete", 10, "still loading")

    def script(self, text, *arguments):
        return self.driver.execute_script(text, *arguments)

    def run(self, text, *arguments):
        """The value that an asynchronous function of this body returns; its arguments are in given."""
        done = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            f"(async (...given) => {{ {text} }})(...[...arguments].slice(0, -1))"
            ".then((value) => done({ value }), (error) => done({ error: String(error) }))", *arguments)
        if "error" in done:
            raise AssertionError(f"the script failed: {done['error']}")
        return done.get("value")

    # -- tabs --

    @property
    def tab(self):
        return self.driver.current_window_handle

    def new_tab(self, path=None):
        self.gather()
        self.driver.switch_to.new_window("tab")
        if path:
            self.open(path)
        return self.tab

    def switch(self, tab):
        self.gather()
        self.driver.switch_to.window(tab)

    # -- what it was told --

    def gather(self):
        """A line of the log about a status is no complaint: refusals are what the tests are about. Nor is one about fingers
        that were in a field before the page had put the cursor there: whoever drives the browser may be so quick."""
        for entry in self.driver.get_log("browser"):
            if entry["source"] != "network" and TOO_QUICK not in entry["message"]:
                self.complaints.append(f"{entry['source']}: {entry['message']}")

    def check_no_complaints(self):
        self.gather()
        harness.check_equal(self.complaints, [], "the browser complained")

    def requests(self):
        """(method, path) of the requests since the last call, redirects included."""
        sent = []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                request = message["params"]["request"]
                if request["url"].startswith(self.site.url) and not request["url"].endswith("/favicon.ico"):
                    sent.append((request["method"], request["url"].removeprefix(self.site.url).split("?")[0]))
        return sent

    def cookies(self):
        return {cookie["name"]: cookie for cookie in self.command("Storage.getCookies")["cookies"]
                if cookie["domain"] == "localhost"}

    def cookie_value(self, name):
        cookie = self.cookies().get(name)
        return cookie and cookie["value"]

    def plant_cookie(self, name, value, path):
        self.command("Network.setCookie", name=name, value=value, url=f"{self.site.url}{path}", path=path, secure=True,
                     httpOnly=True, sameSite="Strict")

    def delete_cookie(self, name):
        self.command("Network.deleteCookies", name=name, url=f"{self.site.url}/auth/")

    # -- what its user does --

    def fill_in(self, name="alice", password=harness.PASSWORD):
        for field, value in (("username", name), ("password", password)):
            element = self.find(f"#{field}")
            element.clear()
            element.send_keys(value)

    def submit(self, name="alice", password=harness.PASSWORD):
        """Fills in the sign-in form that is shown, and sends it."""
        self.fill_in(name, password)
        self.click("Sign in")
        for cookie in self.cookies().values():
            harness.remember_secret(cookie["value"])

    def sign_in(self, name="alice", path=PAGE):
        self.open(path)
        self.check_form()
        self.submit(name)
        harness.check_equal(self.address, path)

    def check_form(self):
        harness.check_equal((self.title, self.address.split("?")[0].split("#")[0]), ("Sign in · Doorward", "/auth/login"))

    # -- how it looks --

    def emulate(self, width, height, scheme="light"):
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                     mobile=width < 600)
        self.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def photograph(self, path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        try:
            self.driver.save_screenshot(path)
        except WebDriverException:
            pass


# ---- another site ----

class Stranger(http.server.ThreadingHTTPServer):
    """Another site. pages: by path the text of a page, or (status, headers, body)."""

    daemon_threads = True

    def __init__(self, pages):
        self.pages = pages
        super().__init__(("127.0.0.1", 0), Stranger.Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self):
        self.shutdown()
        self.server_close()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            page = self.server.pages.get(urllib.parse.urlsplit(self.path).path, (404, {}, ""))
            if isinstance(page, str):
                page = 200, {"Content-Type": "text/html; charset=utf-8"}, f"<!doctype html><title>Stranger</title><body>{page}"
            status, headers, body = page
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *arguments):
            pass
