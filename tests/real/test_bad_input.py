"""Too much, too odd, too many: refused with the right status, and the gateway goes on."""

import random

import pytest

from rig import wire
from rig.gateway import DOMAIN, app
from rig.process import eventually
from rig.visitor import FETCH, NAVIGATION, Visitor

OPEN = [{"policy": "bypass"}]
FORM = [("Content-Type", "application/x-www-form-urlencoded")]


@pytest.fixture(scope="module")
def limited(make_gateway, recorder):
    return make_gateway(
        [app("recorder", recorder.url, access=OPEN)],
        limits={"max_request_body": "64KiB", "max_request_headers": "16KiB"},
    )


@pytest.fixture(autouse=True)
def _still_alive(gateway):
    yield
    assert gateway.health("/healthz").status == 200
    assert "panicked" not in gateway.output()


def test_a_body_beyond_the_limit_gets_413(limited, recorder):
    answer = limited.ask(limited.url("recorder"), "POST", [("Content-Length", str(65 * 1024))], b"x" * 65 * 1024)
    assert answer.status == 413
    assert not recorder.requests
    assert limited.ask(limited.url("recorder"), "POST", (), b"x" * 64 * 1024).status == 200


def test_a_chunked_body_beyond_the_limit_gets_413_and_never_arrives_whole(limited, recorder):
    block = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
    request = (
        f"POST / HTTP/1.1\r\nHost: {limited.host('recorder')}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        + block * 4 + b"0\r\n\r\n"
    )
    assert wire.status_of(limited.raw(request, name="recorder")) == 413
    assert not [request for request in recorder.requests if len(request.body) > 70 * 1024]


@pytest.mark.parametrize(
    "headers",
    [
        [("X-Long", "x" * 20_000)],
        [("Cookie", "a=" + "x" * 20_000)],
        [(f"X-Many-{number}", "x" * 100) for number in range(190)],
        [("Cookie", "; ".join(f"__Host-vestibule={'x' * 60}" for _ in range(300)))],
    ],
    ids=["one long line", "one long cookie", "many lines", "many of our cookies"],
)
def test_a_head_beyond_the_limit_gets_431(limited, recorder, headers):
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    said = limited.raw(f"GET / HTTP/1.1\r\nHost: {limited.host('recorder')}\r\n{lines}\r\n".encode(), name="recorder")
    assert wire.status_of(said) == 431, said[:200]
    assert not recorder.requests


def test_what_cannot_be_read_stands_in_the_log_once_a_minute_with_its_sender(make_gateway, recorder):
    site = make_gateway([app("recorder", recorder.url, access=OPEN)])
    wire.send_raw(site.plain_port, b"GET / HTTP/1.1\r\nno colon\r\n\r\n")
    # The answer goes out before the line: another connection's could overtake it.
    eventually(lambda: site.output().count("could not be read"), 10, "the first line")
    for request in (b"\x16\x03\x01\x02\x00\x01\x00", b"junk\r\n\r\n" * 3):
        wire.send_raw(site.plain_port, request)
    # What comes after it has been logged, so has it.
    assert site.ask(site.url("recorder")).status == 200
    eventually(lambda: site.output().count("access:"), 10, "the line of the request")
    lines = [line for line in site.output().splitlines() if "could not be read" in line]
    assert len(lines) == 1, lines
    assert "a request could not be read: invalid HTTP header parsed" in lines[0] and "client=127.0.0.1" in lines[0]


def test_a_very_long_address_is_refused(gateway, recorder):
    said = gateway.raw(
        f"GET /public/{'x' * 100_000} HTTP/1.1\r\nHost: {gateway.host('recorder')}\r\n\r\n".encode(), name="recorder"
    )
    assert wire.status_of(said) in (400, 414, 431)
    assert not recorder.requests


MALFORMED_FORMS = {
    "empty": b"",
    "no fields": b"&&&===&",
    "not utf-8": b"username=%ff%fe&password=%c0%80",
    "raw bytes": bytes(range(256)),
    "nul": b"username=a%00b&password=%00",
    "broken percent": b"username=%&password=%zz%4",
    "only a password": b"password=x",
    "only a name": b"username=x",
    "every field twice": b"username=a&username=b&password=c&password=d",
    "a thousand fields": b"&".join(b"f%d=x" % number for number in range(1000)),
    "json": b'{"username":"a","password":"b"}',
    "a password of a million": b"username=a&password=" + b"x" * 1_000_000,
    "a name of a hundred thousand": b"username=" + b"x" * 100_000 + b"&password=y",
    "line ends": b"username=a%0d%0aSet-Cookie:%20x=y&password=b",
    "right to left": "username=\u202eanna&password=\U0001f600".encode(),
}


