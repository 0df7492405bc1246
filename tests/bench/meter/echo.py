"""A WebSocket server that sends back every message, in a process of its own: `echo.py CHECKED UNCHECKED`, two ports.

On the first the person in the address must be the one who is named by `Remote-User`. It knows what the bench sends and
no more: masked messages of one size.
"""

import base64
import hashlib
import re
import select
import socket
import sys

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
PAYLOAD = 32
# FIN and binary; masked, and the length.
FRAME = bytes([0x82, 0x80 | PAYLOAD])
ANSWER = bytes([0x82, PAYLOAD])
SIZE = len(FRAME) + 4 + PAYLOAD


def main():
    poll = select.epoll()
    listeners, connections = {}, {}
    for port, checked in zip(sys.argv[1:3], (True, False), strict=True):
        listener = socket.create_server(("127.0.0.1", int(port)), backlog=4096)
        listeners[listener.fileno()] = (listener, checked)
        poll.register(listener, select.EPOLLIN)
    while True:
        for number, _ in poll.poll():
            if number in listeners:
                listener, checked = listeners[number]
                connected, _ = listener.accept()
                connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connections[connected.fileno()] = Connection(connected, checked)
                poll.register(connected, select.EPOLLIN)
            elif not connections[number].serve():
                poll.unregister(number)
                connections.pop(number).socket.close()


class Connection:
    def __init__(self, connected, checked):
        self.socket = connected
        self._serve = self._shake_hands
        self._checked = checked
        self._kept = b""

    def serve(self):
        """Whether there is more to come."""
        try:
            came = self.socket.recv(65536)
        except ConnectionError:
            return False
        self._kept += came
        return bool(came) and self._serve()

    def _shake_hands(self):
        head, end, self._kept = self._kept.partition(b"\r\n\r\n")
        if not end:
            self._kept = head
            return True
        named = re.search(rb"\r\nremote-user: *(\S+)", head, re.I)
        asked = re.match(rb"GET /u/([^/]+)/", head)
        key = re.search(rb"\r\nsec-websocket-key: *(\S+)", head, re.I)
        if not key or self._checked and (not named or named.group(1) != asked.group(1)):
            self.socket.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return False
        accept = base64.b64encode(hashlib.sha1(key.group(1) + GUID).digest())
        self.socket.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        self._serve = self._echo
        return True

    def _echo(self):
        answers = []
        for start in range(0, len(self._kept) - SIZE + 1, SIZE):
            frame = self._kept[start : start + SIZE]
            if not frame.startswith(FRAME):
                return False
            answers.append(ANSWER + unmasked(frame[2:6], frame[6:]))
        self._kept = self._kept[len(answers) * SIZE :]
        self.socket.sendall(b"".join(answers))
        return True


def unmasked(mask, payload):
    """RFC 6455 5.3; the same the other way round."""
    whole = int.from_bytes(mask * (PAYLOAD // 4))
    return (int.from_bytes(payload) ^ whole).to_bytes(PAYLOAD)


if __name__ == "__main__":
    main()
