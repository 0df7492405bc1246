"""gRPC from a real client to a real server, end to end, with a sign-in: to HTTP/2 without TLS, and to what TLS negotiates."""

import json
import time

import grpc
import pytest

from rig.calls import Caller, CallServer, Said
from rig.gateway import app
from rig.process import HOST, free_port
from rig.visitor import Visitor

ADMIT = [{"policy": "two_factor"}]
Status = grpc.StatusCode
# The contract's five seconds.
CUT = 5.0
SOON = 1.0


@pytest.fixture(scope="module")
def servers(certificates):
    """By app: `calls` speaks HTTP/2 from the start, `secure` behind TLS."""
    started = {"calls": CallServer().start(), "secure": CallServer(certificates).start()}
    yield started
    for server in started.values():
        server.reset()
        server.stop()


@pytest.fixture(scope="module")
def calling(make_gateway, servers):
    rules = [
        {"paths": ["/rig.Talk/Fail"], "groups": ["ops"], "policy": "two_factor"},
        {"paths": ["/rig.Talk/Fail"], "policy": "deny"},
        {"policy": "two_factor"},
    ]
    impatient = {"servers": [servers["calls"].upstream], "timeouts": {"response": "1s"}}
    return make_gateway(
        [
            app("calls", servers["calls"].upstream, access=ADMIT),
            app("secure", servers["secure"].upstream, access=ADMIT),
            app("second", impatient, access=rules),
            app("gone", f"h2c://{HOST}:{free_port()}", access=ADMIT),
        ]
    )


@pytest.fixture(scope="module")
def member(calling, people, mails):
    """Somebody who is signed in at every app."""
    person = Visitor(calling)
    person.account = people.fresh()
    person.sign_in(person.account, calling.url("auth", "/_vestibule/"), mails)
    for name in ("calls", "secure", "second", "gone"):
        person.visit(calling.url(name))
        assert person.session(name), name
    return person


@pytest.fixture(params=["calls", "secure"])
def server(request, servers):
    """Each test that asks for it runs against both."""
    found = servers[request.param]
    found.app = request.param
    yield found
    found.reset()


@pytest.fixture
def caller(calling, member, server):
    with Caller(calling, server.app, member) as caller:
        yield caller


def failed(call):
    """The error that a call ends with."""
    with pytest.raises(grpc.RpcError) as error:
        call()
    return error.value


# -- what passes ------------------------------------------------------------------------------------------------


def test_a_call_brings_its_answer_and_metadata_both_ways(caller):
    answer, call = caller.with_call("Echo", b"hello")
    assert answer == b"hello"
    early, late = call.initial_metadata(), call.trailing_metadata()
    assert ("x-early", "one") in early and ("x-early-bin", b"\x00\xff") in early
    assert [value for key, value in late if key == "x-late"] == ["two", "three"]
    assert ("x-late-bin", bytes(range(256))) in late
    assert call.code() is Status.OK


def test_the_server_knows_who_calls_and_how_long_they_wait(caller, member):
    sent = [("x-note", "a"), ("x-note", "b"), ("x-note-bin", b"\x00\x01\xfe"), ("remote-user", "forged"), ("remote_user", "forged")]
    seen = json.loads(caller.unary("Describe", metadata=sent, timeout=15))
    metadata = [tuple(pair) for pair in seen["metadata"]]
    assert [value for key, value in metadata if key == "x-note"] == ["a", "b"]
    assert ("x-note-bin", "0001fe") in metadata
    assert [value for key, value in metadata if key == "remote-user"] == [member.account.username]
    assert [value for key, value in metadata if key == "x-forwarded-for"] == ["127.0.0.1"]
    assert any(key == "user-agent" and "grpc-python" in value for key, value in metadata)
    assert "forged" not in json.dumps(metadata) and "__Host-" not in json.dumps(metadata)
    assert 5 < seen["left"] <= 15


@pytest.mark.parametrize("code", [code for code in Status if code is not Status.OK], ids=lambda code: code.name)
def test_a_servers_own_status_arrives_with_its_details(caller, code):
    error = failed(lambda: caller.unary("Fail", code.name.encode()))
    assert error.code() is code
    assert error.details() == f"{code.name}: naïve, 100 % – on purpose"
    assert ("x-why-bin", b"\x01\x02") in error.trailing_metadata()


def test_a_large_message_passes_both_ways(caller):
    message = bytes(range(256)) * (4 * 4096)
    assert caller.unary("Echo", message) == message
    assert caller.unary("Echo", message, compression=grpc.Compression.Gzip) == message


def test_of_many_calls_at_once_each_gets_its_own_answer(caller):
    calls = [caller.begin("Echo", b"%d" % number) for number in range(300)]
    assert [call.result() for call in calls] == [b"%d" % number for number in range(300)]


def test_each_message_of_a_clients_stream_arrives_before_the_next_is_sent(caller, server):
    said = Said()
    gathering = caller.gather(said)
    for number in range(5):
        said.say(b"%d" % number)
        server.wait_for(number + 1)
    said.end()
    assert gathering.result() == b"0,1,2,3,4"


def test_each_message_of_a_servers_stream_arrives_before_the_next_is_sent(caller, server):
    answers = caller.scatter(5)
    for number in range(5):
        server.go_on.release()
        assert next(answers) == b"%d" % number
    assert list(answers) == []
    assert answers.code() is Status.OK


