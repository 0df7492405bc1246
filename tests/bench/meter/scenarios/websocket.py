"""Small messages through WebSockets, each sent when the one before has come back."""

import os
import select
import sys
import time
from pathlib import Path

from rig.process import HOST, Process, free_port

from .. import echo, peers
from ..load import Load
from ..rounds import measured, take_turns
from ..subject import LOAD_CORE, Wrong
from ..visitors import head

CONNECTIONS = 64


def websocket(bench):
    """32-byte messages sent and echoed over 64 WebSockets, one at a time on each; CPU µs for both ways"""
    upstream = bench.started(Echo(bench.home("echo")))
    ours = bench.gateways(upstream, people=CONNECTIONS)
    others = [
        bench.peer(make, upstream, visitors=ours[0].visitors)
        for make in (peers.nginx_for_websockets, peers.haproxy)
    ]
    subjects = others + ours
    talks = {subject.name: bench.started(Talk(subject)) for subject in subjects}

    def talk(subject, seconds):
        return talks[subject.name].go_on(seconds or bench.seconds)

    results = take_turns(subjects, measured(talk), bench.rounds)
    for subject in ours:
        if (counted := subject.gateway.counted()).get("1xx") != CONNECTIONS:
            raise Wrong(f"{subject.name}: {CONNECTIONS} WebSockets were opened, at /metrics {counted}")
    bench.report(results, ours, unit="µs/echo", speed="echoes/s")


class Echo:
    """The app."""

    def __init__(self, home):
        self.checked, self.unchecked = free_port(), free_port()
        self.url = f"http://{HOST}:{self.checked}"
        command = [sys.executable, Path(echo.__file__), self.checked, self.unchecked]
        self._process = Process(peers.pinned(LOAD_CORE, *command), home, "echo").start()
        self._process.wait_for_port(self.unchecked)

    def stop(self):
        self._process.stop()


class Talk:
    """All connections to one proxy, opened once. What comes back must be what was sent."""

    def __init__(self, subject):
        self._subject = subject
        self._poll = select.epoll()
        self._connections = {}
        people = list(subject.visitors.cookies)
        for number in range(CONNECTIONS):
            connected = self._open(people[number % len(people)])
            self._connections[connected.fileno()] = connected
            self._poll.register(connected, select.EPOLLIN)

    def _open(self, username):
        connected = self._subject.connect()
        upgrade = {
            "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Origin": self._subject.url,
        }
        headers = {**self._subject.visitors.headers(username), **upgrade}
        connected.sendall(head(f"/u/{username}/socket", self._subject.host, headers))
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += (came := connected.recv(4096))
            if not came:
                break
        # The answer to this key, from RFC 6455 1.3.
        if not answer.startswith(b"HTTP/1.1 101") or b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" not in answer:
            raise Wrong(f"{self._subject.name}: no WebSocket: {answer[:300]!r}")
        return connected

    def go_on(self, seconds):
        """One message after the other on each connection, until the time is over and all have come back."""
        anywhere = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {int(LOAD_CORE)})
        try:
            return self._go_on(seconds)
        finally:
            os.sched_setaffinity(0, anywhere)

    def _go_on(self, seconds):
        sent, took, answers = {}, [], dict.fromkeys(self._connections, b"")
        now = begun = time.monotonic()
        end = begun + seconds
        for number in self._connections:
            sent[number] = self._send(number, 0), now
        while sent:
            for number, _ in self._poll.poll(10) or self._silence():
                answers[number] += self._connections[number].recv(4096)
                expected, since = sent[number]
                if len(answers[number]) < len(expected):
                    continue
                if answers[number] != expected:
                    raise Wrong(f"{self._subject.name}: {answers[number]!r} came back instead of {expected!r}")
                answers[number] = b""
                now = time.monotonic()
                took.append(now - since)
                if now < end:
                    sent[number] = self._send(number, len(took)), now
                else:
                    del sent[number]
        took.sort()
        return Load(len(took), now - begun, took[len(took) // 2] * 1e3, took[len(took) * 99 // 100] * 1e3)

    def _send(self, number, counter):
        """Gives what must come back."""
        payload = number.to_bytes(8) + counter.to_bytes(echo.PAYLOAD - 8)
        mask = (counter * 2654435761 % 2**32).to_bytes(4)
        self._connections[number].sendall(echo.FRAME + mask + echo.unmasked(mask, payload))
        return echo.ANSWER + payload

    def _silence(self):
        raise Wrong(f"{self._subject.name}: nothing came back for 10 s")

    def stop(self):
        for connected in self._connections.values():
            connected.close()
