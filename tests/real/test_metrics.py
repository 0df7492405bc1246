"""What /metrics says is what happened: no more and no less."""

import socket

import pytest

from rig.gateway import app
from rig.visitor import FETCH, Visitor

OPEN = [{"policy": "bypass"}]


@pytest.fixture(scope="module")
def counted(make_gateway, recorder):
    return make_gateway([app("recorder", recorder.url, access=[{"policy": "two_factor"}]), app("second", recorder.url, access=OPEN)])


def looks(gateway):
    return [gateway.count("session_cache_looks_total", result=result) for result in ("hit", "miss")]


def test_looks_for_sessions_add_up(counted, account, mails, recorder):
    person = Visitor(counted)
    person.sign_in(account, counted.url("recorder"), mails)
    hits, misses = looks(counted)
    for _ in range(60):
        assert person.ask(counted.url("recorder"), headers=FETCH).status == 200
    hit, missed = (after - before for after, before in zip(looks(counted), (hits, misses)))
    assert hit + missed == 60
    # A session is looked up again after five seconds at most, and not at every request.
    assert hit > missed


def test_who_has_no_session_is_not_looked_for_and_who_forges_one_is_not_known(counted):
    hits, misses = looks(counted)
    for cookie in ["", "other=1", "vestibule-login=x"]:
        assert counted.ask(counted.url("recorder"), headers=[("Cookie", cookie)]).status == 401
    assert looks(counted) == [hits, misses]
    for cookie in ["__Host-vestibule=forgery", "__Host-vestibule=" + "A" * 80]:
        assert counted.ask(counted.url("recorder"), headers=[("Cookie", cookie)]).status == 401
    assert looks(counted) == [hits, misses + 2]


def test_a_kept_connection_that_was_dead_is_one_retry(counted, recorder):
    def dies_at_the_second(request, connected):
        before = [earlier for earlier in recorder.requests if earlier.connection == request.connection]
        if len(before) == 1:
            return recorder.ORDINARY
        connected.shutdown(socket.SHUT_RDWR)

    recorder.answering(dies_at_the_second)
    # Each worker has connections of its own, and one on a single connection stays with its worker.
    with counted.connection("second") as ask:
        assert ask().status == 200
        retries, requests = counted.count("upstream_retries_total", app="second"), len(recorder.requests)
        assert ask("PUT", body=b"hello").status == 200
        assert counted.count("upstream_retries_total", app="second") == retries + 1
        assert [seen.body for seen in recorder.requests[requests:]] == [b"hello", b"hello"]
        assert ask("POST", body=b"hello").status == 502
        assert counted.count("upstream_retries_total", app="second") == retries + 1
        assert len(recorder.requests) == requests + 3


def test_requests_are_counted_by_app_and_class(counted, recorder):
    classes = ["2xx", "3xx", "4xx", "5xx"]

    def requests():
        return [counted.count("requests_total", **{"app": "second", "class": name}) for name in classes]

    before = requests()
    for status, times in [(b"200 OK", 4), (b"302 Found", 3), (b"404 Not Found", 2), (b"500 Oh", 1)]:
        recorder.answering(lambda *_: b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
        for _ in range(times):
            counted.ask(counted.url("second"))
    assert [after - known for after, known in zip(requests(), before)] == [4, 3, 2, 1]
