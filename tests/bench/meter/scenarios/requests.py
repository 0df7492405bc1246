"""Small requests over connections that are kept: HTTP/1.1 in the clear."""

from .. import load, peers, table
from ..exact import every_address_once, revocation_is_seen
from ..rounds import take_turns


def plain(bench):
    """1 KiB answers over 64 kept connections, HTTP/1.1"""
    _kept(bench)


def _kept(bench, certificates=None):
    upstream = bench.upstream()
    ours = bench.gateways(upstream, certificates)
    others = [
        bench.peer(peers.nginx, upstream, certificates),
        bench.peer(peers.nginx_auth_request, upstream, certificates),
        bench.peer(peers.haproxy, upstream, certificates),
    ]
    visitors = ours[0].visitors
    for subject in others:
        subject.visitors = visitors
    subjects = others + ours
    files = {subject.name: bench.requests_file(subject) for subject in subjects}
    for subject in subjects:
        every_address_once(subject, upstream)

    def with_wrk(subject, seconds):
        return load.wrk(subject, files[subject.name], seconds or bench.seconds)

    results = take_turns(subjects, with_wrk, bench.rounds, upstream)
    for subject in ours:
        revocation_is_seen(subject, upstream, files[subject.name])
    bench.keep(results)
    bench.say(table.requests_table(results, [subject.name for subject in ours]))
