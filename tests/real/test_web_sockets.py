"""Conversations over WebSockets between a client and a server that nobody here wrote: what they say, and how they end."""

import asyncio
import os
import re
import threading
import time
from contextlib import ExitStack

import pytest
from websockets.exceptions import ConnectionClosedOK

from rig.gateway import app
from rig.process import eventually
from rig.visitor import Visitor
from rig.web_socket import Talker, connecting, wait_for, web_socket

ADMIT = [{"policy": "two_factor"}]
IDLE = 2.0
SOON = 1.0
CODES = [1000, 1001, 1008, 1011, 3000, 4999]
REASON = "because – naïvely – of 漢字"
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def talkers(certificates):
    """By app: `echo` is spoken to in the clear, `secure` over TLS."""
    started = {"echo": Talker(), "secure": Talker(certificates)}
    yield started
    for talker in started.values():
        talker.stop()


@pytest.fixture(scope="module")
def talking(make_gateway, talkers):
    hasty = {**talkers["echo"].upstream, "timeouts": {"idle": f"{IDLE:g}s"}}
    return make_gateway(
        [
            app("echo", talkers["echo"].upstream, access=ADMIT),
            app("secure", talkers["secure"].upstream, access=ADMIT),
            app("second", hasty, access=ADMIT),
        ]
    )


@pytest.fixture(scope="module")
def member(talking, people, mails):
    person = Visitor(talking)
    person.sign_in(people.fresh(), talking.url("auth", "/_vestibule/"), mails)
    for name in ("echo", "secure", "second"):
        # To a WebSocket server a page is a bad request; by then the session is there.
        person.visit(talking.url(name))
        assert person.session(name), name
    return person


@pytest.fixture(params=["echo", "secure"])
def talker(request, talkers):
    """Each test that asks for it runs against both."""
    found = talkers[request.param]
    found.reset()
    found.app = request.param
    return found


@pytest.fixture
def meet(talking, member, talker):
    """Opens a conversation; gives the visitor's end and the app's."""
    with ExitStack() as opened:

        def meet(**more):
            visitor = opened.enter_context(web_socket(talking, talker.app, member, **more))
            return visitor, talker.connections.get(timeout=10)

        yield meet


# -- what is said -----------------------------------------------------------------------------------------------


def test_the_subprotocol_is_the_apps_choice(meet):
    visitor, server = meet(subprotocols=["chat.v1", "v10.stomp", "x!#$%&'*+-.^_`|~"])
    assert visitor.subprotocol == server.subprotocol == "x!#$%&'*+-.^_`|~"
    visitor, server = meet()
    assert visitor.subprotocol is None and server.subprotocol is None


@pytest.mark.parametrize("compression", ["deflate", None])
def test_compression_is_agreed_on_by_the_ends(meet, compression):
    visitor, server = meet(compression=compression)
    assert visitor.extensions == server.extensions == (["permessage-deflate"] if compression else [])
    for message in ("again and again " * 100_000, os.urandom(200_000), "", b""):
        visitor.send(message)
        assert visitor.recv(timeout=10) == message


@pytest.mark.parametrize("compression", ["deflate", None])
def test_a_message_of_several_megabytes_passes_both_ways(meet, compression):
    visitor, _ = meet(compression=compression)
    for message in (os.urandom(4 * MIB) * 2, "ä" * (4 * MIB)):
        visitor.send(message)
        assert visitor.recv(timeout=30) == message


def test_both_ends_may_talk_at_once(meet, talker):
    def flood(server):
        for _ in range(16):
            server.send(b"s" * MIB)
        for _ in range(16):
            assert server.recv(30) == b"v" * MIB
        server.send("done")

    talker.script = flood
    visitor, _ = meet(compression=None)
    saying = threading.Thread(target=lambda: [visitor.send(b"v" * MIB) for _ in range(16)])
    saying.start()
    for _ in range(16):
        assert visitor.recv(30) == b"s" * MIB
    saying.join()
    assert visitor.recv() == "done"


def test_fragments_arrive_as_they_were_cut_with_pings_in_between(meet, talker):
    talker.script = lambda server: server.send_pieces(server.recv_pieces(), pings=True)
    visitor, _ = meet()
    pieces = ["one", "", "two" * 50_000, "three"]
    visitor.send_pieces(pieces, pings=True)
    # The library ends a message of pieces with an empty one.
    assert visitor.recv_pieces() == [*pieces, "", ""]


