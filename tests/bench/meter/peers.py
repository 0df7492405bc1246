"""nginx and HAProxy, from the templates: one process or thread each, on the proxy's core."""

import resource
import shutil
from pathlib import Path

from rig.process import Process, free_port

from .subject import PROXY_CORE, Subject

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"


def pinned(core, *command):
    """The command on this core; on any if it is None."""
    return ["taskset", "-c", core, *command] if core else list(command)


def fill(template, target, **values):
    """Writes the template with each @NAME@ replaced."""
    text = (TEMPLATES / template).read_text()
    for name, value in values.items():
        text = text.replace(f"@{name.upper()}@", str(value))
    target.write_text(text)
    return target


def start_nginx(home, template, core, **values):
    """`port` in the values is what it is waited for by."""
    settings = fill(template, home / "nginx.conf", home=home, files=open_files(), **values)
    # As root it would otherwise work as a user who may not enter the bench's folder.
    command = [program("nginx"), "-e", home / "error.log", "-c", settings, "-p", home, "-g", "user root;"]
    process = Process(pinned(core, *command), home, "nginx").start()
    process.wait_for_port(values["port"])
    return process


def nginx(home, upstream, certificates=None):
    return _nginx("nginx", "nginx.conf", home, upstream, certificates, connection='""')


def nginx_for_websockets(home, upstream, certificates=None):
    connection = "upgrade; proxy_set_header Upgrade $http_upgrade"
    return _nginx("nginx", "nginx.conf", home, upstream, certificates, connection=connection)


def nginx_auth_request(home, upstream, certificates=None):
    """The judge runs on the proxy's core too: both are what a login costs there."""
    port, judges_home = free_port(), home / "judge"
    judges_home.mkdir()
    judge = start_nginx(judges_home, "judge.conf", PROXY_CORE, port=port)
    subject = _nginx("nginx + auth_request", "nginx-auth-request.conf", home, upstream, certificates, judge=port)
    subject.processes["judge"] = judge
    return subject


def _nginx(name, template, home, upstream, certificates, **values):
    port = free_port()
    tls = certificate = ""
    if certificates:
        tls = "ssl http2"
        certificate = (
            f"ssl_certificate {certificates.certificate}; ssl_certificate_key {certificates.key};"
            " ssl_protocols TLSv1.2 TLSv1.3;"
        )
    process = start_nginx(
        home, template, PROXY_CORE, port=port, upstream=upstream.unchecked, tls=tls, certificate=certificate, **values
    )
    return Subject(name, {"": process}, port, home / "access.log", b'" "', certificates)


def haproxy(home, upstream, certificates=None):
    port = free_port()
    scheme, tls = "http", ""
    if certificates:
        # It wants both in one file.
        both = home / "both.pem"
        both.touch(0o600)
        both.write_text(certificates.certificate.read_text() + certificates.key.read_text())
        scheme, tls = "https", f"ssl crt {both} alpn h2,http/1.1"
    settings = fill(
        "haproxy.cfg", home / "haproxy.cfg", port=port, upstream=upstream.unchecked, tls=tls, scheme=scheme
    )
    process = Process(pinned(PROXY_CORE, program("haproxy"), "-f", settings), home, "haproxy").start()
    process.wait_for_port(port)
    return Subject("haproxy", {"": process}, port, process.log, b" app/app ", certificates)


def program(name):
    return shutil.which(name) or f"/usr/sbin/{name}"


def open_files():
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]
