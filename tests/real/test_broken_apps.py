"""Apps that refuse, reset, break off or say nothing."""

import re
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from rig.gateway import app
from rig.process import HOST, eventually, free_port
from rig.visitor import NAVIGATION


@pytest.fixture(scope="module")
def failing(make_gateway, recorder):
    open_to_all = [{"policy": "bypass"}]
    full = socket.socket()
    full.bind((HOST, 0))
    full.listen(0)
    waiting = []
    try:
        # The queue of a listener that never accepts: once it is full, further handshakes get no answer.
        for _ in range(4):
            caller = socket.socket()
            caller.setblocking(False)
            caller.connect_ex(full.getsockname())
            waiting.append(caller)
        yield make_gateway(
            [
                app("gone", f"http://{HOST}:{free_port()}", access=open_to_all),
                app("recorder", recorder.url, access=open_to_all),
                app("second", f"http://{HOST}:{full.getsockname()[1]}", access=open_to_all),
            ]
        )
    finally:
        for caller in [*waiting, full]:
            caller.close()


def warned(gateway, request, *words):
    """The log names the app and the server, so that nobody has to guess whom to look at."""
    words = [word.removeprefix("http://") for word in (" WARN ", request, *words)]
    eventually(lambda: any(all(word in line for word in words) for line in gateway.output().splitlines()), 5, str(words))


def request_id(answer):
    return re.search(rb"(?i)x-request-id: (\w+)", answer)[1].decode()


def test_an_app_that_refuses_gets_502_and_a_page_with_the_request_id(failing):
    answer = failing.ask(failing.url("gone"), headers=NAVIGATION)
    assert answer.status == 502
    assert answer.header("x-request-id") in answer.text


@pytest.mark.parametrize("breaking", [b"", b"HTTP/1.1 20", b"HTTP/1.1 200 OK\r\nContent-Le", b"nonsense\r\n\r\n"])
def test_an_app_that_breaks_before_its_head_is_whole_gets_502(failing, recorder, breaking):
    def breaks(request, connected):
        connected.sendall(breaking)
        connected.shutdown(socket.SHUT_RDWR)

    recorder.answering(breaks)
    assert failing.ask(failing.url("recorder")).status == 502


def test_an_app_that_resets_gets_502(failing, recorder):
    def resets(request, connected):
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connected.close()

    recorder.answering(resets)
    answer = failing.ask(failing.url("recorder"))
    assert answer.status == 502
    warned(failing, answer.header("x-request-id"), "closed the connection", "app=\"recorder\"", recorder.url)


@pytest.mark.parametrize("line", [b"X-%d: " + b"x" * 1000, b"X-Endless: " + b"x" * 70_000, b"x"], ids=["many", "long", "one"])
def test_an_app_that_never_ends_its_head_gets_502_at_once_and_no_memory(failing, recorder, line):
    whole = 100 << 20
    sent = []

    def floods(request, connected):
        sent.append(0)
        connected.sendall(b"HTTP/1.1 200 OK\r\n")
        # One line without an end, or line after line.
        end = b"" if line == b"x" else b"\r\n"
        while sent[-1] < whole:
            piece = b"".join((line % number if b"%" in line else line) + end for number in range(200)) * (64 if not end else 1)
            connected.sendall(piece)
            sent[-1] += len(piece)

    recorder.answering(floods)
    failing.ask(failing.url("recorder"))
    before = failing.peak_memory()
    with ThreadPoolExecutor(8) as visitors:
        answers = list(visitors.map(lambda _: failing.ask(failing.url("recorder")).status, range(16)))
    assert answers == [502] * 16
    assert len(recorder.requests) == 17
    eventually(lambda: max(sent) < whole, 5)
    # Of 1.6 GB: a head may have 256 KiB, the sockets hold some more, and the allocator keeps what it has.
    assert failing.peak_memory() - before < 64 << 20
    assert max(sent) < 32 << 20


def test_an_app_that_breaks_within_its_body_breaks_the_answer_and_nothing_else(failing, recorder):
    def breaks(request, connected):
        connected.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        connected.shutdown(socket.SHUT_RDWR)

    recorder.answering(breaks)
    said = failing.raw(
        f"GET / HTTP/1.1\r\nHost: {failing.host('recorder')}\r\n\r\n".encode(), name="recorder"
    )
    assert said.startswith(b"HTTP/1.1 200") and said.endswith(b"half")
    warned(failing, request_id(said), "an answer broke off within its body", "app=\"recorder\"", recorder.url)
    recorder.answering(None)
    assert failing.ask(failing.url("recorder")).status == 200


def test_an_app_that_does_not_answer_the_connection_gets_504(failing):
    answer = failing.ask(failing.url("second"), headers=NAVIGATION)
    assert answer.status == 504
    assert answer.header("x-request-id") in answer.text
