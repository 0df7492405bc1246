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
        answers = ask(connected, requests)
    if subject.answers == "2xx":
        all_answered(answers, subject.name)
    elif {status for status, _ in answers} != {302}:
        raise Wrong(f"{subject.name}: not all of a visitor's answers are redirects: {sorted({status for status, _ in answers})}")
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
        except Wrong as refused:
            if "'status'" not in str(refused) or any(f"'{name}'" in str(refused) for name in ("read", "connect", "timeout")):
                complaints.append(str(refused))

    background = threading.Thread(target=everybody_goes_on)
    background.start()
    eventually(lambda: counts.arrived() > ADDRESSES, 10, "the load to begin")
    gateway.sign_out(visitors.cookies[leaver])
    with subject.connect() as connected:
        after = ask(connected, theirs)
    refused_under_load = {status for status, _ in after} == {401}
    background.join()
    if complaints:
        raise Wrong(f"{subject.name}: {complaints[0]}")
    with subject.connect() as connected:
        late = ask(connected, theirs)
        if not refused_under_load or {status for status, _ in late} != {401}:
            raise Wrong(f"{subject.name}: {leaver} signed out and got {after[0][0]}, then {late[0][0]}")
        everybody_else = [visitors.of(username, subject.host)[0] for username in others]
        all_answered(ask(connected, everybody_else), subject.name)
    # One of a thousand was refused for a part of the time, and the sign-out itself was a 303.
    numbers, arrived = counts.numbers(), counts.arrived()
    if numbers.get("3xx") != 1 or "5xx" in numbers or not 0 <= arrived - numbers["2xx"] <= 64:
        raise Wrong(f"{subject.name}: after a sign-out under load /metrics counts {numbers}, and {arrived} reached the app")
