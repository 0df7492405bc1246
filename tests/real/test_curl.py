"""curl with its options for every protocol, nginx and Node as apps, HAProxy in front, and h2load for many streams."""

import hashlib
import json
import re
import subprocess

import pytest

from rig.curl import curl
from rig.gateway import DOMAIN, app
from rig.haproxy import Haproxy
from rig.nginx import Nginx
from rig.node import Node
from rig.process import HOST, free_port
from rig.visitor import Visitor

ADMIT = [{"policy": "two_factor"}]
ALL = [{"policy": "bypass"}]
BOTH = ["--http1.1", "--http2"]
LARGE = bytes(range(256)) * (4 * 1024 * 16)
# What a proxy says that has taken TLS off.
PLAIN = [("X-Forwarded-Proto", "https"), ("X-Forwarded-For", "203.0.113.5")]
TRAILERS = [("TE", "trailers")]


@pytest.fixture(scope="module")
def nginx(tmp_path_factory):
    server = Nginx(tmp_path_factory.mktemp("nginx")).start()
    (server.files / "large").write_bytes(LARGE)
    (server.files / "words.txt").write_text("so many words " * 10_000)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    server = Node(tmp_path_factory.mktemp("node")).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def site(make_gateway, tmp_path_factory, recorder, nginx, node):
    """With every kind of listener; believes what a proxy on this machine says."""
    gateway = make_gateway(
        [
            app("recorder", recorder.url, access=ADMIT),
            app("second", nginx.url, access=ALL),
            app("node", node.url, access=ALL),
            app("secure", node.url2, access=ALL),
        ],
        start=False,
    )
    gateway.socket = tmp_path_factory.mktemp("socket") / "gateway.sock"
    gateway.proxied = free_port()
    gateway.settings["listen"] += [
        {"address": f"unix:{gateway.socket}"},
        {"address": f"{HOST}:{gateway.proxied}", "tls": True, "proxy_protocol": True},
    ]
    gateway.settings["trusted_proxies"] = [f"{HOST}/32"]
    gateway.write()
    return gateway.start()


@pytest.fixture(scope="module")
def member(site, people, mails):
    person = Visitor(site)
    person.account = people.fresh()
    person.sign_in(person.account, site.url("recorder"), mails)
    return person


@pytest.fixture(autouse=True)
def _fresh(recorder):
    recorder.reset()


