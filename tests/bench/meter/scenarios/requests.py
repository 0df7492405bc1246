"""Small requests over connections that are kept, HTTP/1.1 in the clear and over TLS, and HTTP/2; and over new ones."""

from .. import load, peers
from ..exact import every_address_once, revocation_is_seen
from ..rounds import counted, take_turns


def plain(bench):
    """1 KiB answers over 64 kept connections, HTTP/1.1"""
    _kept(bench)


def tls(bench):
    """the same over TLS 1.3, ECDSA P-256"""
    _kept(bench, bench.certificates())


def h2(bench):
    """HTTP/2 over TLS 1.3, 8 connections with 8 requests at a time on each, one visitor"""
    _by_count(bench, load.H2load(["-m", 8], "h2", bench.seconds, clients=8))


def handshake(bench):
    """a TLS 1.3 connection for each request, none resumed, 1,000 a second; CPU µs a connection"""
    steadily = ["--h1", "--rate", 10, "--rate-period", "10ms"]
    _by_count(bench, load.H2load(steadily, "http/1.1", bench.seconds, rate=1000))


def _kept(bench, certificates=None):
    upstream = bench.upstream()
    subjects, ours = _everybody(bench, upstream, certificates)
    files = {subject.name: bench.requests_file(subject) for subject in subjects}

    def with_wrk(subject, seconds):
        return load.wrk(subject, files[subject.name], seconds or bench.seconds)

    results = take_turns(subjects, counted(with_wrk, upstream), bench.rounds)
    for subject in ours:
        revocation_is_seen(subject, upstream, files[subject.name])
    bench.report(results, ours)


def _by_count(bench, h2load):
    upstream = bench.upstream()
    subjects, ours = _everybody(bench, upstream, bench.certificates())
    results = take_turns(subjects, counted(h2load, upstream), bench.rounds)
    bench.report(results, ours)


def _everybody(bench, upstream, certificates):
    """nginx, nginx with auth_request, HAProxy, and ours, each asked for every address once; then ours alone."""
    ours = bench.gateways(upstream, certificates=certificates)
    others = [
        bench.peer(make, upstream, certificates, ours[0].visitors)
        for make in (peers.nginx, peers.nginx_auth_request, peers.haproxy)
    ]
    subjects = others + ours
    for subject in subjects:
        every_address_once(subject, upstream)
    return subjects, ours
