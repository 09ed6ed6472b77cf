"""The web servers as the benchmark configures them: plain HTTP, no access log, unlimited keep-alive, one static file of
1 KiB; the few lines that put Doorward before it are taken from the example files of the project root.

"part": the lines of the example that ask, in an otherwise minimal site; the same for each authorizer. "whole": the
complete example, which does more than ask (it strips headers, shows pages for refusals, and so on). "none": no question.

asked: where the authorizer listens, a path, or a port for apache; for fcgid (program, settings file), the latter None
for the null authorizer. pages: the responder's path, where the whole example is wanted.
"""

import os
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
import plant
from plant import ROOT

MODULES = os.environ.get("APACHE_MODS", "/usr/lib/apache2/modules")
USER = "www-data" if os.getuid() == 0 else None
PATH = "/private/file.txt"


class Wanted(Exception):
    """An example file does not hold what is expected of it."""


def example(name):
    with open(f"{ROOT}/{name}") as f:
        return f.read()


def cut(text, pattern):
    found = re.search(pattern, text, re.M | re.S)
    if not found:
        raise Wanted(f"an example file has nothing like {pattern}")
    return found[0]


def swap(text, *pairs):
    """Each pattern, which must be there, by its new text."""
    for pattern, new in pairs:
        text, count = re.subn(pattern, lambda match: new, text, flags=re.M)
        if count == 0:
            raise Wanted(f"an example file has nothing like {pattern}")
    return text


def make_site(state):
    os.makedirs(f"{state}/share")
    for name in ("www", "templates", "languages"):
        shutil.copytree(f"{ROOT}/{name}", f"{state}/share/{name}")
    shutil.copy(f"{ROOT}/lighttpd-strip.lua", f"{state}/share")
    shutil.copy(f"{ROOT}/lighttpd-cache.lua", f"{state}/share")
    os.makedirs(f"{state}/site/private")
    with open(f"{state}/site/private/file.txt", "w") as f:
        f.write("x" * 1023 + "\n")
    subprocess.run(["chmod", "-R", "a+rX", f"{state}/site", f"{state}/share"], check=True)


# ---- lighttpd ----

def _lighttpd_base(site, modules):
    lines = [f"server.modules = ( {modules} )", f'server.document-root = "{site.state}/site"', 'server.bind = "127.0.0.1"',
             f"server.port = {site.port}", f'server.errorlog = "{site.folder}/error.log"',
             f'server.upload-dirs = ( "{site.folder}/tmp" )', "server.max-keep-alive-requests = 100000000",
             'mimetype.assign = ( ".txt" => "text/plain" )']
    return lines + ([f'server.username = "{USER}"', f'server.groupname = "{USER}"'] if USER else [])


def _lighttpd(site, kind, asked, pages):
    if kind == "none":
        return "\n".join(_lighttpd_base(site, ""))
    text = example("lighttpd.conf.example")
    if kind == "part":
        lines = _lighttpd_base(site, '"mod_fastcgi"')
        lines.append(f'var.authorizer_socket = "{asked}"')
        lines.append("fastcgi.server = (\n" + cut(text, r'^  "/private" => \(\(.*?\)\),$') + "\n)")
        return "\n".join(lines)
    text = swap(text, (r"^var\.url = .*", f'var.url = "http://127.0.0.1:{site.port}"'),
                (r"^var\.bind = .*", 'var.bind = "127.0.0.1"'), (r"^var\.https_port = .*", f"var.https_port = {site.port}"),
                (r"^var\.authorizer_socket = .*", f'var.authorizer_socket = "{asked}"'),
                (r"^var\.responder_socket = .*", f'var.responder_socket = "{pages}"'),
                (r"^var\.share = .*", f'var.share = "{site.state}/share"'), (r"^var\.site = .*", f'var.site = "{site.state}/site"'),
                (r"^var\.pid_file = .*", f'var.pid_file = "{site.folder}/pid"'),
                (r"^var\.log_dir = .*", f'var.log_dir = "{site.folder}"'),
                (r"^var\.temp_dir = .*", f'var.temp_dir = "{site.folder}/tmp"'),
                (r'^  "mod_proxy",\n  "mod_accesslog",\n  "mod_openssl"\n', '  "mod_proxy"\n'),
                (r"^accesslog\..*\n", ""), (r"^ssl\..*\n", ""), (r'^\$SERVER\["socket"\] == (.|\n)*?^\}\n', ""))
    if not USER:
        text = swap(text, (r"^server\.(user|group)name.*\n", ""))
    return text + "server.max-keep-alive-requests = 100000000\n"


