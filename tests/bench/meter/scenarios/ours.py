"""Ours beside itself: many apps, sessions that the cache does not know, visitors whom nobody knows, both cores."""

import base64
import os
import statistics
import time

from .. import cost, load, peers
from ..exact import every_address_once
from ..rounds import counted, take_turns
from ..subject import Wrong
from ..visitors import OWN_COOKIE, Visitors, all_answered, ask, head, path, usernames

MANY, FEW = 10_000, 10


def apps(bench):
    """10,000 apps configured against 10; ten of them are asked, spread over all"""
    upstream = bench.upstream()
    subjects = []
    for build in bench.binaries:
        for count in (FEW, MANY):
            gateway = bench.gateway(build, upstream, apps=count)
            hosts = {
                username: gateway.app_host(number % FEW * (count // FEW)) for number, username in enumerate(usernames())
            }
            visitors = Visitors.signed_in(gateway, usernames(), hosts)
            subjects.append(gateway.subject(bench.named(build, f"{count:,} apps"), visitors))
    bench.report(_take_turns(bench, subjects, upstream), subjects)


def uncached(bench):
    """every session is one that the cache does not know: embedded store, Redis, beside nginx with auth_request"""
    upstream = bench.upstream()
    embedded = bench.gateways(upstream, suffix="embedded", session={"cache": 1})
    redis, url = bench.redis()
    secret = base64.b64encode(os.urandom(32)).decode()
    shared = bench.gateways(upstream, suffix="Redis", redis=url, session={"cache": 1}, secret=secret)
    for subject in shared:
        subject.processes["Redis"] = redis
    nginx = bench.peer(peers.nginx_auth_request, upstream, visitors=embedded[0].visitors)
    ours = embedded + shared
    hits = {subject.name: _hits(subject) for subject in ours}
    results = _take_turns(bench, [nginx, *ours], upstream)
    for subject in ours:
        if new := _hits(subject) - hits[subject.name]:
            raise Wrong(f"{subject.name}: the cache knew the session of {new} requests")
    bench.report(results, ours)


def _hits(subject):
    return subject.gateway.counted("vestibule_session_cache_looks_total")["hit"]


def anonymous(bench):
    """the 302 to the login page beside a forwarded request of somebody who is signed in"""
    upstream = bench.upstream()
    subjects = []
    for signed_in in bench.gateways(upstream, suffix="forwarded"):
        gateway = signed_in.gateway
        stranger = gateway.subject(signed_in.name.replace("forwarded", "302"), Strangers())
        stranger.answers = "3xx"
        subjects += [signed_in, stranger]
    bench.report(_take_turns(bench, subjects, upstream), subjects)


class Strangers(Visitors):
    """The same people before they have signed in, who type the address."""

    def __init__(self):
        super().__init__(dict.fromkeys(usernames()))

    def request(self, username, number, host):
        navigation = {"Accept": "text/html,*/*;q=0.8", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none"}
        return head(path(username, number), host, {**self.headers(username), **navigation})

    def headers(self, username):
        return {**super().headers(username), "Cookie": OWN_COOKIE}


def both(bench):
    """both cores to the gateway, load and app beside it, 256 connections: how the workers share the work"""
    upstream = bench.upstream(core=None)
    ours = bench.gateways(upstream, core=None)
    shares = {subject.name: [] for subject in ours}
    files = {subject.name: bench.requests_file(subject) for subject in ours}

    def with_wrk(subject, seconds):
        pid = subject.processes[""].pid
        before = cost.cpu_seconds_by_thread(pid)
        time = seconds or bench.seconds
        done = load.wrk(subject, files[subject.name], time, connections=256, threads=2, core=None)
        after = cost.cpu_seconds_by_thread(pid)
        spent = {name: after[name] - before.get(name, 0) for name in after}
        if seconds is None:
            workers = {name: spent[name] for name in spent if name.startswith("worker-")}
            whole = sum(workers.values())
            shares[subject.name].append({name: workers[name] / whole for name in sorted(workers)})
        return done

    bench.report(take_turns(ours, counted(with_wrk, upstream), bench.rounds), ours)
    bench.keep(shares, "shares")
    for name, rounds in shares.items():
        told = "   ".join(", ".join(f"{worker} {share:.0%}" for worker, share in round.items()) for round in rounds)
        bench.say(f"{name}: {told}")


def revocation(bench):
    """ms from a sign-out at one gateway to the refusal at another that shares its Redis: median and worst of 200"""
    people = usernames(200)
    upstream = bench.upstream()
    _, url = bench.redis()
    for build in bench.binaries:
        shared = {"store": {"redis": {"url": url, "prefix": f"{build}:"}}, "secret": base64.b64encode(os.urandom(32)).decode()}
        there, here = (bench.gateway(build, upstream, len(people), **shared) for _ in range(2))
        visitors = Visitors.signed_in(there, people)
        subject = here.subject(build, visitors)
        with subject.connect() as connected:
            taken = [_ended(subject, connected, there, username) for username in people]
        for since, times in zip(("asked", "answered"), zip(*taken, strict=True), strict=True):
            figures = {"median": statistics.median(times), "worst": max(times), "rounds": times}
            name = f"{build}, since it was {since}"
            bench.keep({name: figures})
            bench.say(f"{name:40}{figures['median']:8.2f} ms median {figures['worst']:8.2f} ms worst of {len(times)}")


def _ended(subject, connected, there, username):
    """From the sign-out, and from the answer to it, to the first refusal, in ms."""
    request = [subject.visitors.request(username, 0, subject.host)]
    # The first look; from then on the cache knows the session.
    all_answered(subject.name, connected, request * 2)
    asked = time.perf_counter()
    there.sign_out(subject.visitors.cookies[username])
    answered = time.perf_counter()
    while time.perf_counter() - answered < 10:
        [(status, _)] = ask(subject.name, connected, request)
        if status == 401:
            refused = time.perf_counter()
            return 1000 * (refused - asked), 1000 * (refused - answered)
        if status != 200:
            raise Wrong(f"{subject.name}: {username} got {status}")
    raise Wrong(f"{subject.name}: {username} is served though signed out")


def _take_turns(bench, subjects, upstream):
    files = {subject.name: bench.requests_file(subject) for subject in subjects}
    for subject in subjects:
        every_address_once(subject, upstream)

    def with_wrk(subject, seconds):
        return load.wrk(subject, files[subject.name], seconds or bench.seconds)

    return take_turns(subjects, counted(with_wrk, upstream), bench.rounds)
