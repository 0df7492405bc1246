"""Load from outside: wrk, for a time; h2load, for a number of requests. Both must have nothing to complain of."""

import json
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .peers import TEMPLATES, pinned
from .subject import LOAD_CORE, Wrong
from .visitors import path


CONNECTIONS = 64


@dataclass
class Load:
    requests: int
    seconds: float
    # Milliseconds; None where they mean nothing.
    p50: float | None = None
    p99: float | None = None
    # What wrk had under way when its time was over may have been answered or not.
    abandoned: int = 0


class Errors(Wrong):
    """What wrk met, by its own words: `status` is an answer of 400 and above."""

    def __init__(self, subject, errors):
        super().__init__(f"{subject.name}: wrk met errors: {errors}")
        self.kinds = set(errors)


def wrk(subject, requests, seconds, connections=CONNECTIONS, threads=1, core=LOAD_CORE):
    """`requests`: a file with what to send in turn."""
    command = ["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s"]
    said = run(pinned(core, *command, TEMPLATES / "requests.lua", subject.url, "--", requests))
    result = json.loads(re.search(r"^RESULT (.*)$", said, re.M).group(1))
    errors = {name: result[name] for name in ("connect", "read", "write", "status", "timeout") if result[name]}
    if errors:
        raise Errors(subject, errors)
    # To wrk a redirect is as good as a page.
    smallest = 1024 if subject.answers == "2xx" else 0
    if not result["requests"] or result["bytes"] / result["requests"] < smallest:
        raise Wrong(f"{subject.name}: answers are too small: {result['bytes']} bytes for {result['requests']}")
    return Load(
        result["requests"], result["microseconds"] / 1e6, result["p50"] / 1e3, result["p99"] / 1e3, connections
    )


@dataclass
class H2load:
    """h2load with these options. It stops by count, so nothing is abandoned; the warm-up says how many to send.

    It sends one person's cookie with all requests, since it knows a single set of headers.
    """

    options: list
    protocol: str
    usual_seconds: int
    # Connections; None: each request has its own.
    clients: int | None = None
    # Requests a second to expect; a better guess comes with each run.
    rate: int = 20_000

    def __post_init__(self):
        self._rates = {}

    def __call__(self, subject, seconds):
        rate = self._rates.get(subject.name, self.rate)
        count = int(rate * (seconds or self.usual_seconds))
        if self.clients:
            count = count // self.clients * self.clients
        done = self._run(subject, count)
        self._rates[subject.name] = done.requests / done.seconds
        return done

    def _run(self, subject, count):
        username = next(iter(subject.visitors.cookies))
        with tempfile.TemporaryDirectory() as folder:
            addresses, log = Path(folder, "addresses"), Path(folder, "log")
            addresses.write_text("".join(f"{subject.url}{path(username, number)}\n" for number in range(1000)))
            command = ["h2load", "-n", count, "-c", self.clients or count, *self.options]
            command += ["-i", addresses, f"--log-file={log}"]
            for name, value in subject.visitors.headers(username).items():
                command += ["-H", f"{name}: {value}"]
            said = run(pinned(LOAD_CORE, *command))
            # A line a request: when it began, the status, microseconds.
            took = sorted(int(line.split("\t")[2]) for line in log.read_text().splitlines())
        for expected in (
            f"{count} succeeded, 0 failed, 0 errored, 0 timeout",
            f"status codes: {count} 2xx, 0 3xx, 0 4xx, 0 5xx",
            f"Application protocol: {self.protocol}\n",
            "TLS Protocol: TLSv1.3\n",
        ):
            if expected not in said:
                raise Wrong(f"{subject.name}: h2load does not say {expected!r}, but\n{said}")
        seconds = duration(re.search(r"finished in ([\d.]+)(us|ms|s|m)", said))
        if not self.clients:
            return Load(count, seconds)
        return Load(count, seconds, took[len(took) // 2] / 1e3, took[len(took) * 99 // 100] / 1e3)


def duration(found):
    return float(found.group(1)) * {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60}[found.group(2)]


def run(command):
    ended = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if ended.returncode:
        raise Wrong(f"{' '.join(map(str, command))}\nended with {ended.returncode}:\n{ended.stdout}{ended.stderr}")
    return ended.stdout
