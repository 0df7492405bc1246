"""Takes turns: a, b, c, and again. What each round cost is believed only if everybody counted the same requests."""

import time
from dataclasses import dataclass

from rig.process import eventually

from .subject import Wrong


@dataclass
class Round:
    """`done`: requests, or whatever else the load was counted in; `cpu`: seconds by process, the proxy's own under ""."""

    done: int
    seconds: float
    cpu: dict
    memory: int
    # Milliseconds; None where they mean nothing.
    p50: float | None
    p99: float | None

    def micros(self, label=None):
        """Microseconds of CPU time for each; of one process, or of all."""
        spent = sum(self.cpu.values()) if label is None else self.cpu[label]
        return spent / self.done * 1e6


def take_turns(subjects, load, rounds, upstream=None, warm=1, answers="2xx"):
    """`load(subject, seconds)` gives a `Load`; None for seconds means the usual. `{name: [Round, ...]}`.

    `answers`: the class of all answers that Vestibule may give; anything but 2xx does not reach the upstream.
    """
    results = {subject.name: [] for subject in subjects}
    for subject in subjects:
        one_round(subject, load, warm, upstream, answers)  # connections, caches, allocator
    for _ in range(rounds):
        for subject in subjects:
            results[subject.name].append(one_round(subject, load, None, upstream, answers))
    return results


def one_round(subject, load, seconds, upstream, answers="2xx"):
    subject.forget()
    arrived = upstream.requests() if upstream else 0
    counted = subject.gateway.counted() if subject.gateway else {}
    before = subject.cpu()
    done = load(subject, seconds)
    after = subject.cpu()
    memory = subject.memory()
    check_counts(subject, done, upstream, arrived, counted, answers)
    spent = {label: after[label] - before[label] for label in after}
    return Round(done.requests, done.seconds, spent, memory, done.p50, done.p99)


def check_counts(subject, done, upstream, arrived, counted, answers="2xx"):
    """Requests at the upstream, lines in the log and, of Vestibule, numbers at /metrics: all as many as were sent.

    Load that stops by time leaves at most one request a connection that may or may not have been seen by each.
    """
    most = done.requests + done.abandoned

    def settled():
        return done.requests <= subject.logged() <= most

    _soon(settled, lambda: f"{subject.name}: {subject.logged()} lines in the access log for {done.requests} requests")
    if upstream:
        expected = (done.requests, most) if answers == "2xx" else (0, 0)
        passed = upstream.requests() - arrived
        if not expected[0] <= passed <= expected[1]:
            raise Wrong(f"{subject.name}: {passed} requests reached the app, of {done.requests} sent")
    if not subject.gateway:
        return

    def numbers():
        now = subject.gateway.counted()
        return {name: now[name] - counted.get(name, 0) for name in now if now[name] != counted.get(name, 0)}

    # Lines are written some 50 ms after the numbers have been added to, so they may still be on their way.
    _soon(
        lambda: sum(numbers().values()) == subject.logged(),
        lambda: f"{subject.name}: {subject.logged()} lines in the access log, at /metrics {numbers()}",
    )
    if set(numbers()) != {answers} or not done.requests <= numbers()[answers] <= most:
        raise Wrong(f"{subject.name}: {done.requests} requests sent, at /metrics {numbers()}")


def _soon(probe, complaint, within=5.0):
    try:
        eventually(probe, within)
    except AssertionError:
        raise Wrong(complaint()) from None


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
