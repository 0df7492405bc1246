"""WebSockets and event streams: let through after the check, closed when the session ends."""

import threading

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from rig import wire
from rig.gateway import DOMAIN, app
from rig.visitor import Visitor
from rig.web_socket import web_socket

ADMIT = [{"policy": "two_factor"}]


@pytest.fixture(scope="module")
def talking(make_gateway, echo, django):
    rules = [{"paths": ["/public"], "policy": "bypass"}, {"policy": "two_factor"}]
    return make_gateway([app("echo", echo.url, access=rules), app("django", django.url, access=ADMIT)])


@pytest.fixture
def talker(talking, account, mails):
    person = Visitor(talking)
    person.account = account
    assert person.sign_in(account, talking.url("django"), mails).status == 200
    assert person.visit(talking.url("echo", "/_vestibule/whoami")).status in (200, 401)
    person.visit(talking.url("echo"))
    assert person.session("echo")
    return person


def test_a_web_socket_is_tunnelled_for_the_signed_in(talking, talker, echo):
    with web_socket(talking, "echo", talker) as talk:
        for message in ("hello", "x" * 200_000, b"\x00\xff" * 1000):
            talk.send(message)
            assert talk.recv(timeout=10) == message
    request = echo.requests[-1]
    assert request.headers["Remote-User"] == talker.account.username
    assert "vestibule" not in request.headers.get("Cookie", "")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://echo.vestibule.test"])
@pytest.mark.parametrize("path", ["/", "/public"])
def test_a_web_socket_from_a_foreign_page_gets_403(talking, talker, echo, origin, path):
    before = len(echo.requests)
    with pytest.raises(InvalidStatus) as refused:
        web_socket(talking, "echo", talker, origin=origin, path=path)
    assert refused.value.response.status_code == 403
    assert len(echo.requests) == before


def test_a_web_socket_of_a_stranger_gets_401_and_none_at_all_on_a_bypass_path(talking, echo):
    with pytest.raises(InvalidStatus) as refused:
        web_socket(talking, "echo")
    assert refused.value.response.status_code == 401
    with web_socket(talking, "echo", path="/public") as talk:
        talk.send("hello")
        assert talk.recv(timeout=10) == "hello"
    assert "Remote-User" not in echo.requests[-1].headers


def test_a_web_socket_is_closed_when_its_session_ends(talking, talker):
    with web_socket(talking, "echo", talker) as talk:
        talk.send("before")
        assert talk.recv(timeout=10) == "before"
        assert talker.sign_out().status == 303
        with pytest.raises(ConnectionClosed) as closed:
            talk.recv(timeout=7)
        assert closed.value.rcvd is None or closed.value.rcvd.code == 1008
    assert closed.value.rcvd is not None, "at the end of a frame the close can carry its reason"


def test_an_event_stream_is_ended_when_its_session_ends(talking, talker):
    url = talking.url("django", "/events")
    request = "GET /events HTTP/1.1\r\nHost: {}\r\n{}: {}\r\n\r\n".format(
        talking.host("django"), *talker.cookie_header(url)[0]
    )
    with wire.open_socket(talking.port, talking.trust, f"django.{DOMAIN}", timeout=10) as stream:
        stream.sendall(request.encode())
        seen = b""
        while b"tick 1" not in seen:
            seen += stream.recv(4096)
        ended = threading.Event()

        def drain():
            wire.read_to_end(stream)
            ended.set()

        threading.Thread(target=drain, daemon=True).start()
        assert talker.sign_out().status == 303
        assert ended.wait(7), "the stream went on after its session had ended"
