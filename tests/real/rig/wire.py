"""One HTTP exchange on a socket of its own. Names are never looked up: every host is this machine."""

import http.client
import json
import socket
import ssl
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from .page import Page
from .process import HOST


@dataclass
class Answer:
    url: str
    status: int
    headers: list = field(default_factory=list)
    body: bytes = b""

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name):
        values = self.all(name)
        assert len(values) <= 1, f"{name} stands {len(values)} times in the answer from {self.url}"
        return values[0] if values else None

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def page(self):
        return Page(self.text, self.url)

    @property
    def location(self):
        """Where it sends, as a whole address."""
        target = self.header("location")
        return target and urljoin(self.url, target)


def open_socket(port, tls=None, server_name=None, source="127.0.0.1", timeout=20.0, host=HOST):
    """A connection from the loopback address `source`: each such address is a visitor's network of its own."""
    plain = socket.create_connection((host, port), timeout=timeout, source_address=(source, 0))
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return tls.wrap_socket(plain, server_hostname=server_name) if tls else plain


def trust(authority):
    """Trusts this certificate authority and nobody else."""
    context = ssl.create_default_context(cafile=str(authority))
    context.set_alpn_protocols(["http/1.1"])
    return context


class _Connection(http.client.HTTPConnection):
    def __init__(self, connected):
        super().__init__("unused.invalid")
        self.sock = connected


def exchange(
    url, method="GET", headers=(), body=None, tls=None, port=None, source="127.0.0.1", timeout=20.0, host=HOST
):
    """Sends exactly these headers (`Host` is added unless given) and reads one whole answer."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    port = port or parts.port or (443 if secure else 80)
    connected = open_socket(port, tls if secure else None, parts.hostname, source, timeout, host)
    try:
        return exchange_on(connected, url, method, headers, body)
    finally:
        connected.close()


def exchange_on(connected, url, method="GET", headers=(), body=None):
    """The same on a connection that is open already."""
    parts = urlsplit(url)
    connection = _Connection(connected)
    path = parts.path or "/"
    connection.putrequest(method, f"{path}?{parts.query}" if parts.query else path, True, True)
    names = {name.lower() for name, _ in headers}
    if "host" not in names:
        connection.putheader("Host", parts.netloc)
    if body is not None and not names & {"content-length", "transfer-encoding"}:
        connection.putheader("Content-Length", str(len(body)))
    for name, value in headers:
        connection.putheader(name, value)
    connection.endheaders(body)
    response = connection.getresponse()
    answer = Answer(url, response.status, response.getheaders(), response.read())
    # The socket belongs to the caller, who may use it again.
    connection.sock = None
    return answer


def send_raw(port, payload, tls=None, server_name=None, source="127.0.0.1", timeout=10.0):
    """Writes these bytes, reads until the other side closes, and returns all it said."""
    with open_socket(port, tls, server_name, source, timeout) as connected:
        try:
            connected.sendall(payload)
        except OSError:
            pass  # refused half-way: what it said before is what counts
        return read_to_end(connected)


def read_to_end(connected):
    received = b""
    while True:
        try:
            piece = connected.recv(65536)
        except (ConnectionResetError, BrokenPipeError, ssl.SSLError):
            return received
        if not piece:
            return received
        received += piece


def status_of(raw):
    """The status of the first answer in these bytes; 0 when there is none."""
    return int(raw.split(b" ", 2)[1]) if raw.startswith(b"HTTP/1.") else 0