# ---- nginx ----

def _nginx_frame(site, body):
    temporary = "".join(f"\t{name}_temp_path {site.folder}/tmp/{name};\n"
                        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    return (f"pid {site.folder}/pid;\nerror_log {site.folder}/error.log warn;\n" + (f"user {USER};\n" if USER else "") +
            "daemon off;\nworker_processes 2;\nevents { worker_connections 768; }\nhttp {\n\taccess_log off;\n"
            "\ttypes { text/plain txt; text/html html; }\n\tsendfile on; tcp_nopush on;\n"
            "\tkeepalive_timeout 65; keepalive_requests 100000000;\n" + temporary + body + "}\n")


def _nginx(site, kind, asked, pages):
    if kind == "none":
        return _nginx_frame(site, f"\tserver {{ listen 127.0.0.1:{site.port}; root {site.state}/site; }}\n")
    text = example("nginx.conf.example")
    text = swap(text, (r"/run/doorward/authorizer\.sock", asked),
                (r"/run/doorward/responder\.sock", pages or "/nowhere"), (r"/var/www/html", f"{site.state}/site"))
    if kind == "part":
        private = cut(text, r"^\tlocation \^~ /private \{.*?^\t\}\n")
        private = swap(private, (r"\n\n\t\t# Protected programs(.|\n)*\}\n\Z", "\n\t}\n"))
        parts = [cut(text, r"^upstream doorward_authorizer \{.*?^\}\n")]
        parts += re.findall(r"^map .*?^\}\n", text, re.M | re.S)
        parts.append(f"server {{\n\tlisten 127.0.0.1:{site.port};\n")
        parts += re.findall(r"^\tauth_request_set .*\n", text, re.M)
        parts.append(cut(text, r"^\tlocation = /_doorward_check \{.*?^\t\}\n"))
        parts.append("\tlocation @doorward_unauthenticated { return 401; }\n\tlocation @doorward_denied { return 403; }\n"
                     "\tlocation @doorward_down { return 503; }\n")
        return _nginx_frame(site, "".join(parts) + private + "}\n")
    text = swap(text, (r"^server \{\n\tlisten 80;(.|\n)*?^\}\n", ""), (r"^\tlisten 443 .*", f"\tlisten 127.0.0.1:{site.port};"),
                (r"^\tlisten \[::\]:.*\n", ""), (r"^\tssl_.*\n", ""), (r"/usr/local/share/doorward", f"{site.state}/share"))
    return _nginx_frame(site, text)


# ---- Apache ----

_APACHE = """ServerRoot "{site.folder}"
ServerName 127.0.0.1
PidFile "{site.folder}/pid"
DefaultRuntimeDir "{site.folder}/tmp"
Mutex "file:{site.folder}/tmp" default
Listen 127.0.0.1:{site.port}
{modules}
{user}
TypesConfig /etc/mime.types
ErrorLog "{site.folder}/error.log"
LogLevel warn
Timeout 300
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 30
StartServers 2
MinSpareThreads 25
MaxSpareThreads 75
ThreadLimit 64
ThreadsPerChild 25
MaxRequestWorkers 150
<Directory />
	AllowOverride None
	Require all denied
</Directory>
"""
_APACHE_SITE = """DocumentRoot "{site.state}/site"
<Directory "{site.state}/site">
	AllowOverride None
	Options +FollowSymLinks
	Require all granted
</Directory>
"""


def _apache_frame(site, modules):
    names = "mpm_event authn_core authz_core authz_user mime dir env setenvif reqtimeout " + modules
    load = "\n".join(f'LoadModule {name}_module "{MODULES}/mod_{name}.so"' for name in names.split())
    user = f"User {USER}\nGroup {USER}" if USER else ""
    return _APACHE.format(site=site, modules=load, user=user)


def _apache(site, kind, asked, pages):
    if kind == "none":
        return _apache_frame(site, "") + _APACHE_SITE.format(site=site)
    text = example("apache.conf.example")
    if kind == "part":
        return (_apache_frame(site, "proxy authnz_fcgi headers") +
                f"Define DOORWARD_AUTHORIZER 127.0.0.1:{asked}\nDefine DOORWARD_SITE {site.state}/site\n" +
                cut(text, r"^AuthnzFcgiDefineProvider .*?\n") + _APACHE_SITE.format(site=site) +
                cut(text, r'^\t<Directory "\$\{DOORWARD_SITE\}/private">.*?</Directory>\n'))
    text = swap(text, (r"^Define DOORWARD_AUTHORIZER .*", f"Define DOORWARD_AUTHORIZER 127.0.0.1:{asked}"),
                (r"^Define DOORWARD_RESPONDER .*", f"Define DOORWARD_RESPONDER {pages}"), *_apache_edits(site))
    return _apache_frame(site, "proxy proxy_fcgi proxy_http authnz_fcgi headers alias") + text


def _apache_edits(site):
    """What makes a site of plain HTTP on a port of its own out of an example."""
    return ((r"^Define DOORWARD_HTTPS_PORT .*", f"Define DOORWARD_HTTPS_PORT {site.port}"),
            (r"^Define DOORWARD_SHARE .*", f"Define DOORWARD_SHARE {site.state}/share"),
            (r"^Define DOORWARD_SITE .*", f"Define DOORWARD_SITE {site.state}/site"),
            (r"^Define DOORWARD_LOG_DIR .*", f"Define DOORWARD_LOG_DIR {site.folder}"),
            (r"^<VirtualHost \*:\$\{DOORWARD_HTTP_PORT\}>(.|\n)*?</VirtualHost>\n", ""),
            (r"^\tSSL.*\n", ""), (r"^\tCustomLog .*\n", ""), (r"\+SymLinksIfOwnerMatch", "+FollowSymLinks"))


def _apache_fcgid(site, kind, asked, pages):
    program, conf = asked
    text = example("apache-fcgid.conf.example")
    frame = _apache_frame(site, "fcgid headers" + (" proxy proxy_http alias" if kind == "whole" else ""))
    frame += f'FcgidIPCDir "{site.folder}/tmp"\nFcgidProcessTableFile "{site.folder}/tmp/shm"\n'
    if kind == "whole":
        text = swap(text, (r"^Define DOORWARD_SBIN .*", f"Define DOORWARD_SBIN {os.path.dirname(program)}"),
                    (r"^Define DOORWARD_CONF .*", f"Define DOORWARD_CONF {conf}"), *_apache_edits(site))
        return frame + text
    check = swap(cut(text, r'^\t<Directory "\$\{DOORWARD_SITE\}/private">.*?</Directory>\n'),
                 (r'"\$\{DOORWARD_SBIN\}/doorward"', f'"{program}"'))
    settings = "".join(re.findall(r"^Fcgid.*\n", text, re.M))
    if not conf:
        settings = swap(settings, (r"^FcgidInitialEnv .*\n", ""))
    return (frame + f"Define DOORWARD_CONF {conf}\nDefine DOORWARD_SITE {site.state}/site\n" + settings +
            _APACHE_SITE.format(site=site) + check)


COMMANDS = {"lighttpd": (_lighttpd, lambda conf: ["/usr/sbin/lighttpd", "-D", "-f", conf]),
            "nginx": (_nginx, lambda conf: ["/usr/sbin/nginx", "-e", os.path.dirname(conf) + "/error.log", "-c", conf]),
            "apache": (_apache, lambda conf: ["/usr/sbin/apache2", "-f", conf, "-D", "FOREGROUND"]),
            "fcgid": (_apache_fcgid, lambda conf: ["/usr/sbin/apache2", "-f", conf, "-D", "FOREGROUND"])}


class WebServer:
    """One, in front of state/site, on a port of its own."""

    def __init__(self, server, name, state, port):
        self.state, self.port, self.folder = state, port, f"{state}/{name}"
        self.make, self.command = COMMANDS[server]
        os.makedirs(f"{self.folder}/tmp")
        open(f"{self.folder}/error.log", "w").close()
        if USER:
            subprocess.run(["chown", f"{USER}:", f"{self.folder}/tmp", f"{self.folder}/error.log"], check=True)

    def start(self, kind, asked=None, pages=None):
        conf = f"{self.folder}/web.conf"
        with open(conf, "w") as f:
            f.write(self.make(self, kind, asked, pages) + "\n")
        self.process = plant.start(self.command(conf), f"{self.folder}/out")
        plant.wait_for_socket(self.port, self.process)
        return self