@pytest.mark.parametrize("case", MALFORMED_FORMS)
@pytest.mark.parametrize("path", ["login", "verify", "verify/resend", "verify/cancel", "step-up", "logout"])
def test_a_malformed_form_is_refused_and_nothing_breaks(gateway, case, path):
    url = gateway.url("auth", f"/_vestibule/{path}")
    answer = gateway.ask(url, "POST", [*NAVIGATION, *FORM], MALFORMED_FORMS[case])
    assert answer.status in (302, 303, 400, 401, 413, 422, 429), answer.status
    if path == "login":
        assert answer.status in (400, 413, 422, 429)
    assert "Set-Cookie: x=y" not in str(answer.headers)


@pytest.mark.parametrize(
    "content_type",
    [None, "application/json", "multipart/form-data; boundary=x", "text/plain", "application/x-www-form-urlencoded; charset=utf-16"],
)
def test_another_kind_of_body_signs_nobody_in(gateway, account, content_type):
    headers = [("Content-Type", content_type)] if content_type else []
    body = f"username={account.username}&password=wrong".encode()
    answer = gateway.ask(gateway.url("auth", "/_vestibule/login"), "POST", [*NAVIGATION, *headers], body)
    assert answer.status in (400, 415, 422)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("path", ["", "login", "verify", "logout", "enter", "whoami", "continue", "nothing"])
def test_own_pages_know_only_their_methods(gateway, method, path):
    answer = gateway.ask(gateway.url("auth", f"/_vestibule/{path}"), method, NAVIGATION)
    assert answer.status in (404, 405)


def test_a_form_whose_body_never_ends_is_given_up(gateway):
    request = (
        f"POST /_vestibule/login HTTP/1.1\r\nHost: {gateway.host('auth')}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100000000\r\n\r\nusername=a"
    )
    said = gateway.raw(request.encode(), timeout=30)
    assert wire.status_of(said) in (400, 408, 413)


def test_random_bytes_are_answered_or_dropped_and_never_break_anything(gateway, recorder):
    dice = random.Random(20)
    for size in (1, 10, 100, 1000, 10_000):
        for _ in range(4):
            said = gateway.raw(dice.randbytes(size) + b"\r\n\r\n", name="recorder")
            assert wire.status_of(said) in (0, 400, 431, 505)
    assert not recorder.requests


def test_mutated_requests_never_reach_the_app_without_a_session(gateway, recorder):
    dice = random.Random(7)
    whole = (
        f"POST /full?x=1 HTTP/1.1\r\nHost: {gateway.host('recorder')}\r\nCookie: __Host-vestibule=abc\r\n"
        "Content-Length: 5\r\nAccept: text/html\r\n\r\nhello"
    ).encode()
    for _ in range(150):
        mutated = bytearray(whole)
        for _ in range(dice.randint(1, 3)):
            place = dice.randrange(len(mutated))
            match dice.randrange(3):
                case 0:
                    mutated[place] = dice.choice(b"\r\n\0 :;,/%\\\x80\xff" + bytes([dice.randrange(256)]))
                case 1:
                    del mutated[place]
                case _:
                    mutated.insert(place, dice.choice(b"\r\n\0 :\t/"))
        with wire.open_socket(gateway.port, gateway.trust, f"recorder.{DOMAIN}", timeout=10) as connected:
            connected.sendall(bytes(mutated))
            connected.settimeout(0.3)
            try:
                connected.recv(65536)
            except TimeoutError:
                pass
    leaked = [request.line for request in recorder.requests if not request.target.startswith("/public/")]
    assert not leaked


def test_a_plain_request_on_a_tls_port_and_tls_on_a_plain_one_harm_nobody(gateway):
    wire.send_raw(gateway.port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    said = wire.send_raw(gateway.plain_port, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 500)
    assert wire.status_of(said) in (0, 400)


def test_idle_and_half_open_connections_do_not_shut_others_out(gateway):
    held = [wire.open_socket(gateway.port) for _ in range(200)]
    held += [wire.open_socket(gateway.port, gateway.trust, f"auth.{DOMAIN}") for _ in range(50)]
    try:
        for connected in held[200:]:
            connected.sendall(b"GET /_vest")
        assert Visitor(gateway).open(gateway.url("auth", "/_vestibule/login")).status == 200
    finally:
        for connected in held:
            connected.close()


def test_a_login_flood_does_not_slow_those_who_are_in(gateway, signed_in):
    import threading
    import time

    stop = threading.Event()

    def flood(number):
        while not stop.is_set():
            body = f"username=flood{number}-{random.randrange(10**9)}&password=x".encode()
            gateway.ask(gateway.url("auth", "/_vestibule/login"), "POST", [*NAVIGATION, *FORM], body, timeout=60)

    floods = [threading.Thread(target=flood, args=(number,), daemon=True) for number in range(8)]
    for thread in floods:
        thread.start()
    try:
        slowest = 0
        for _ in range(20):
            before = time.monotonic()
            assert signed_in.ask(gateway.url("recorder", "/x"), headers=FETCH).status == 200
            slowest = max(slowest, time.monotonic() - before)
    finally:
        stop.set()
        for thread in floods:
            thread.join()
    assert slowest < 2
