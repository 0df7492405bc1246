"""An app takes up its share of the gateway and no more: one that hangs is its own visitors' trouble alone."""

import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from rig.calls import Caller
from rig.gateway import app
from rig.process import eventually
from rig.upstreams import Recorder
from rig.visitor import NAVIGATION

OPEN = [{"policy": "bypass"}]
CONNECTIONS, WAITING = 8, 2


@pytest.fixture(scope="module")
def other():
    server = Recorder().start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def shared(make_gateway, recorder, other):
    limits = {"connections": CONNECTIONS, "waiting": WAITING, "wait": "60s", "max_request_body": "1KiB"}
    return make_gateway(
        [
            app("recorder", recorder.url, access=OPEN, limits=limits),
            app("second", other.url, access=OPEN, limits={"max_request_body": 0}),
            app("gone", other.url, access=OPEN),
        ],
        limits={"max_request_body": "64KiB"},
    )


@pytest.fixture
def hanging(shared, recorder):
    """The app hangs, with as much to do as it may and as many waiting; in the end it mends, and all are served."""
    mended = threading.Event()
    refused = shared.count("upstream_refused_total", app="recorder")

    def hangs(request, connected):
        mended.wait(30)
        return Recorder.ORDINARY

    recorder.answering(hangs)
    with ThreadPoolExecutor(CONNECTIONS + WAITING) as visitors:
        asked = [visitors.submit(shared.ask, shared.url("recorder")) for _ in range(CONNECTIONS + WAITING)]
        try:
            recorder.wait_for(CONNECTIONS)
            eventually(lambda: shared.count("upstream_waiting", app="recorder") == WAITING, 10, "the rest to wait")
            yield lambda: shared.count("upstream_refused_total", app="recorder") - refused
        finally:
            mended.set()
        assert [visit.result().status for visit in asked] == [200] * (CONNECTIONS + WAITING)
    assert len(recorder.requests) == CONNECTIONS + WAITING
    assert shared.count("upstream_waiting", app="recorder") == 0


def test_beyond_its_limits_everybody_gets_503_at_once(shared, hanging, recorder):
    page = shared.ask(shared.url("recorder"), headers=NAVIGATION)
    assert page.status == 503 and page.header("x-request-id") in page.text
    assert 1 <= int(page.header("retry-after")) <= 60
    assert shared.ask(shared.url("recorder"), "POST", (), b"x").json == {"error": "unavailable"}
    with Caller(shared, "recorder") as caller, pytest.raises(grpc.RpcError) as refused:
        caller.unary("Echo")
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    assert hanging() == 3
    assert len(recorder.requests) == CONNECTIONS


def test_another_app_answers_as_ever(shared, hanging, other):
    for _ in range(50):
        assert shared.ask(shared.url("second")).status == 200
    assert len(other.requests) == 50
    assert hanging() == 0


def test_a_body_is_limited_by_its_own_app(shared, recorder, other):
    for name, size, status in [
        ("recorder", 1024, 200), ("recorder", 1025, 413), ("gone", 65536, 200), ("gone", 65537, 413), ("second", 200_000, 200),
    ]:
        assert shared.ask(shared.url(name), "POST", (), b"x" * size).status == status, (name, size)
    chunked = "POST / HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: chunked\r\n\r\n401\r\n{}\r\n0\r\n\r\n"
    said = shared.raw(chunked.format(shared.host("recorder"), "x" * 1025).encode(), name="recorder")
    assert said.startswith(b"HTTP/1.1 413 ")
