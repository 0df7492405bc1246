"""A Redis of our own, which writes every change to disk at once: killing it loses nothing that it had confirmed."""

import signal
import socket

from .process import HOST, Process, eventually, free_port


class Redis:
    def __init__(self, folder, *options):
        self.port = free_port()
        self.options = options
        self.folder = folder / f"redis-{self.port}"
        self.folder.mkdir()
        self._process = None

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self, *more):
        """With options that are for this time only."""
        self._process = Process(
            ["redis-server", "--bind", "127.0.0.1", "--port", self.port, "--dir", self.folder,
             "--save", "", "--appendonly", "yes", "--appendfsync", "always", *self.options, *more],
            self.folder,
            "redis",
        ).start()
        self._process.wait_for_port(self.port)
        return self

    def command(self, *words):
        """Runs a command past the gateway, and gives its answer: bytes, a list, or None."""
        return command(self.port, *words)

    def info(self, section):
        return self.command("INFO", section).decode()

    def kill(self):
        self._process.kill()

    def restart(self):
        """As it was before, without what was for one time only."""
        self.kill()
        self.start()
        eventually(self._answers, 20, "redis-server answers")

    def _answers(self):
        try:
            return self.command("PING") == b"PONG"
        except AssertionError as loading:
            assert b"LOADING" in loading.args[0], loading
            return False

    def freeze(self):
        """Connections stay open and nothing is answered: what a hung machine looks like."""
        self._process.signal(signal.SIGSTOP)

    def thaw(self):
        self._process.signal(signal.SIGCONT)

    def stop(self):
        if self._process and self._process.alive():
            self._process.signal(signal.SIGCONT)
            self._process.stop()


def command(port, *words):
    """The same at any server of this machine."""
    with socket.create_connection((HOST, port), timeout=10) as connected:
        words = [word.encode() if isinstance(word, str) else word for word in words]
        lengths = b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
        connected.sendall(b"*%d\r\n" % len(words) + lengths)
        return _answer(connected.makefile("rb"))


def _answer(reader):
    line = reader.readline().rstrip(b"\r\n")
    kind, rest = line[:1], line[1:]
    assert kind != b"-", rest
    if kind == b"$":
        return reader.read(int(rest) + 2)[:-2] if int(rest) >= 0 else None
    if kind == b"*":
        return [_answer(reader) for _ in range(int(rest))]
    if kind == b":":
        return int(rest)
    return rest
