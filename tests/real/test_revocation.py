"""What is ended in one place is over in all: two gateways on one Redis, and what is open while it ends."""

from contextlib import ExitStack, contextmanager

import pytest
from websockets.exceptions import ConnectionClosedError

from rig.curl import curling
from rig.gateway import app, vestibule
from rig.process import eventually
from rig.visitor import Visitor
from rig.web_socket import Talker, web_socket

RULES = [
    {"paths": ["/light/**"], "policy": "one_factor"},
    {"paths": ["/staff/**"], "groups": ["staff"], "policy": "two_factor"},
    {"paths": ["/staff/**"], "policy": "deny"},
    {"policy": "two_factor"},
]

# What is promised is a second. Without the news it would take some four: the next look into the store.
SOON = 2


@pytest.fixture(scope="module")
def talker():
    started = Talker()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def pair(make_gateway, recorder, talker, redis):
    """Two gateways that share a store and a secret, as behind one balancer."""
    apps = [app("recorder", recorder.url, access=RULES), app("echo", talker.upstream, access=RULES)]
    store = {"redis": {"url": redis.url}}
    one = make_gateway(apps, store=store)
    return one, make_gateway(apps, store=store, secret=one.settings["secret"])


@pytest.fixture
def there_and_here(pair, account, mails):
    """One browser, known to both gateways' caches."""
    one, other = pair
    there, here = Visitor(one), Visitor(other)
    here.jar = there.jar
    there.account = account
    there.sign_in(account, one.url("recorder"), mails)
    for person in (there, here):
        assert person.open(person.gateway.url("recorder")).status == 200
    return there, here


def is_out(person):
    return eventually(lambda: person.open(person.gateway.url("recorder")).status == 302, SOON, "signed out")


def keeping_cookies(person):
    """The same browser as a thief would have it, who is not told to forget anything."""
    thief = Visitor(person.gateway)
    thief.jar = {host: dict(jar) for host, jar in person.jar.items()}
    return thief


def test_who_signs_out_at_one_gateway_is_out_at_the_other(there_and_here):
    there, here = there_and_here
    thief = keeping_cookies(here)
    assert there.sign_out().status == 303
    assert is_out(thief)


def test_a_command_ends_it_at_both(pair, there_and_here):
    there, here = there_and_here
    ended = vestibule("session", "revoke", "--account", there.account.username, "--config", pair[0].file)
    assert ended.returncode == 0, ended.stderr
    assert is_out(there) and is_out(here)


def test_a_second_factor_proved_at_one_gateway_counts_at_the_other_at_once(pair, account, mails):
    one, other = pair
    there, here = Visitor(one), Visitor(other)
    here.jar = there.jar
    there.follow(there.enter_password(account, one.url("recorder", "/light/")))
    assert here.open(other.url("recorder", "/light/")).status == 200
    step_up = there.follow(there.open(one.url("recorder", "/heavy")))
    code_page = there.follow(there.submit(step_up, "/_vestibule/step-up"))
    there.enter_code(code_page, mails.code_for(account.email))
    assert here.open(other.url("recorder", "/heavy")).status == 200


@contextmanager
def without_news(redis, gateways):
    """Commands are answered, but nobody may subscribe: the channel is down while the store is not."""
    redis.command("ACL", "SETUSER", "default", "-subscribe", "-psubscribe", "-ssubscribe")
    redis.command("CLIENT", "KILL", "TYPE", "pubsub")
    try:
        yield
    finally:
        redis.command("ACL", "SETUSER", "default", "+@all")
        # Who was refused asks again on the next connection.
        redis.command("CLIENT", "KILL", "TYPE", "normal")
        for gateway in gateways:
            eventually(lambda gateway=gateway: gateway.health("/readyz").status == 200, 20, "ready")


def looks(gateway, person, times=5):
    """How many of so many requests asked the store."""
    before = gateway.count("session_cache_looks_total", result="miss")
    for _ in range(times):
        assert person.open(gateway.url("recorder")).status == 200
    return gateway.count("session_cache_looks_total", result="miss") - before


def test_while_the_news_cannot_be_heard_every_use_asks_the_store(pair, there_and_here, redis):
    (one, other), (there, here) = pair, there_and_here
    assert looks(other, here) == 0
    with without_news(redis, pair):
        eventually(lambda: looks(other, here) == 5, 10, "asking each time")
        thief = keeping_cookies(here)
        assert there.sign_out().status == 303
        assert thief.open(other.url("recorder")).status == 302, "the very next request"


