"""Load from outside: wrk, for a time; h2load, for a number of requests. Both must have nothing to complain of."""

import json
import re
import subprocess
from dataclasses import dataclass

from .peers import LOAD_CORE, TEMPLATES, pinned
from .subject import Wrong


@dataclass
class Load:
    requests: int
    seconds: float
    p50: float  # milliseconds
    p99: float
    # What wrk had under way when its time was over may have been answered or not.
    abandoned: int = 0


def wrk(subject, requests, seconds, connections=64, threads=1, core=LOAD_CORE, smallest=1024):
    """`requests`: a file with what to send in turn; `smallest`: bytes that a right answer has at least."""
    command = ["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s"]
    said = run(pinned(core, *command, TEMPLATES / "requests.lua", subject.url, "--", requests))
    result = json.loads(re.search(r"^RESULT (.*)$", said, re.M).group(1))
    errors = {name: result[name] for name in ("connect", "read", "write", "status", "timeout") if result[name]}
    if errors:
        raise Wrong(f"{subject.name}: wrk met errors: {errors}\n{said}")
    if not result["requests"] or result["bytes"] / result["requests"] < smallest:
        raise Wrong(f"{subject.name}: answers are too small: {result['bytes']} bytes for {result['requests']}")
    return Load(
        result["requests"], result["microseconds"] / 1e6, result["p50"] / 1e3, result["p99"] / 1e3, connections
    )


def run(command):
    ended = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if ended.returncode:
        raise Wrong(f"{' '.join(map(str, command))}\nended with {ended.returncode}:\n{ended.stdout}{ended.stderr}")
    return ended.stdout
