"""The program under test: its configuration, and the running process."""

import base64
import json
import os
import re
import subprocess
from contextlib import contextmanager
from pathlib import Path

from . import wire
from .process import HOST, Process, eventually, free_port

PROJECT = Path(__file__).resolve().parents[3]
DOMAIN = "vestibule.test"
PORTAL = f"auth.{DOMAIN}"


def program():
    """The binary under test: VESTIBULE_BIN, else the debug build."""
    built = os.environ.get("VESTIBULE_BIN")
    return Path(built) if built else PROJECT / "target" / "debug" / "vestibule"


def vestibule(*arguments, folder=None, entering=None, environment=None, within=60):
    """Runs one command to its end."""
    return subprocess.run(
        [program(), *map(str, arguments)],
        cwd=folder,
        input=entering,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=within,
    )


class Certificates:
    """A certificate authority and certificates from `vestibule certificate`."""

    def __init__(self, folder, *names):
        self.folder = folder
        made = vestibule("certificate", *names, "--out", folder, folder=folder)
        assert made.returncode == 0, made.stderr
        self.authority = folder / "ca.pem"
        self.certificate = folder / f"{names[0]}.pem"
        self.key = folder / f"{names[0]}.key"
        self.trust = wire.trust(self.authority)


def app(name, upstream, **more):
    """An entry of `apps` on a host of its own; `Gateway` fills in the `url`."""
    return {"name": name, "upstream": upstream, **more}


class Gateway:
    """A configured gateway with a portal host and TLS.

    Keyword arguments are top-level keys of the configuration; None leaves one out.
    """

    def __init__(self, folder, certificates, people, apps, mail, store="embedded", environment=None, **sections):
        self.folder = folder
        self.certificates = certificates
        self.port, self.plain_port, self.redirect_port, self.admin_port = (free_port() for _ in range(4))
        self.settings = {
            "secret": base64.b64encode(os.urandom(32)).decode(),
            "data_dir": str(folder / "data"),
            "listen": [
                {"address": f"{HOST}:{self.port}", "tls": True},
                {"address": f"{HOST}:{self.plain_port}"},
                {"address": f"{HOST}:{self.redirect_port}", "redirect": "https"},
            ],
            "tls": {
                "certificates": [{"certificate": str(certificates.certificate), "key": str(certificates.key)}]
            },
            "portal": {"url": f"https://{PORTAL}:{self.port}", "title": "Example Corp"},
            "store": store,
            "accounts": [{"file": str(people.file)}],
            "mail": mail,
            "apps": [{"url": f"https://{entry['name']}.{DOMAIN}:{self.port}", **entry} for entry in apps],
            "admin": {"address": f"{HOST}:{self.admin_port}"},
        }
        for name, value in sections.items():
            known = self.settings.get(name)
            if value is None:
                del self.settings[name]
            elif isinstance(known, dict) and isinstance(value, dict):
                known.update(value)
            else:
                self.settings[name] = value
        self.file = folder / "vestibule.yaml"
        self.write()
        self._process = Process([program(), "serve", "--config", self.file], folder, "vestibule", environment)

    def write(self):
        # JSON is YAML; every key is written as the operator would.
        self.file.write_text(json.dumps(self.settings, indent=2, ensure_ascii=False))

    def url(self, name, path="/"):
        """An address on the app's host; `auth` is the portal's."""
        return f"https://{name}.{DOMAIN}:{self.port}{path}"

    @property
    def trust(self):
        return self.certificates.trust

    @property
    def pid(self):
        return self._process.pid

    def start(self, ready=True):
        self._process.start()
        eventually(lambda: self.health("/healthz").status == 200 or self._check_alive(), 20, "/healthz")
        if ready:
            eventually(lambda: self.health("/readyz").status == 200, 20, "/readyz")
        return self

    def _check_alive(self):
        assert self._process.alive(), f"the gateway ended:\n{self.output()}"

    def health(self, path):
        try:
            return wire.exchange(f"http://{HOST}:{self.admin_port}{path}")
        except ConnectionRefusedError:
            self._check_alive()
            raise

    def count(self, metric, **labels):
        """What /metrics says of `vestibule_METRIC{LABELS}` now; 0 where it says nothing."""
        said = ",".join(f'{name}="{value}"' for name, value in labels.items())
        start = f"vestibule_{metric}{{{said}}} " if said else f"vestibule_{metric} "
        lines = self.health("/metrics").text.splitlines()
        return next((float(line.removeprefix(start)) for line in lines if line.startswith(start)), 0)

    def ask(self, url, method="GET", headers=(), body=None, **more):
        """One request from nobody in particular: no cookies, no browser."""
        return wire.exchange(url, method, headers, body, tls=self.trust, **more)

    @contextmanager
    def connection(self, name):
        """One connection to an app's host, kept open: `ask(method, headers, body)` on it."""
        with wire.open_socket(self.port, self.trust, f"{name}.{DOMAIN}") as connected:
            yield lambda method="GET", headers=(), body=None: wire.exchange_on(
                connected, self.url(name), method, headers, body
            )

    def raw(self, payload, name="auth", **more):
        """Exactly these bytes over TLS, naming this host in the handshake."""
        return wire.send_raw(self.port, payload, self.trust, f"{name}.{DOMAIN}", **more)

    def host(self, name):
        return f"{name}.{DOMAIN}:{self.port}"

    def peak_memory(self):
        """The most that it has ever had in memory, in bytes."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) << 10

    def alive(self):
        return self._process.alive()

    def signal(self, number):
        self._process.signal(number)

    def wait(self, within=15.0):
        """Waits for it to end by itself; gives its exit status."""
        return self._process.wait(within)

    def output(self):
        return self._process.output()

    def stop(self):
        code = self._process.stop()
        assert "panicked" not in self.output(), self.output()
        return code

    def kill(self):
        self._process.kill()

    def restart(self):
        self.stop()
        return self.start()
