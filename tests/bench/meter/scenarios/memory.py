"""What is held: by a connection that waits for its next request, and by a session in the cache."""

import time

from .. import peers
from ..cost import MIB
from ..subject import Wrong
from ..visitors import all_answered

CONNECTIONS = 2000
SESSIONS = 5000
# Looked up before the others: what the store keeps of its files in memory has a bound, which they reach.
SESSIONS_BEFORE = 3000
# Before the first look: buffers that are there once, and what the allocator keeps at hand.
FIRST = 20
# How long a connection has had nothing to do when it counts as idle, in seconds: some proxies let go of buffers by then.
IDLE = 3


def idle(bench):
    """KiB for each of 2,000 connections kept open after one request, in the clear and over TLS 1.3, 3 s later"""
    upstream = bench.upstream()
    held = {}
    for certificates, column in ((None, "plain"), (bench.certificates(), "TLS")):
        ours = bench.gateways(upstream, people=10, certificates=certificates)
        others = [bench.peer(make, upstream, certificates, ours[0].visitors) for make in (peers.nginx, peers.haproxy)]
        for subject in others + ours:
            first, all_of_them = _held_by_a_connection(subject)
            of = held.setdefault(subject.name, {})
            of |= {column: first / 1024, f"{column}, 4,000": all_of_them / 1024}
    bench.keep(held)
    columns = list(next(iter(held.values())))
    bench.say(f"{'KiB a connection':24}" + "".join(f"{column:>14}" for column in columns))
    bench.say(*(f"{name:24}" + "".join(f"{of[column]:14.1f}" for column in columns) for name, of in held.items()))
    bench.say("(4,000: with as many that came when those were idle, and found what the allocator had kept)")


def _held_by_a_connection(subject):
    """Bytes: when all came at once, and when as many came again that much later."""
    requests = subject.visitors.requests(subject.host)
    connections = []

    def come(number):
        for _ in range(number):
            connected = subject.connect()
            connections.append(connected)
            all_answered(subject.name, connected, [requests[len(connections)]])
        time.sleep(IDLE)
        return subject.memory()

    try:
        before, *held = [come(number) for number in (FIRST, CONNECTIONS, CONNECTIONS)]
        # Whoever had closed them would have held nothing.
        for number, connected in enumerate(connections):
            all_answered(f"{subject.name}, kept connection {number}", connected, [requests[number]])
        return [(after - before) / (lots * CONNECTIONS) for lots, after in enumerate(held, start=1)]
    finally:
        for connected in connections:
            connected.close()


def _settled(subject, connected, requests):
    """Bytes that it holds when these requests, sent over and over, bring nothing new."""
    last = 0
    for _ in range(50):
        all_answered(subject.name, connected, requests)
        if abs((now := subject.memory()) - last) < MIB / 20:
            return now
        last = now
    raise Wrong(f"{subject.name}: its memory does not settle, at {last / MIB:.1f} MiB")


def sessions(bench):
    """bytes for each of 5,000 sessions that come into the cache of a gateway that was started again"""
    upstream = bench.upstream()
    lines = {}
    # The access log's buffers grow by megabytes at a time, whoever asks.
    for subject in bench.gateways(upstream, people=SESSIONS_BEFORE + SESSIONS, log={"access": False}):
        gateway, visitors = subject.gateway, subject.visitors
        gateway.restart()
        subject = gateway.subject(subject.name, visitors)
        everybody = [visitors.request(username, 0, subject.host) for username in visitors.cookies]
        requests = everybody[SESSIONS_BEFORE:]
        with subject.connect() as connected:
            all_answered(subject.name, connected, everybody[:SESSIONS_BEFORE])
            before = _settled(subject, connected, everybody[:1] * SESSIONS)
            all_answered(subject.name, connected, requests)
            held = (_settled(subject, connected, everybody[:1] * SESSIONS) - before) / SESSIONS
            looks = "vestibule_session_cache_looks_total"
            hits = gateway.counted(looks)["hit"]
            all_answered(subject.name, connected, requests)
            hits = gateway.counted(looks)["hit"] - hits
        if hits != SESSIONS:
            raise Wrong(f"{subject.name}: of {SESSIONS} sessions only {hits} are in the cache")
        lines[subject.name] = {"bytes": held, "whole": subject.memory()}
    bench.keep(lines)
    for name, of in lines.items():
        bench.say(f"{name:24}{of['bytes']:8,.0f} bytes a session, {of['bytes'] * 100_000 / MIB:.0f} MiB for 100,000; {of['whole'] / MIB:.1f} MiB in all")
