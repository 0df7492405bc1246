"""nginx and HAProxy, from the templates: one process or thread, on the proxy's core, as they would be put in production."""

import resource
import shutil
from pathlib import Path

from rig.process import Process, free_port

from .subject import Subject

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
PROXY_CORE, LOAD_CORE = "0", "1"


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


def start_nginx(folder, name, template, core, **values):
    """Gives the process and its home; `port` in the values is what it is waited for by."""
    home = folder / name
    home.mkdir()
    settings = fill(template, home / "nginx.conf", home=home, files=open_files(), **values)
    # As root it would otherwise work as a user who may not enter the bench's folder.
    command = [program("nginx"), "-e", home / "error.log", "-c", settings, "-p", home, "-g", "user root;"]
    process = Process(pinned(core, *command), home, name).start()
    process.wait_for_port(values["port"])
    return process, home


def nginx(folder, upstream, certificates=None, name="nginx"):
    return _nginx(folder, name, "nginx.conf", upstream, certificates)


def nginx_auth_request(folder, upstream, certificates=None, name="nginx + auth_request"):
    """The judge runs on the proxy's core too: both are what a login costs there."""
    judge, _ = start_nginx(folder, "judge", "judge.conf", PROXY_CORE, port=(port := free_port()))
    subject = _nginx(folder, name, "nginx-auth-request.conf", upstream, certificates, judge=port)
    subject.processes["judge"] = judge
    return subject


def _nginx(folder, name, template, upstream, certificates, **values):
    port = free_port()
    process, home = start_nginx(
        folder, name.replace(" ", ""), template, PROXY_CORE,
        port=port, upstream=upstream.unchecked,
        tls="ssl http2" if certificates else "",
        certificate=f"ssl_certificate {certificates.certificate}; ssl_certificate_key {certificates.key}; ssl_protocols TLSv1.2 TLSv1.3;"
        if certificates else "",
        **values,
    )
    return Subject(
        name, {"": process}, port, home / "access.log", b'" "', upstream_port=upstream.unchecked,
        certificates=certificates,
    )


def haproxy(folder, upstream, certificates=None, name="haproxy"):
    port = free_port()
    home = folder / name
    home.mkdir()
    tls = ""
    if certificates:
        # It wants both in one file.
        both = home / "both.pem"
        both.write_text(certificates.certificate.read_text() + certificates.key.read_text())
        both.chmod(0o600)
        tls = f"ssl crt {both} alpn h2,http/1.1"
    settings = fill(
        "haproxy.cfg", home / "haproxy.cfg",
        port=port, upstream=upstream.unchecked, tls=tls, scheme="https" if certificates else "http",
    )
    process = Process(pinned(PROXY_CORE, program("haproxy"), "-f", settings), home, "haproxy").start()
    process.wait_for_port(port)
    return Subject(
        name, {"": process}, port, process.log, b" app/app ", upstream_port=upstream.unchecked,
        certificates=certificates,
    )


def program(name):
    return shutil.which(name) or f"/usr/sbin/{name}"


def open_files():
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]
