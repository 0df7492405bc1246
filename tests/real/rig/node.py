"""Node with two small servers: one for HTTP/1.1, one for HTTP/2 without TLS."""

from pathlib import Path

from .process import HOST, Process, free_port
from .wire import exchange

NODE_APP = Path(__file__).parent.parent / "node_app" / "server.mjs"


class Node:
    """Can be killed and started again where it was."""

    def __init__(self, folder, name="node", host=HOST, port=None):
        self.host, self.port, self.port2 = host, port or free_port(), free_port()
        self.url, self.url2 = f"http://{host}:{self.port}", f"h2c://{host}:{self.port2}"
        self._process = Process(["node", NODE_APP, str(self.port), str(self.port2), host], folder, name)

    def start(self):
        self._process.start()
        for port in (self.port, self.port2):
            self._process.wait_for_port(port, host=self.host)
        return self

    @property
    def pid(self):
        return self._process.pid

    def ask(self, path):
        """Directly, not through the gateway."""
        return exchange(f"{self.url}{path}", host=self.host).text

    @property
    def served(self):
        """Requests so far, but for questions like this one and health checks."""
        return int(self.ask("/served"))

    def kill(self):
        self._process.kill()

    def stop(self):
        self._process.stop()
