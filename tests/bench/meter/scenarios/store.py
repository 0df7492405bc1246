"""What a shared Redis costs: its commands, and CPU time, with the session in the cache and not."""

import base64
import os
import re
import time

from rig.redis import command

from .. import cost, load, peers
from ..exact import every_address_once
from ..rounds import counted, take_turns
from ..subject import LOAD_CORE, Wrong

GETS = 200_000


def store(bench):
    """sessions in Redis, in the cache and not: CPU µs a request, commands for 1,000; and what one GET costs alone"""
    upstream = bench.upstream()
    redis, url = bench.redis()
    cached = bench.gateways(upstream, suffix="cached", **_in(url, "cached:"))
    uncached = bench.gateways(upstream, suffix="not cached", session={"cache": 1}, **_in(url, "uncached:"))
    ours = [subject for pair in zip(cached, uncached, strict=True) for subject in pair]
    asked = {subject.name: [] for subject in ours}
    files = {subject.name: bench.requests_file(subject) for subject in ours}
    for subject in ours:
        subject.processes["Redis"] = redis
        every_address_once(subject, upstream)

    def with_wrk(subject, seconds):
        before = commands(url)
        done = load.wrk(subject, files[subject.name], seconds or bench.seconds)
        if seconds is None:
            calls = {name: calls - before.get(name, 0) for name, calls in commands(url).items()}
            asked[subject.name].append({name: calls[name] / done.requests * 1000 for name in calls if calls[name]})
        return done

    bench.report(take_turns(ours, counted(with_wrk, upstream), bench.rounds), ours)
    bench.keep(asked, "commands for 1,000 requests")
    for name, rounds in asked.items():
        told = "   ".join(", ".join(f"{calls:.1f} {what}" for what, calls in sorted(of.items())) for of in rounds)
        bench.say(f"{name}: commands for 1,000 requests: {told}")
    _get_alone(bench, redis, url)


def _in(url, prefix):
    """Apart: whoever signs in a second time gets a second mail, on account of the unknown device."""
    secret = base64.b64encode(os.urandom(32)).decode()
    return {"store": {"redis": {"url": url, "prefix": prefix}}, "secret": secret}


def commands(url):
    """How often each was called so far."""
    said = command(_port(url), "INFO", "commandstats").decode()
    found = re.findall(r"^cmdstat_([\w|]+):calls=(\d+)", said, re.M)
    # What the bench itself has just asked is not counted yet.
    return {name: int(calls) for name, calls in found}


def _get_alone(bench, redis, url):
    """A session's record read by the program that comes with Redis, over as many connections as wrk has."""
    key = next(key for key in command(_port(url), "KEYS", "*") if b":o:" in key)
    before, begun = cost.cpu_seconds(redis.pid), time.monotonic()
    said = load.run(peers.pinned(
        LOAD_CORE, "redis-benchmark", "-h", "127.0.0.1", "-p", _port(url), "-c", load.CONNECTIONS, "-n", GETS, "-q",
        "GET", key.decode(),
    ))
    spent, took = cost.cpu_seconds(redis.pid) - before, time.monotonic() - begun
    if "requests per second" not in said:
        raise Wrong(f"redis-benchmark says {said!r}")
    bench.keep({"micros": spent / GETS * 1e6, "a second": GETS / took}, "one GET")
    bench.say(f"one GET alone: {spent / GETS * 1e6:.1f} µs of CPU in the Redis; {GETS / took:,.0f} a second")


def _port(url):
    return int(re.search(r":(\d+)/", url).group(1))
