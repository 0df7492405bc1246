"""A visitor with curl: the program that everybody has, with its own ideas of each protocol."""

import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from .gateway import DOMAIN
from .process import HOST

# The last line of what it prints: what curl itself has noticed.
NOTES = "\n%{http_version} %{http_code} %{size_upload}"


@dataclass
class Told:
    """What curl got, and its own account of it."""

    body: bytes
    # As they came, interim answers and trailers included.
    headers: str
    version: str
    status: int
    uploaded: int
    exit: int
    said: str

    def header(self, name):
        """The last of this name."""
        lines = [line.split(":", 1) for line in self.headers.splitlines() if ":" in line]
        values = [value.strip() for key, value in lines if key.lower() == name.lower()]
        return values[-1] if values else None


def curl(
    gateway, app, path, *options, headers=(), person=None, entering=None, exit=0, port=None, scheme="https", within=30
):
    """Asks an app for a path. `exit` is the status that curl is to end with; None takes any."""
    url = gateway.url(app, path)
    headers = [*headers, *(person.cookie_header(url) if person else [])]
    with tempfile.TemporaryDirectory() as folder:
        came = Path(folder) / "headers"
        done = subprocess.run(
            ["curl", "--silent", "--show-error", "--verbose", "--max-time", str(within),
             "--cacert", gateway.certificates.authority,
             "--connect-to", f"{app}.{DOMAIN}:{gateway.port}:{HOST}:{port or gateway.port}",
             "--dump-header", came, "--write-out", NOTES,
             *chain(*(("--header", f"{name}: {value}") for name, value in headers)), *options, url.replace("https", scheme, 1)],
            capture_output=True, input=entering, timeout=within + 10,
        )
        head = came.read_text(errors="replace") if came.exists() else ""
    said = done.stderr.decode(errors="replace")
    assert exit is None or done.returncode == exit, f"curl ended with {done.returncode}:\n{said}"
    body, notes = done.stdout.rsplit(b"\n", 1)
    version, status, uploaded = notes.decode().split()
    return Told(body, head, version, int(status), int(uploaded), done.returncode, said)


@contextmanager
def curling(site, name, path, *options, person, **more):
    """curl at work. It is killed at the end, if it has not come there by itself."""
    url = site.url(name, path)
    working = subprocess.Popen(
        ["curl", "--silent", "--no-buffer", "--cacert", site.certificates.authority,
         "--connect-to", f"{name}.{DOMAIN}:{site.port}:{HOST}:{site.port}",
         "--header", f"Cookie: {person.cookie_header(url)[0][1]}", *options, url],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **more,
    )
    with working:
        try:
            yield working
        finally:
            working.kill()