def test_pings_are_answered_by_the_other_end(meet):
    for end in meet():
        for payload in (b"", b"x" * 125):
            end.ping(payload)


# -- how it ends ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", CODES)
def test_the_apps_close_reaches_the_visitor_and_the_answer_the_app(meet, talker, code):
    talker.script = lambda server: server.close(code, REASON)
    visitor, _ = meet()
    came = visitor.wait_closed()
    assert (came.code, came.reason) == (code, REASON)
    answer = talker.ended.get(timeout=5)
    assert (answer.code, answer.reason) == (code, REASON)


@pytest.mark.parametrize("code", CODES)
def test_the_visitors_close_reaches_the_app_and_the_answer_the_visitor(meet, talker, code):
    visitor, _ = meet()
    visitor.send("hello")
    assert visitor.recv(timeout=5) == "hello"
    visitor.close(code, REASON)
    came = talker.ended.get(timeout=5)
    assert (came.code, came.reason) == (code, REASON)
    answer = visitor.came
    assert (answer.code, answer.reason) == (code, REASON)


def test_a_last_message_arrives_before_the_close(meet, talker):
    def say_and_go(server):
        server.send(b"x" * (4 * MIB))
        server.close(1000)

    talker.script = say_and_go
    visitor, _ = meet(compression=None)
    assert len(visitor.recv(timeout=10)) == 4 * MIB
    with pytest.raises(ConnectionClosedOK):
        visitor.recv(timeout=5)


@pytest.mark.parametrize("by_reset", [True, False], ids=["by a reset", "by an end"])
def test_a_visitor_who_vanishes_is_gone_for_the_app_too(meet, talker, by_reset):
    visitor, _ = meet()
    visitor.send("hello")
    assert visitor.recv(timeout=5) == "hello"
    visitor.vanish(by_reset)
    assert talker.ended.get(timeout=SOON) is None, "nobody said goodbye"


@pytest.mark.parametrize("by_reset", [True, False], ids=["by a reset", "by an end"])
def test_an_app_that_vanishes_is_gone_for_the_visitor_too(meet, talker, by_reset):
    visitor, server = meet()
    visitor.send("hello")
    assert visitor.recv(timeout=5) == "hello"
    server.vanish(by_reset)
    assert visitor.wait_closed(SOON) is None, "nobody said goodbye"


def test_a_conversation_lasts_as_long_as_somebody_says_something_and_no_longer(talking, member, talkers):
    talker = talkers["echo"]
    talker.reset()
    with web_socket(talking, "second", member) as visitor:
        server = talker.connections.get(timeout=5)
        began = time.monotonic()
        # A ping is enough, whoever sends it.
        for end in (visitor, server, visitor, server, visitor):
            with pytest.raises(TimeoutError):
                visitor.recv(timeout=IDLE / 4)
            end.ping(within=IDLE / 4)
        assert time.monotonic() - began > IDLE
        quiet = time.monotonic()
        assert visitor.wait_closed(3 * IDLE).code == 1001
        assert time.monotonic() - quiet > 0.9 * IDLE
    assert talker.ended.get(timeout=5) is None


def test_many_conversations_at_once_keep_apart(talking, member, talkers):
    many, turns = 200, 10
    talker = talkers["echo"]
    talker.reset()

    def open_connections():
        metrics = talking.health("/metrics").text
        return int(re.search(r"^vestibule_connections (\d+)$", metrics, re.M).group(1))

    async def one(number, all_there):
        async with connecting(talking, "echo", member, open_timeout=60, close_timeout=30) as talk:
            await all_there.wait()
            for turn in range(turns):
                await talk.send(f"{number}: {turn}")
                assert await talk.recv() == f"{number}: {turn}"

    async def all_of_them():
        all_there = asyncio.Barrier(many)
        await asyncio.gather(*(one(number, all_there) for number in range(many)))

    eventually(lambda: open_connections() == 0, 10, "no open connection")
    wait_for(all_of_them(), 90)
    ends = [talker.ended.get(timeout=10) for _ in range(many)]
    assert {end.code for end in ends} == {1000}
    eventually(lambda: open_connections() == 0, 10, "all connections closed")