def test_the_cache_is_trusted_again_once_the_news_is_back(pair, there_and_here, redis):
    (_, other), (_, here) = pair, there_and_here
    with without_news(redis, pair):
        eventually(lambda: looks(other, here) == 5, 10, "asking each time")
    eventually(lambda: looks(other, here) == 0, 30, "asking no more")


# -- what is open -----------------------------------------------------------------------------------------------

# What is promised.
CUT = 5


def endless(request, connected):
    """An answer that only its visitor's end, or ours, ends."""
    kind = b"text/event-stream" if "events" in request.target else b"application/octet-stream"
    connected.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: " + kind + b"\r\nTransfer-Encoding: chunked\r\n\r\n")
    connected.sendall(b"6\r\nfirst\n\r\n")
    connected.settimeout(60)
    connected.recv(1)


@contextmanager
def everything_open(gateway, person, recorder, talker):
    """A WebSocket, an event stream and a download of unknown length, all under way."""
    talker.reset()
    recorder.answering(endless)
    with ExitStack() as opened:
        streams = [opened.enter_context(curling(gateway, "recorder", path, person=person))
                   for path in ("/staff/events", "/staff/download")]
        for stream in streams:
            assert stream.stdout.readline() == b"first\n"
        visitor = opened.enter_context(web_socket(gateway, "echo", person, path="/staff/socket"))
        visitor.send("still here?")
        assert visitor.recv(timeout=10) == "still here?"
        yield visitor, streams


def assert_all_cut(visitor, streams):
    with pytest.raises(ConnectionClosedError) as closed:
        visitor.recv(timeout=CUT)
    assert closed.value.rcvd.code == 1008
    for stream in streams:
        assert stream.wait(CUT) != 0, "cut off, and not ended as if it were whole"


def test_what_is_open_at_one_gateway_is_cut_when_its_owner_signs_out_at_the_other(
    there_and_here, recorder, talker
):
    there, here = there_and_here
    here.visit(here.gateway.url("echo", "/staff/"))
    with everything_open(here.gateway, here, recorder, talker) as everything:
        assert there.sign_out().status == 303
        assert_all_cut(*everything)


@pytest.fixture(scope="module")
def alone(make_gateway, recorder, talker):
    """One gateway with the embedded store."""
    return make_gateway([app("recorder", recorder.url, access=RULES), app("echo", talker.upstream, access=RULES)])


@pytest.fixture
def member(alone, account, mails):
    person = Visitor(alone)
    person.account = account
    person.sign_in(account, alone.url("recorder"), mails)
    person.visit(alone.url("echo", "/staff/"))
    return person


def test_what_is_open_is_cut_when_a_command_ends_the_session(alone, member, recorder, talker):
    with everything_open(alone, member, recorder, talker) as everything:
        ended = vestibule("session", "revoke", "--account", member.account.username, "--config", alone.file)
        assert ended.stdout == "1 session ended\n"
        assert_all_cut(*everything)


def test_what_is_open_is_cut_when_the_account_loses_the_group_that_allows_it(
    alone, member, recorder, talker, people
):
    groups = people.users[member.account.username]
    with everything_open(alone, member, recorder, talker) as everything:
        groups["groups"] = []
        people.write()
        try:
            assert_all_cut(*everything)
            recorder.reset()
            assert member.open(alone.url("recorder", "/staff/")).status == 403
            assert member.open(alone.url("recorder")).status == 200, "nobody is signed out for it"
        finally:
            groups["groups"] = ["staff"]
            people.write()


def test_what_is_open_is_told_that_the_gateway_goes_away_when_it_stops(alone, member, recorder, talker):
    with everything_open(alone, member, recorder, talker) as (visitor, streams):
        assert alone.stop() == 0
        try:
            assert visitor.wait_closed(CUT).code == 1001
            assert all(stream.wait(CUT) != 0 for stream in streams), "cut off, and not ended as if they were whole"
        finally:
            alone.start()


def test_what_is_open_goes_on_while_the_account_changes_in_other_ways(alone, member, recorder, talker, people):
    groups = people.users[member.account.username]
    with everything_open(alone, member, recorder, talker) as (visitor, streams):
        groups["groups"] = ["staff", "more"]
        people.write()
        try:
            eventually(lambda: "more" in member.fetch(alone.url("echo", "/_vestibule/whoami")).json["groups"], 10, "news")
            visitor.send("still here?")
            assert visitor.recv(timeout=10) == "still here?"
            assert all(stream.poll() is None for stream in streams)
        finally:
            groups["groups"] = ["staff"]
            people.write()
