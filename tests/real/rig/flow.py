"""An app that gives or takes any amount of bytes without keeping them, and can be told to stop doing so."""

import re
import socket
import threading

from .process import HOST

BLOCK = bytes(1024 * 1024)


class Flow:
    """`GET /N` gives N bytes; anything with a body takes it and says how much came.

    While `held`, nothing is read from a body any more. `moved` counts bytes of bodies, `ended` says how the last
    exchange came to its end: "whole", or "broken" by the other side.
    """

    def __init__(self):
        self._listener = socket.create_server((HOST, 0), backlog=64)
        self.url = f"http://{HOST}:{self._listener.getsockname()[1]}"
        self.reset()

    def start(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def stop(self):
        self.go_on.set()
        self._listener.close()

    def reset(self):
        """Between two tests."""
        self.moved = 0
        self.ended = None
        self.over = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def hold(self):
        self.go_on.clear()

    def _accept(self):
        while True:
            try:
                connected, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connected,), daemon=True).start()

    def _serve(self, connected):
        with connected, connected.makefile("rb", buffering=1024 * 1024) as reader:
            while head := self._head(reader):
                over = self.over
                try:
                    self._exchange(head, reader, connected)
                    self.ended = "whole"
                except (OSError, EOFError):
                    self.ended = "broken"
                    return
                finally:
                    over.set()

    @staticmethod
    def _head(reader):
        head = b""
        try:
            while line := reader.readline():
                head += line
                if line == b"\r\n":
                    return head
        except OSError:
            pass
        return None

    def _exchange(self, head, reader, connected):
        if head.startswith(b"GET"):
            return self._give(int(re.match(rb"GET /(\d+)", head).group(1)), connected)
        length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.I)
        if length:
            self._take(int(length.group(1)), reader)
        else:
            while size := int(reader.readline() or b"-1", 16):
                self._take(size, reader)
                reader.readline()
            reader.readline()
        said = b"%d" % self.moved
        connected.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(said), said))

    def _give(self, size, connected):
        connected.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        block = memoryview(BLOCK)
        while size:
            sent = connected.send(block[: min(size, len(block))])
            self.moved += sent
            size -= sent

    def _take(self, size, reader):
        while size:
            self.go_on.wait(60)
            if size < 0 or not (piece := reader.read(min(size, len(BLOCK)))):
                raise EOFError
            self.moved += len(piece)
            size -= len(piece)