def test_both_sides_of_a_conversation_take_turns(caller, server):
    said = Said()
    answers = caller.talk(said)
    for number in range(20):
        said.say(b"%d" % number)
        assert next(answers) == b"you said %d" % number
    said.end()
    assert list(answers) == []
    assert answers.code() is Status.OK


def test_a_conversation_of_large_messages_is_held_up_by_nothing(caller):
    message = b"x" * (1024 * 1024)
    answers = list(caller.talk(iter([message] * 16)))
    assert answers == [b"you said " + message] * 16


# -- what ends --------------------------------------------------------------------------------------------------


def test_a_deadline_ends_the_call_at_the_server_too(caller, server):
    call = caller.begin("Hang", b"in vain", timeout=1)
    server.wait_for(1)
    assert failed(call.result).code() is Status.DEADLINE_EXCEEDED
    assert server.over.wait(SOON), "the server still works for nobody"


def test_a_call_that_is_given_up_ends_at_the_server_too(caller, server):
    call = caller.begin("Hang", b"in vain")
    server.wait_for(1)
    call.cancel()
    assert server.over.wait(SOON), "the server still works for nobody"


@pytest.mark.parametrize("said_all", [False, True], ids=["while it talks", "while it listens"])
def test_a_conversation_that_is_given_up_ends_at_the_server_too(caller, server, said_all):
    said = Said()
    if said_all:
        answers = caller.scatter(5)
        server.go_on.release()
        assert next(answers) == b"0"
    else:
        answers = caller.talk(said)
        said.say(b"hello")
        assert next(answers) == b"you said hello"
    answers.cancel()
    over = server.over.wait(SOON)
    server.go_on.release(100)
    said.end()
    assert over, "the server still works for nobody"


def test_the_connection_outlives_calls_that_are_given_up(caller, server):
    for number in range(50):
        call = caller.begin("Hang", b"in vain")
        server.wait_for(number + 1)
        call.cancel()
    assert caller.unary("Echo", b"still there") == b"still there"


def test_a_stream_is_cut_when_its_session_ends(calling, server, people, mails):
    person = Visitor(calling)
    person.sign_in(people.fresh(), calling.url(server.app), mails)
    said = Said()
    with Caller(calling, server.app, person) as caller:
        talking, listening = caller.talk(said), caller.scatter(5)
        said.say(b"hello")
        assert next(talking) == b"you said hello"
        server.go_on.release()
        assert next(listening) == b"0"
        assert person.sign_out().status == 303
        began = time.monotonic()
        for stream in (talking, listening):
            assert failed(lambda: next(stream)).code() is not Status.OK
        assert time.monotonic() - began < CUT
        assert server.over.wait(SOON), "the server still works for nobody"
        said.end()
        assert failed(lambda: caller.unary("Echo")).code() is Status.UNAUTHENTICATED


def test_a_server_that_goes_breaks_its_streams_and_never_ends_them(make_gateway, certificates, people, mails):
    for server in (CallServer().start(), CallServer(certificates).start()):
        gateway = make_gateway([app("calls", server.upstream, access=ADMIT)])
        person = Visitor(gateway)
        person.sign_in(people.fresh(), gateway.url("calls"), mails)
        with Caller(gateway, "calls", person) as caller:
            answers = caller.scatter(5)
            server.go_on.release()
            assert next(answers) == b"0"
            server.stop()
            assert failed(lambda: next(answers)).code() in (Status.UNAVAILABLE, Status.CANCELLED, Status.INTERNAL)
            assert failed(lambda: caller.unary("Echo")).code() is Status.UNAVAILABLE
        server.reset()


# -- what is refused --------------------------------------------------------------------------------------------


def test_a_stranger_is_told_so_in_grpcs_own_words(calling, server):
    with Caller(calling, server.app) as stranger:
        error = failed(lambda: stranger.unary("Echo"))
        assert (error.code(), error.details()) == (Status.UNAUTHENTICATED, "sign_in_required")
        error = failed(lambda: list(stranger.talk(iter([b"hello"] * 3))))
        assert error.code() is Status.UNAUTHENTICATED
    assert not server.seen


def test_what_is_not_allowed_is_a_status_of_its_own(calling, member, people, mails):
    operator = Visitor(calling)
    operator.sign_in(people["olga"], calling.url("second"), mails)
    with Caller(calling, "second", member) as caller, Caller(calling, "second", operator) as allowed:
        error = failed(lambda: caller.unary("Fail", b"ABORTED"))
        assert (error.code(), error.details()) == (Status.PERMISSION_DENIED, "forbidden")
        assert failed(lambda: allowed.unary("Fail", b"ABORTED")).code() is Status.ABORTED
        assert caller.unary("Echo", b"hello") == b"hello"


def test_a_server_that_is_gone_is_unavailable_and_a_silent_one_is_too_late(calling, member, servers):
    with Caller(calling, "gone", member) as caller:
        assert failed(lambda: caller.unary("Echo")).code() is Status.UNAVAILABLE
    with Caller(calling, "second", member) as caller:
        assert failed(lambda: caller.unary("Hang", b"for ever")).code() is Status.DEADLINE_EXCEEDED
    assert servers["calls"].over.wait(SOON), "the server still works for nobody"
    servers["calls"].reset()


def test_a_host_that_no_app_has_implements_nothing(calling):
    with Caller(calling, "second") as caller:
        assert failed(lambda: caller.unary("Echo")).code() is Status.UNAUTHENTICATED
    with Caller(calling, "django") as caller:
        assert failed(lambda: caller.unary("Echo")).code() is Status.UNIMPLEMENTED
