"""What must be there before anything is measured: programs from Debian, and the builds of ours."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from .peers import open_files

# For 2,000 connections, at either end and with room.
OPEN_FILES = 5000
PROJECT = Path(__file__).resolve().parents[3]
# By the Debian package that brings it.
PROGRAMS = {
    "nginx": "nginx",
    "haproxy": "haproxy",
    "wrk": "wrk",
    "h2load": "nghttp2-client",
    "redis-server": "redis-server",
    "curl": "curl",
    "taskset": "util-linux",
}


def install():
    missing = [package for name, package in PROGRAMS.items() if not _present(name)]
    if missing:
        if not shutil.which("apt-get"):
            sys.exit(f"tests/bench/run: please install: {' '.join(missing)} (this is not Debian, or it has no apt-get)")
        subprocess.run([PROJECT / "tests" / "install", *missing], check=True)
    for name in PROGRAMS:
        if not _present(name):
            sys.exit(f"tests/bench/run: {name} is still missing")
    if len(os.sched_getaffinity(0)) < 2:
        sys.exit("tests/bench/run: two cores are needed, one for the proxy and one for the load")
    if open_files() < OPEN_FILES:
        sys.exit(f"tests/bench/run: {OPEN_FILES} open files are needed: ulimit -Hn {OPEN_FILES}")


def binaries(given):
    """`[NAME=]PATH` as given on the command line, as `{name: path}`; without any, the published build is made."""
    if not given:
        subprocess.run(["cargo", "build", "--locked", "--profile", "dist"], cwd=PROJECT, check=True)
        target = Path(os.environ.get("CARGO_TARGET_DIR") or PROJECT / "target")
        return {"vestibule": (target / "dist" / "vestibule").resolve()}
    found = {}
    for word in given:
        name, _, path = word.rpartition("=")
        name = name or "vestibule"
        if name in found:
            sys.exit(f"tests/bench/run: two builds are called {name}: write --binary NAME=PATH")
        if not os.access(path, os.X_OK):
            sys.exit(f"tests/bench/run: no program at {path}")
        found[name] = Path(path).resolve()
    return found


def _present(name):
    return shutil.which(name) or Path("/usr/sbin", name).exists()
