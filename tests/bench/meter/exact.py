"""Two looks at each proxy besides the timed ones: every address once, counted to the last; and a visitor who signs out
while everybody else goes on."""

import threading

from rig.process import eventually

from . import load
from .rounds import Counts
from .subject import Wrong
from .visitors import ADDRESSES, all_answered, ask


def every_address_once(subject, upstream):
    """Sends each request once and reads every answer: log, numbers and the app must agree exactly."""
    counts = Counts(subject, upstream)
    requests = subject.visitors.requests(subject.host)
    with subject.connect() as connected:
        if subject.certificates and connected.version() != "TLSv1.3":
            raise Wrong(f"{subject.name} speaks {connected.version()}")
        if subject.answers == "2xx":
            all_answered(subject.name, connected, requests)
        elif (statuses := {status for status, _ in ask(subject.name, connected, requests)}) != {302}:
            raise Wrong(f"{subject.name}: not redirects alone, but {sorted(statuses)}")
    counts.check(load.Load(len(requests), 0))


def revocation_is_seen(subject, upstream, requests, seconds=3):
    """Under load somebody signs out by the page. That person gets nothing from then on; nobody else notices."""
    gateway, visitors = subject.gateway, subject.visitors
    leaver, *others = visitors.cookies
    theirs = visitors.of(leaver, subject.host)
    counts = Counts(subject, upstream)
    complaints = []

    def everybody_goes_on():
        try:
            load.wrk(subject, requests, seconds)
            complaints.append("nobody was refused, though somebody had signed out")
        except load.Errors as errors:
            if errors.kinds != {"status"}:
                complaints.append(str(errors))
        except Wrong as wrong:
            complaints.append(str(wrong))

    background = threading.Thread(target=everybody_goes_on)
    background.start()
    eventually(lambda: counts.arrived() > ADDRESSES, 10, "the load to begin")
    gateway.sign_out(visitors.cookies[leaver])
    with subject.connect() as connected:
        after = ask(subject.name, connected, theirs)
    refused_under_load = {status for status, _ in after} == {401}
    background.join()
    if complaints:
        raise Wrong(f"{subject.name}: {complaints[0]}")
    with subject.connect() as connected:
        late = ask(subject.name, connected, theirs)
        if not refused_under_load or {status for status, _ in late} != {401}:
            raise Wrong(f"{subject.name}: {leaver} signed out and got {after[0][0]}, then {late[0][0]}")
        everybody_else = [visitors.of(username, subject.host)[0] for username in others]
        all_answered(subject.name, connected, everybody_else)
    # One of a thousand was refused for a part of the time, and the sign-out itself was a 303.
    numbers, arrived = counts.numbers(), counts.arrived()
    if numbers.get("3xx") != 1 or "5xx" in numbers or not 0 <= arrived - numbers["2xx"] <= load.CONNECTIONS:
        raise Wrong(f"{subject.name}: after a sign-out {arrived} requests reached the app, at /metrics {numbers}")
