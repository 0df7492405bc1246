"""Takes turns: a, b, c, and again. What each round cost is believed only if everybody counted the same requests."""

import time
from dataclasses import dataclass

from . import cost
from .subject import Wrong


@dataclass
class Round:
    """`done`: requests, or what else the load was counted in; `cpu`: seconds by process, the proxy's own under ""."""

    done: int
    seconds: float
    cpu: dict
    memory: int
    # Milliseconds; None where they mean nothing.
    p50: float | None
    p99: float | None
    # What others took of a core meanwhile.
    strangers: float

    def micros(self, label=None):
        """Microseconds of CPU time for each; of one process, or of all."""
        spent = sum(self.cpu.values()) if label is None else self.cpu[label]
        return spent / self.done * 1e6


def take_turns(subjects, once, rounds, warm=1):
    """`{name: [Round, ...]}`. `once(subject, seconds)` gives a `Round`; None for seconds means the usual."""
    results = {subject.name: [] for subject in subjects}
    for subject in subjects:
        once(subject, warm)  # connections, caches, allocator
    for _ in range(rounds):
        for subject in subjects:
            results[subject.name].append(once(subject, None))
    return results


def measured(load):
    """`load(subject, seconds)` gives a `Load`; this gives what it cost."""

    def once(subject, seconds):
        return _measure(subject, load, seconds)[0]

    return once


def counted(load, upstream):
    """The same, with everybody's counts compared."""

    def once(subject, seconds):
        counts = Counts(subject, upstream)
        round, done = _measure(subject, load, seconds)
        counts.check(done)
        return round

    return once


def _measure(subject, load, seconds):
    before, strangers = subject.cpu(), cost.cpu_seconds_of_strangers()
    with Clock() as clock:
        done = load(subject, seconds)
    after, strangers = subject.cpu(), (cost.cpu_seconds_of_strangers() - strangers) / clock.seconds
    spent = {label: after[label] - before[label] for label in after}
    return Round(done.requests, done.seconds, spent, subject.memory(), done.p50, done.p99, strangers), done


class Counts:
    """Requests at the app, lines in the proxy's log and, of Vestibule, numbers at /metrics, from now on."""

    def __init__(self, subject, upstream):
        self._subject, self._upstream = subject, upstream
        self._wait_until_still()
        subject.forget()
        self._arrived = upstream.requests()
        self._numbers = subject.gateway.counted() if subject.gateway else {}

    def arrived(self):
        return self._upstream.requests() - self._arrived

    def numbers(self):
        """By the class of the status, those that have grown."""
        now = self._subject.gateway.counted()
        grown = {name: now[name] - self._numbers.get(name, 0) for name in now}
        return {name: count for name, count in grown.items() if count}

    def check(self, done):
        """All must have counted as many as were sent.

        Load that stops by time leaves at most one request a connection, which each may have seen or not; but a request
        that is in the log is at /metrics too.
        """
        self._wait_until_still()
        name, answers = self._subject.name, self._subject.answers
        most = done.requests + done.abandoned
        logged, arrived = self._subject.logged(), self.arrived()
        if not done.requests <= logged <= most:
            raise Wrong(f"{name}: {logged} lines in the access log for {done.requests} requests")
        if not done.requests <= arrived <= most if answers == "2xx" else arrived:
            raise Wrong(f"{name}: {arrived} requests reached the app, of {done.requests} sent")
        if self._subject.gateway and self.numbers() != {answers: logged}:
            raise Wrong(f"{name}: {logged} lines in the access log, at /metrics {self.numbers()}")

    def _wait_until_still(self):
        """What wrk left behind is still on its way, and log lines are written late: until nothing comes any more."""
        last = None
        while (now := (self._subject.log.stat().st_size, self._upstream.requests())) != last:
            last = now
            time.sleep(0.2)


class Clock:
    """How long a block took."""

    def __enter__(self):
        self._begun = time.monotonic()
        return self

    @property
    def so_far(self):
        return time.monotonic() - self._begun

    def __exit__(self, *_):
        self.seconds = self.so_far