# -- versions of HTTP -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "version"),
    [
        (["--http1.0"], "1"),
        (["--http1.1"], "1.1"),
        (["--http2"], "2"),
        (["--http2-prior-knowledge"], "2"),
        (["--no-alpn"], "1.1"),
        (["--http2", "--tls-max", "1.2"], "2"),
    ],
    ids=" ".join,
)
def test_each_version_is_spoken_to_who_asks_for_it(site, member, recorder, options, version):
    recorder.answering(lambda request, connected: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")
    told = curl(site, "recorder", "/page?x=1", *options, person=member)
    assert (told.status, told.version, told.body) == (200, version, b"ok")
    assert recorder.last.line == "GET /page?x=1 HTTP/1.1"
    assert recorder.last.header("remote-user") == member.account.username


def test_the_wish_for_http_2_without_tls_is_passed_over(site, member, recorder):
    told = curl(site, "recorder", "/", "--http2", headers=PLAIN, person=member, port=site.plain_port, scheme="http")
    assert (told.status, told.version) == (200, "1.1")
    assert recorder.last.header("upgrade") is None and recorder.last.header("http2-settings") is None


def test_a_connection_is_kept_for_the_next_address(site, member, recorder):
    for option in BOTH:
        told = curl(site, "recorder", "/[1-20]", option, person=member)
        assert told.said.count("Connected to") == 1, told.said
    assert [request.target for request in recorder.requests] == [f"/{number}" for number in range(1, 21)] * 2


# -- bodies -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", BOTH)
def test_an_upload_without_a_length_arrives_whole(site, member, recorder, option):
    told = curl(site, "recorder", "/put", option, "--upload-file", "-", person=member, entering=LARGE)
    assert told.status == 200
    assert (recorder.last.method, recorder.last.header("transfer-encoding")) == ("PUT", "chunked")
    assert recorder.last.header("content-length") is None
    assert _unchunked(recorder.last.body) == LARGE


@pytest.mark.parametrize("option", BOTH)
def test_an_upload_with_a_length_keeps_it(site, member, recorder, option, tmp_path):
    (tmp_path / "large").write_bytes(LARGE)
    assert curl(site, "recorder", "/put", option, "--upload-file", tmp_path / "large", person=member).status == 200
    assert recorder.last.header("content-length") == str(len(LARGE))
    assert recorder.last.body == LARGE


def test_who_is_allowed_is_told_to_go_on_and_who_is_not_sends_nothing(site, member, recorder, tmp_path):
    (tmp_path / "large").write_bytes(LARGE)
    options = ["--http1.1", "--header", "Expect: 100-continue", "--expect100-timeout", "20",
               "--upload-file", tmp_path / "large"]
    told = curl(site, "recorder", "/put", *options, person=member)
    assert told.headers.startswith("HTTP/1.1 100 Continue\n") and told.status == 200
    assert (recorder.last.body, recorder.last.header("expect")) == (LARGE, None)
    told = curl(site, "recorder", "/put", *options)
    assert (told.status, told.uploaded) == (401, 0)
    assert "100 Continue" not in told.headers
    assert len(recorder.requests) == 1


@pytest.mark.parametrize("option", BOTH)
def test_a_head_says_what_a_get_would_bring(site, option):
    told = curl(site, "second", "/large", option, "--head")
    assert (told.status, told.header("content-length"), told.header("accept-ranges")) == (200, str(len(LARGE)), "bytes")


@pytest.mark.parametrize("option", BOTH)
def test_ranges_are_the_apps_business(site, option):
    part = curl(site, "second", "/large", option, "--range", "100-299")
    assert (part.status, part.body) == (206, LARGE[100:300])
    assert part.header("content-range") == f"bytes 100-299/{len(LARGE)}"
    assert curl(site, "second", "/large", option, "--range", "-1000").body == LARGE[-1000:]
    several = curl(site, "second", "/large", option, "--range", "0-9,500-509")
    assert several.status == 206 and several.header("content-type").startswith("multipart/byteranges")
    assert LARGE[:10] in several.body and LARGE[500:510] in several.body
    beyond = curl(site, "second", "/large", option, "--range", f"{len(LARGE)}-")
    assert (beyond.status, beyond.header("content-range")) == (416, f"bytes */{len(LARGE)}")


@pytest.mark.parametrize("option", BOTH)
def test_a_download_goes_on_where_it_stopped(site, option, tmp_path):
    file = tmp_path / "half"
    file.write_bytes(LARGE[: len(LARGE) // 2])
    assert curl(site, "second", "/large", option, "--continue-at", "-", "--output", file).status == 206
    assert file.read_bytes() == LARGE


@pytest.mark.parametrize("option", BOTH)
def test_what_has_not_changed_is_not_sent_again(site, option, tmp_path):
    first = curl(site, "second", "/large", option, "--etag-save", tmp_path / "etag")
    again = curl(site, "second", "/large", option, "--etag-compare", tmp_path / "etag")
    assert (first.status, again.status, again.body) == (200, 304, b"")


@pytest.mark.parametrize("option", BOTH)
def test_compression_is_between_the_visitor_and_the_app(site, option):
    told = curl(site, "second", "/words.txt", option, "--compressed")
    assert told.header("content-encoding") == "gzip"
    assert told.body == b"so many words " * 10_000
    # That of the transfer would be ours; nobody has to offer it (RFC 9110 section 10.1.4).
    told = curl(site, "second", "/words.txt", option, "--tr-encoding")
    assert told.body == b"so many words " * 10_000


def test_chunks_and_trailers_are_as_the_protocol_has_them(site, member, recorder):
    recorder.answering(
        lambda request, connected: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
        b"5\r\nhello\r\n0\r\nX-Sum: 42\r\nRemote-User: app\r\n\r\n"
    )
    raw = curl(site, "recorder", "/", "--http1.1", "--raw", headers=TRAILERS, person=member)
    assert raw.body == b"5\r\nhello\r\n0\r\nx-sum: 42\r\n\r\n"
    for option in BOTH:
        told = curl(site, "recorder", "/", option, headers=TRAILERS, person=member)
        assert (told.body, told.header("x-sum"), told.header("remote-user")) == (b"hello", "42", None)
    assert curl(site, "recorder", "/", "--http1.1", "--raw", person=member).body == b"5\r\nhello\r\n0\r\n\r\n"


# -- an app in Node ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", BOTH)
@pytest.mark.parametrize(("name", "version"), [("node", "1.1"), ("secure", "2.0")])
def test_node_gets_and_says_everything_in_either_version(site, name, version, option):
    said = json.loads(curl(site, name, "/said?x=%20", option, headers=[("X-Odd", "yes")]).body)
    assert (said["version"], said["method"], said["url"], said["headers"]["x-odd"]) == (version, "GET", "/said?x=%20", "yes")
    assert said["headers"]["x-forwarded-proto"] == "https"
    back = curl(site, name, "/back", option, "--upload-file", "-", headers=TRAILERS, entering=LARGE)
    assert back.body == LARGE
    assert back.header("x-digest") == hashlib.sha256(LARGE).hexdigest()
    hinted = curl(site, name, "/hint", option)
    assert (hinted.status, hinted.body) == (200, b"after the hint")
    nothing = curl(site, name, "/nothing", option)
    assert (nothing.status, nothing.body, nothing.header("content-length")) == (204, b"", None)


@pytest.mark.parametrize(("option", "ends"), [("--http1.1", 18), ("--http2", 92)])
@pytest.mark.parametrize("name", ["node", "secure"])
def test_an_answer_that_node_breaks_off_is_a_break_for_curl(site, name, option, ends):
    # 18: a partial file; 92: an HTTP/2 stream that was not closed cleanly.
    told = curl(site, name, "/break", option, exit=ends)
    assert (told.status, told.body) == (200, b"half")


# -- ways to the gateway ----------------------------------------------------------------------------------------


def test_a_unix_socket_is_a_listener_too(site, member, recorder):
    told = curl(site, "recorder", "/", "--unix-socket", site.socket, headers=PLAIN, person=member, scheme="http")
    assert (told.status, told.version, told.body) == (200, "1.1", b"ok")
    assert recorder.last.header("remote-user") == member.account.username
    assert recorder.last.header("x-forwarded-for") == "203.0.113.5, 127.0.0.1"


@pytest.mark.parametrize("option", BOTH)
def test_curls_own_proxy_header_comes_before_the_handshake(site, member, recorder, option):
    told = curl(site, "recorder", "/", option, "--haproxy-protocol", person=member, port=site.proxied)
    assert (told.status, recorder.last.header("x-forwarded-for")) == (200, HOST)
    without = curl(site, "recorder", "/", option, person=member, port=site.proxied, exit=None)
    assert without.exit != 0 and without.status == 0
    assert len(recorder.requests) == 1


@pytest.mark.parametrize(
    "words", ["send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id"], ids=["v1", "v2", "v2 with more"]
)
def test_haproxy_says_whose_connection_it_is(site, member, recorder, tmp_path, words):
    balancer = Haproxy(tmp_path, site.proxied, words).start()
    try:
        for option in BOTH:
            told = curl(site, "recorder", "/", option, "--interface", "127.0.0.77", person=member, port=balancer.port)
            assert told.status == 200
            assert recorder.last.header("x-forwarded-for") == "127.0.0.77"
        assert "DOWN" not in balancer.output(), balancer.output()
    finally:
        balancer.stop()
    assert len(recorder.requests) == 2


def test_requests_on_one_connection_without_waiting_are_answered_in_order(site, member, recorder):
    def back(request, connected):
        said = request.target.encode() + (b" body" if b"body" in request.body else b" none")
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(said), said)

    recorder.answering(back)
    host, cookie = site.host("recorder"), member.cookie_header(site.url("recorder"))[0][1]
    head = f"Host: {host}\r\nCookie: {cookie}\r\n"
    asked = "".join(
        f"GET /{number} HTTP/1.1\r\n{head}\r\n" if number % 3 else
        f"POST /{number} HTTP/1.1\r\n{head}Content-Length: 4\r\n\r\nbody" if number % 2 else
        f"PUT /{number} HTTP/1.1\r\n{head}Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"
        for number in range(49)
    )
    last = f"GET /49 HTTP/1.1\r\n{head}Connection: close\r\n\r\n"
    said = site.raw((asked + last).encode(), name="recorder")
    assert said.count(b"HTTP/1.1 200 OK\r\n") == 50
    answers = [(int(number), body) for number, body in re.findall(rb"\r\n\r\n/(\d+) (body|none)", said)]
    assert answers == [(number, b"none" if number % 3 else b"body") for number in range(50)]


def test_a_thousand_streams_on_few_connections_each_reach_the_app(site, member, recorder):
    url = site.url("recorder", "/many")
    done = subprocess.run(
        ["h2load", "--requests=1000", "--clients=5", "--max-concurrent-streams=10", f"--connect-to={HOST}:{site.port}",
         f"--header=cookie: {member.cookie_header(url)[0][1]}", "--header=remote-user: forged", url],
        capture_output=True, text=True, timeout=60, check=True,
    )
    assert "Application protocol: h2" in done.stdout
    assert "requests: 1000 total, 1000 started, 1000 done, 1000 succeeded, 0 failed, 0 errored" in done.stdout, done.stdout
    assert "status codes: 1000 2xx" in done.stdout, done.stdout
    assert len(recorder.requests) == 1000
    assert {request.header("remote-user") for request in recorder.requests} == {member.account.username}
    # Many streams to us are few connections to the app.
    assert len({request.connection for request in recorder.requests}) <= 50


def _unchunked(body):
    whole, at = [], 0
    while True:
        line = body.index(b"\r\n", at)
        size = int(body[at:line], 16)
        if size == 0:
            return b"".join(whole)
        whole.append(body[line + 2 : line + 2 + size])
        at = line + 4 + size
