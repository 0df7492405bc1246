"""The apps behind the gateway: three that nobody here wrote, and a recorder that keeps every byte it is sent."""

import json
import re
import socket
import sys
import threading
import time
from pathlib import Path

from websockets.sync.server import serve

from .process import HOST, Process, eventually, free_port
from .wire import exchange

DJANGO_APP = Path(__file__).parent.parent / "django_app"


class Django:
    """Django under gunicorn, trusting `Remote-User`."""

    def __init__(self, folder):
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self._process = Process(
            [sys.executable, "-m", "gunicorn", "--bind", f"{HOST}:{self.port}", "--worker-class", "gthread",
             "--threads", "16", "--chdir", DJANGO_APP, "--graceful-timeout", "1", "--keep-alive", "30", "app:application"],
            folder,
            "django",
            {"DJANGO_DATABASE": str(folder / "django.sqlite3"), "PYTHONDONTWRITEBYTECODE": "1"},
        )

    def start(self):
        self._process.start()
        self._process.wait_for_port(self.port)
        eventually(lambda: exchange(f"{self.url}/").status == 200, 30, "Django's first page")
        return self

    def stop(self):
        self._process.stop()


class Prometheus:
    """Prometheus, scraping itself every second so that there is something to draw."""

    def __init__(self, folder, public_url=None):
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        settings = folder / "prometheus.json"
        settings.write_text(
            json.dumps(
                {
                    "global": {"scrape_interval": "1s"},
                    "scrape_configs": [
                        {"job_name": "itself", "static_configs": [{"targets": [f"{HOST}:{self.port}"]}]}
                    ],
                }
            )
        )
        self._process = Process(
            ["prometheus", f"--config.file={settings}", f"--web.listen-address={HOST}:{self.port}",
             f"--storage.tsdb.path={folder / 'prometheus'}", *([f"--web.external-url={public_url}"] if public_url else [])],
            folder,
            "prometheus",
        )

    def start(self):
        self._process.start()
        self._process.wait_for_port(self.port)
        query = f"{self.url}/api/v1/query_range?query=scrape_duration_seconds&start=%.0f&end=%.0f&step=1"

        def has_points():
            now = time.time()
            found = exchange(query % (now - 30, now)).json["data"]["result"]
            return found and len(found[0]["values"]) >= 3

        eventually(lambda: exchange(f"{self.url}/-/ready").status == 200, 30, "Prometheus to be ready")
        eventually(has_points, 30, "three points on Prometheus's chart")
        return self

    def stop(self):
        self._process.stop()


class Echo:
    """A WebSocket server (the `websockets` library) that sends back what it hears, and keeps who asked."""

    def __init__(self):
        self.requests = []
        self._server = None

    def start(self):
        self._server = serve(self._talk, HOST, 0)
        self.port = self._server.socket.getsockname()[1]
        self.url = f"http://{HOST}:{self.port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def _talk(self, connection):
        self.requests.append(connection.request)
        for message in connection:
            connection.send(message)

    def stop(self):
        self._server.shutdown()


class Recorded:
    """One request as it arrived: nothing is folded, joined or put in order."""

    def __init__(self, head, body, connection):
        lines = head.decode("latin-1").split("\r\n")
        self.line = lines[0]
        self.method, self.target, self.version = lines[0].split(" ", 2)
        self.headers = [tuple(line.split(": ", 1)) if ": " in line else (line.rstrip(":"), "") for line in lines[1:]]
        self.body = body
        self.raw = head + b"\r\n\r\n" + body
        self.connection = connection

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name):
        values = self.all(name)
        assert len(values) <= 1, f"{name} reached the app {len(values)} times: {values}"
        return values[0] if values else None


class Recorder:
    """An upstream that answers from a script and fails its test when it sees what no app may ever see.

    That is one of the gateway's own cookies, or the word `forged`, with which every test marks the headers that a
    client has no business to set.
    """

    FORBIDDEN = re.compile(rb"(?<![\w-])(__Host-)?vestibule(-login|-enter|-device)?=|forged", re.I)
    ORDINARY = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"

    def __init__(self):
        self.requests = []
        self.violations = []
        self.answer = None
        self._news = threading.Condition()
        self._listener = socket.create_server((HOST, 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        self.url = f"http://{HOST}:{self.port}"

    def start(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def stop(self):
        self._listener.close()
        assert not self.violations, f"the app saw what it may never see: {self.violations}"

    def answering(self, script):
        """From now on `script(request, socket)` gives the answer: bytes, or None when it has said all it will say."""
        self.answer = script
        return self

    def reset(self):
        """Between two tests."""
        self.answer = None
        with self._news:
            self.requests.clear()
            seen, self.violations = self.violations, []
        assert not seen, f"the app saw what it may never see: {seen}"

    @property
    def last(self):
        return self.requests[-1]

    def wait_for(self, count=1, within=10.0):
        with self._news:
            arrived = self._news.wait_for(lambda: len(self.requests) >= count, within)
        assert arrived, f"{len(self.requests)} requests reached the app within {within:g} s, not {count}"
        return self.requests[count - 1]

    def _accept(self):
        number = 0
        while True:
            try:
                connected, _ = self._listener.accept()
            except OSError:
                return
            number += 1
            threading.Thread(target=self._serve, args=(connected, number), daemon=True).start()

    def _serve(self, connected, number):
        reader = connected.makefile("rb")
        try:
            while request := self._read(reader, number):
                if self.FORBIDDEN.search(request.raw):
                    self.violations.append(request.raw[:2000])
                with self._news:
                    self.requests.append(request)
                    self._news.notify_all()
                answer = self.answer(request, connected) if self.answer else self.ORDINARY
                if answer is None:
                    return
                connected.sendall(answer)
        except OSError:
            pass
        finally:
            reader.close()
            connected.close()

    @staticmethod
    def _read(reader, number):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = reader.readline()
            if not line:
                return None
            head += line
        head = head[:-4]
        length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.I)
        if re.search(rb"\r\ntransfer-encoding: *chunked", head, re.I):
            body = bytearray()
            while True:
                size_line = reader.readline()
                if not size_line.strip():
                    return None  # broken off: no request
                body += size_line
                size = int(size_line.split(b";")[0], 16)
                if size == 0:
                    while (line := reader.readline()) not in (b"\r\n", b""):
                        body += line
                    return Recorded(head, bytes(body), number)
                body += reader.read(size + 2)
        return Recorded(head, reader.read(int(length.group(1))) if length else b"", number)
