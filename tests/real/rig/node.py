"""Node with two small servers: one for HTTP/1.1, one for HTTP/2 without TLS."""

from pathlib import Path

from .process import HOST, Process, eventually

NODE_APP = Path(__file__).parent.parent / "node_app" / "server.mjs"


class Node:
    def __init__(self, folder):
        self._process = Process(["node", NODE_APP], folder, "node")

    def start(self):
        self._process.start()
        first, second = eventually(self._ports, 20, "two ports")
        self.url, self.url2 = f"http://{HOST}:{first}", f"h2c://{HOST}:{second}"
        return self

    def _ports(self):
        assert self._process.alive(), f"Node ended early:\n{self._process.output()}"
        lines = self._process.output().split()
        return lines if len(lines) == 2 else None

    def stop(self):
        self._process.stop()
