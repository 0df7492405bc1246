"""Bodies of 1 GiB, one at a time, down and up."""

import os
import subprocess

from .. import load, peers
from ..cost import MIB
from ..rounds import Clock, counted, take_turns
from ..subject import LOAD_CORE, Wrong

SIZE = 1024 * MIB
WHO = "visitor0000"


def stream(bench):
    """1 GiB answers, then 1 GiB uploads, one at a time; CPU ms a GiB"""
    upstream = bench.upstream()
    ours = bench.gateways(upstream, people=1)
    others = [bench.peer(make, upstream, visitors=ours[0].visitors) for make in (peers.nginx, peers.haproxy)]
    subjects = others + ours
    folder = upstream.home / "files" / "u" / WHO
    folder.mkdir(parents=True)
    large = folder / "large"
    write_large(large)
    units = {"unit": "ms/GiB", "scale": 1e-3, "speed": "MiB/s", "per_speed": 1024}

    def down(subject, seconds):
        return _for_a_while(bench, seconds, lambda: download(subject, large, compare=seconds is not None))

    bench.report(take_turns(subjects, counted(down, upstream), bench.rounds), ours, "down", **units)

    source = bench.folder / "source"
    large.rename(source)

    def up(subject, seconds):
        return _for_a_while(bench, seconds, lambda: upload(subject, source, large, compare=seconds is not None))

    bench.report(take_turns(subjects, counted(up, upstream), bench.rounds), ours, "up", **units)


def _for_a_while(bench, seconds, once):
    """Again and again until the round's time is over, at least once."""
    times = 0
    with Clock() as clock:
        while times == 0 or clock.so_far < (seconds or bench.seconds):
            once()
            times += 1
    return load.Load(times, clock.seconds)


def write_large(target):
    """No two blocks are alike, so that what comes out of order is not mistaken for the whole."""
    block = os.urandom(MIB - 8)
    with open(target, "wb") as file:
        for number in range(SIZE // MIB):
            file.write(number.to_bytes(8, "big") + block)


def download(subject, original, compare):
    """With `compare` every byte is looked at, else their number."""
    if not compare:
        return curl(subject, "--output", "/dev/null", expected=f"200 {SIZE} 0")
    with subprocess.Popen(["cmp", "-", original], stdin=subprocess.PIPE) as judge:
        curl(subject, "--output", "-", into=judge.stdin, expected=f"200 {SIZE} 0")
        judge.stdin.close()
        if judge.wait():
            raise Wrong(f"{subject.name}: what came out is not what the app sent")


def upload(subject, source, target, compare):
    target.unlink(missing_ok=True)
    curl(subject, "--upload-file", source, "--output", "/dev/null", expected=f"201 0 {SIZE}")
    if target.stat().st_size != SIZE or compare and subprocess.run(["cmp", source, target]).returncode:
        raise Wrong(f"{subject.name}: the app did not get what was sent")


def curl(subject, *options, expected, into=subprocess.DEVNULL):
    command = ["curl", "--silent", "--show-error", "--http1.1"]
    command += ["--write-out", "%{stderr}%{http_code} %{size_download} %{size_upload}"]
    for name, value in subject.visitors.headers(WHO).items():
        command += ["--header", f"{name}: {value}"]
    command += [*options, f"{subject.url}/u/{WHO}/large"]
    ended = subprocess.run(peers.pinned(LOAD_CORE, *command), stdout=into, stderr=subprocess.PIPE, text=True)
    if ended.returncode or ended.stderr != expected:
        raise Wrong(f"{subject.name}: curl ended with {ended.returncode} and {ended.stderr!r}, not {expected!r}")
