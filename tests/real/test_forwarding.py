"""What the app behind receives, byte for byte, and how streams travel."""

import hashlib
import json
import re
import socket
import ssl
import subprocess
import threading

import pytest

from rig import wire
from rig.gateway import DOMAIN, app
from rig.process import HOST
from rig.visitor import FETCH, Visitor

ADMIT = [{"policy": "two_factor"}]
IDENTITY = ["Remote-User", "Remote-Name", "Remote-Email", "Remote-Groups"]
# Every one of these is another proxy's word, which an app may believe.
OVERRIDES = [
    "Forwarded", "X-Real-IP", "X-Original-URL", "X-Rewrite-URL", "X-Forwarded-User", "X-Forwarded-Email",
    "X-Forwarded-Groups", "X-Forwarded-Prefix", "X-Forwarded-Server", "X-Forwarded-Uri", "X-Forwarded-Method", "Proxy",
]
OURS = ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Request-Id"]
# What CGI, WSGI and PHP fold to the same variable, and what others might.
SEPARATORS = "_.~!'^|+*#$%&`"


def forgeries():
    for name in [*IDENTITY, *OVERRIDES, *OURS]:
        yield name, "forged"
        yield name.lower(), "forged"
        yield name.upper(), "forged"
        for separator in SEPARATORS:
            yield name.replace("-", separator), "forged"


@pytest.mark.parametrize("path", ["/public/x", "/x"])
def test_what_the_client_says_about_itself_never_arrives(gateway, signed_in, recorder, path):
    recorder.requests.clear()
    # In portions: all of them together are more than a head may hold.
    lines = list(forgeries())
    for start in range(0, len(lines), 60):
        answer = signed_in.ask(gateway.url("recorder", path), headers=[*FETCH, *lines[start : start + 60]])
        assert answer.status == 200
        request = recorder.last
        assert request.header("remote-user") in (None, signed_in.account.username)
        assert b"forged" not in request.raw


def test_on_a_bypass_path_a_stranger_has_no_identity_at_all(gateway, recorder):
    answer = gateway.ask(gateway.url("recorder", "/public/x"), headers=[("Remote-User", "forged"), ("remote_user", "forged")])
    assert answer.status == 200
    assert not [name for name, _ in recorder.last.headers if name.lower().replace("_", "-").startswith("remote-")]


def test_identity_is_exact_once_each_and_set_even_when_empty(gateway, people, mails, recorder):
    person = Visitor(gateway)
    person.sign_in(people["nobody-special"], gateway.url("recorder"), mails)
    recorder.requests.clear()
    person.ask(gateway.url("recorder"), headers=[*FETCH, ("Remote-Groups", "forged"), ("Remote-Name", "forged")])
    seen = {name: recorder.last.all(name) for name in IDENTITY}
    assert seen == {
        "Remote-User": ["nobody-special"],
        "Remote-Name": ["Nobody-Special"],
        "Remote-Email": ["nobody-special@people.example"],
        "Remote-Groups": [""],
    }


def test_names_in_other_scripts_arrive_as_utf_8(gateway, people, mails, recorder):
    person = Visitor(gateway)
    person.sign_in(people["zoe"], gateway.url("recorder"), mails)
    assert recorder.last.header("remote-name").encode("latin-1").decode() == "Zoë Ångström"
    assert recorder.last.header("remote-groups").encode("latin-1").decode() == "ops,Équipe"


def test_an_app_may_have_its_own_identity_headers_and_encoding(make_gateway, recorder, people, mails):
    gateway = make_gateway(
        [
            app("recorder", recorder.url, access=ADMIT,
                identity={"headers": {"X-WEBAUTH-USER": "username", "X-WEBAUTH-NAME": "name"}, "encoding": "percent"}),
            app("second", recorder.url, access=ADMIT),
        ]
    )
    person = Visitor(gateway)
    person.sign_in(people["zoe"], gateway.url("recorder"), mails)
    assert recorder.last.header("x-webauth-name") == "Zo%C3%AB%20%C3%85ngstr%C3%B6m"
    assert not recorder.last.all("remote-user")
    # Another app's identity header is no less an identity header.
    person.visit(gateway.url("second"))
    person.ask(gateway.url("second"), headers=[*FETCH, ("X-WebAuth-User", "forged"), ("X_WEBAUTH_USER", "forged")])
    assert recorder.last.header("remote-user") == "zoe"
    assert not recorder.last.all("x-webauth-user")


def test_django_sees_one_user_whatever_the_client_spells(make_gateway, django, account, mails):
    rules = [{"paths": ["/public/**"], "policy": "bypass"}, {"policy": "two_factor"}]
    gateway = make_gateway([app("django", django.url, access=rules)])
    person = Visitor(gateway)
    person.sign_in(account, gateway.url("django"), mails)
    spelled = [
        (name, "forged")
        for name in ("Remote-User", "Remote_User", "REMOTE_USER", "remote-user", "Remote.User", "HTTP_REMOTE_USER")
    ]
    seen = person.ask(gateway.url("django", "/environment"), headers=[*FETCH, *spelled]).json
    assert seen["HTTP_REMOTE_USER"] == account.username
    assert "forged" not in json.dumps(seen)
    assert "vestibule" not in seen.get("HTTP_COOKIE", "")
    seen = gateway.ask(gateway.url("django", "/public/environment"), headers=spelled).json
    assert "HTTP_REMOTE_USER" not in seen and "forged" not in json.dumps(seen)


@pytest.mark.parametrize(
    "connection",
    ["close, Remote-User, X-Forwarded-For, Host, Cookie, Content-Length", "remote-user", "keep-alive, REMOTE-GROUPS, x-odd"],
)
def test_connection_cannot_name_a_header_of_ours_away(gateway, signed_in, recorder, connection):
    recorder.requests.clear()
    answer = signed_in.ask(
        gateway.url("recorder", "/x"),
        "POST",
        [*FETCH, ("Connection", connection), ("X-Odd", "forged") if "x-odd" in connection else ("X-Other", "1")],
        b"body",
    )
    assert answer.status == 200
    request = recorder.last
    assert request.header("remote-user") == signed_in.account.username
    assert request.header("x-forwarded-for") == "127.0.0.1"
    assert request.body == b"body"
    assert "remote" not in (request.header("connection") or "").lower()


def test_hop_by_hop_headers_stop_here(gateway, signed_in, recorder):
    recorder.requests.clear()
    hop = [("TE", "trailers, forged"), ("Trailer", "forged"), ("Keep-Alive", "forged"), ("Proxy-Authorization", "forged"),
           ("Proxy-Connection", "forged"), ("Upgrade", "forged"), ("HTTP2-Settings", "forged")]
    assert signed_in.ask(gateway.url("recorder", "/x"), headers=[*FETCH, *hop]).status in (200, 400)


def test_trailers_carry_no_identity(gateway, signed_in, recorder):
    recorder.requests.clear()
    host, cookie = gateway.host("recorder"), signed_in.cookie_header(gateway.url("recorder"))[0][1]
    request = (
        f"POST /x HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nTransfer-Encoding: chunked\r\n"
        "Trailer: Remote-User\r\nConnection: close\r\n\r\n"
        "4\r\nbody\r\n0\r\nRemote-User: forged\r\nRemote_User: forged\r\nX-Any: forged\r\n\r\n"
    )
    assert wire.status_of(gateway.raw(request.encode(), name="recorder")) == 200
    assert recorder.last.header("remote-user") == signed_in.account.username
    assert b"body" in recorder.last.body


def test_forwarding_headers_are_made_anew(gateway, signed_in, recorder):
    recorder.requests.clear()
    signed_in.ask(gateway.url("recorder", "/x"), headers=FETCH)
    request = recorder.last
    assert request.header("x-forwarded-for") == "127.0.0.1"
    assert request.header("x-forwarded-proto") == "https"
    assert request.header("x-forwarded-host") in (gateway.host("recorder"), f"recorder.{DOMAIN}")
    assert request.header("x-forwarded-port") == str(gateway.port)
    assert request.header("host") == gateway.host("recorder")


def test_a_trusted_proxy_is_believed_and_its_chain_kept(make_gateway, recorder):
    gateway = make_gateway(
        [app("recorder", recorder.url, access=[{"policy": "bypass"}])], trusted_proxies=["127.0.0.9/32"]
    )
    chain = [("X-Forwarded-For", "203.0.113.5"), ("X-Forwarded-Proto", "https"), ("X-Request-Id", "from-the-balancer-1")]
    gateway.ask(gateway.url("recorder"), headers=chain, source="127.0.0.9")
    assert recorder.last.header("x-forwarded-for") == "203.0.113.5, 127.0.0.9"
    assert recorder.last.header("x-request-id") == "from-the-balancer-1"
    gateway.ask(gateway.url("recorder"), headers=chain)
    assert recorder.last.header("x-forwarded-for") == "127.0.0.1"
    assert recorder.last.header("x-request-id") != "from-the-balancer-1"


COOKIES = [
    ("a=1; {own}; b=2", "a=1; b=2"),
    ("{own}", None),
    ("a=1;b=2 ;  c=\"x; y\"", "a=1;b=2 ;  c=\"x; y\""),
    ("a=1; {own}", "a=1"),
    ("vestibule=x; a=1; vestibule-login=y; vestibule-device=z; vestibule-enter=q", None),
    ("__Host-vestibule-login=x; a==; {own}; __Host-vestibule-device=y; b", "a==; b"),
    ("xvestibule=1; vestibuley=2; {own}", "xvestibule=1; vestibuley=2"),
    ("caf\u00e9=\u00fc; {own}", "caf\u00e9=\u00fc"),
]


@pytest.mark.parametrize(("sent", "arrives"), COOKIES[:4] + COOKIES[5:])
def test_the_apps_cookies_arrive_untouched_and_ours_never(gateway, signed_in, recorder, sent, arrives):
    recorder.requests.clear()
    own = f"__Host-vestibule={signed_in.session('recorder')}"
    request = "GET /x HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\nConnection: close\r\n\r\n".format(
        gateway.host("recorder"), sent.format(own=own)
    )
    if own not in request:
        request = request.replace("GET /x", "GET /public/x")
    assert wire.status_of(gateway.raw(request.encode(), name="recorder")) == 200
    assert recorder.last.header("cookie") == (arrives and arrives.encode().decode("latin-1"))


def test_an_app_cannot_set_our_cookies(gateway, signed_in, recorder):
    recorder.answering(
        lambda request, connected: b"HTTP/1.1 200 OK\r\nSet-Cookie: __Host-vestibule=x; Path=/; Secure\r\n"
        b"Set-Cookie: app=1\r\nSet-Cookie: __Host-vestibule-device=y; Secure; Path=/\r\nset-cookie:  vestibule=z\r\n"
        b"Content-Length: 0\r\n\r\n"
    )
    before = signed_in.session("recorder")
    answer = signed_in.fetch(gateway.url("recorder", "/x"))
    assert answer.all("set-cookie") == ["app=1"]
    assert signed_in.session("recorder") == before


@pytest.mark.parametrize(
    "target",
    ["/a%20b?c=%2F&d=+%00", "/caf%C3%A9", "/a;b=c", "/~x/*'()!$&,=:@", "/x?", "/x?a?b=/../c", "/x?q=%", "/UPPER/%aA"],
)
def test_path_and_query_arrive_byte_for_byte(make_gateway_by_query, recorder, target):
    gateway = make_gateway_by_query
    request = f"GET {target} HTTP/1.1\r\nHost: {gateway.host('recorder')}\r\nConnection: close\r\n\r\n"
    assert wire.status_of(gateway.raw(request.encode(), name="recorder")) == 200
    assert recorder.last.target == target


@pytest.fixture(scope="module")
def make_gateway_by_query(make_gateway, recorder):
    """Without rules by path nothing about a path can be ambiguous."""
    return make_gateway([app("recorder", recorder.url, access=[{"policy": "bypass"}])])


def test_an_apps_path_can_be_stripped_and_its_host_replaced(make_gateway, recorder):
    gateway = make_gateway([], start=False)
    gateway.settings["apps"] = [
        {"name": "wiki", "url": gateway.url("recorder", "/wiki"), "upstream": recorder.url, "strip_prefix": True,
         "host_header": "upstream", "access": [{"policy": "bypass"}]},
        {"name": "rest", "url": gateway.url("recorder", "/rest"), "upstream": recorder.url, "access": [{"policy": "bypass"}]},
    ]
    gateway.write()
    gateway.start()
    for asked, arrives in (("/wiki/page?x=1", "/page?x=1"), ("/wiki", "/"), ("/wiki/", "/"), ("/rest/page", "/rest/page")):
        assert gateway.ask(gateway.url("recorder", asked)).status == 200
        assert recorder.last.target == arrives
    gateway.ask(gateway.url("recorder", "/wiki/"))
    assert recorder.last.header("host") == f"127.0.0.1:{recorder.port}"
    # A known host without a matching app is an ordinary "not found"; a path that only begins alike is not the app's.
    for path in ("/", "/wikipedia", "/other"):
        assert gateway.ask(gateway.url("recorder", path)).status == 404


def test_a_unix_socket_is_an_upstream_too(make_gateway, tmp_path_factory):
    place = tmp_path_factory.mktemp("socket") / "app.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
        listener.listen()

        def serve():
            connected, _ = listener.accept()
            with connected:
                connected.recv(65536)
                connected.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nunix")

        threading.Thread(target=serve, daemon=True).start()
        gateway = make_gateway([app("recorder", f"unix:{place}", access=[{"policy": "bypass"}])])
        assert gateway.ask(gateway.url("recorder")).body == b"unix"


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_an_https_app_is_believed_for_an_authority_of_the_system(make_gateway, certificates, known):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificates.certificate, certificates.key)
    with socket.create_server((HOST, 0)) as listener:

        def serve():
            connected, _ = listener.accept()
            try:
                with server.wrap_socket(connected, server_side=True) as secured:
                    secured.recv(65536)
                    secured.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\ntls")
            except OSError:
                assert not known

        threading.Thread(target=serve, daemon=True).start()
        upstream = {"servers": [f"https://{HOST}:{listener.getsockname()[1]}"], "tls": {"server_name": f"recorder.{DOMAIN}"}}
        # What OpenSSL's programs understand too; without it the system's authorities are those of Debian.
        environment = {"SSL_CERT_FILE": str(certificates.authority)} if known else None
        gateway = make_gateway([app("recorder", upstream, access=[{"policy": "bypass"}])], environment=environment)
        answer = gateway.ask(gateway.url("recorder"))
        assert (answer.status, answer.body) == (200, b"tls") if known else answer.status == 502


# -- streams ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def streaming(make_gateway, django, recorder):
    open_to_all = [{"policy": "bypass"}]
    return make_gateway([app("django", django.url, access=open_to_all), app("recorder", recorder.url, access=open_to_all)])


def test_a_large_upload_arrives_whole(streaming):
    body = bytes(range(256)) * 4096 * 32
    answer = streaming.ask(streaming.url("django", "/upload"), "POST", [("Content-Type", "x/y")], body, timeout=60)
    assert answer.json == {"sha256": hashlib.sha256(body).hexdigest(), "size": len(body)}


def test_a_large_download_arrives_whole(streaming):
    size = 32 * 1024 * 1024
    answer = streaming.ask(streaming.url("django", f"/download/{size}"), timeout=60)
    assert len(answer.body) == size and answer.body[-256:] == bytes(range(256))


def test_a_client_that_waits_for_100_continue_may_send_its_body(streaming, tmp_path):
    file = tmp_path / "body"
    file.write_bytes(b"x" * 3_000_000)
    said = subprocess.run(
        ["curl", "-sS", "--http1.1", "--cacert", streaming.certificates.authority,
         "--resolve", f"django.{DOMAIN}:{streaming.port}:{HOST}", "--header", "Expect: 100-continue",
         "--expect100-timeout", "20", "--max-time", "15", "--data-binary", f"@{file}", streaming.url("django", "/upload")],
        capture_output=True, text=True, timeout=30, check=True,
    ).stdout
    assert json.loads(said)["size"] == 3_000_000


def test_an_answer_to_head_keeps_its_length_and_has_no_body(streaming, recorder):
    recorder.answering(lambda request, connected: b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nETag: \"x\"\r\n\r\n")
    answer = streaming.ask(streaming.url("recorder"), "HEAD")
    assert (answer.status, answer.header("content-length"), answer.body) == (200, "1234", b"")
    recorder.answering(lambda request, connected: b"HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n")
    answer = streaming.ask(streaming.url("recorder"), headers=[("If-None-Match", '"x"')])
    assert (answer.status, answer.header("etag"), answer.body) == (304, '"x"', b"")
    assert recorder.last.header("if-none-match") == '"x"'


def test_an_event_arrives_when_it_happens(streaming, recorder):
    go_on = threading.Event()

    def events(request, connected):
        connected.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: first\n\n")
        go_on.wait(20)
        connected.sendall(b"data: second\n\n")

    recorder.answering(events)
    with wire.open_socket(streaming.port, streaming.trust, f"recorder.{DOMAIN}", timeout=10) as stream:
        stream.sendall(f"GET / HTTP/1.1\r\nHost: {streaming.host('recorder')}\r\n\r\n".encode())
        seen = b""
        while b"data: first" not in seen:
            piece = stream.recv(4096)
            assert piece, seen
            seen += piece
        assert b"second" not in seen
        go_on.set()
        while b"data: second" not in seen:
            piece = stream.recv(4096)
            assert piece, seen
            seen += piece


def test_a_slow_reader_holds_back_the_app_and_not_the_gateways_memory(streaming, recorder):
    total = 256 * 1024 * 1024
    sent = [0]
    blocked = threading.Event()
    block = b"x" * 1024 * 1024

    def flood(request, connected):
        connected.settimeout(2)
        connected.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {total}\r\n\r\n".encode())
        try:
            while sent[0] < total:
                sent[0] += connected.send(block)
        except TimeoutError:
            blocked.set()

    recorder.answering(flood)
    with wire.open_socket(streaming.port, streaming.trust, f"recorder.{DOMAIN}", timeout=30) as reader:
        reader.sendall(f"GET / HTTP/1.1\r\nHost: {streaming.host('recorder')}\r\n\r\n".encode())
        assert reader.recv(10).startswith(b"HTTP/1.1 2")
        assert blocked.wait(30), "the app could write everything although nobody reads"
    assert sent[0] < 64 * 1024 * 1024
    resident = int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{streaming.pid}/status").read()).group(1))
    assert resident < 300 * 1024, f"{resident} KiB resident"


def test_keep_alive_serves_many_requests_on_one_connection(gateway, signed_in, recorder):
    recorder.requests.clear()
    cookie = signed_in.cookie_header(gateway.url("recorder"))
    with wire.open_socket(gateway.port, gateway.trust, f"recorder.{DOMAIN}") as connected:
        for number in range(20):
            url = gateway.url("recorder", f"/{number}")
            assert wire.exchange_on(connected, url, "GET", [*FETCH, *cookie]).status == 200
    assert [request.target for request in recorder.requests] == [f"/{number}" for number in range(20)]
    assert len({request.connection for request in recorder.requests}) <= 2, "upstream connections are pooled"


def test_nobody_gets_somebody_elses_identity_on_shared_connections(gateway, people, mails, recorder):
    def name_back(request, connected):
        name = request.header("remote-user").encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(name), name)

    persons = []
    for _ in range(6):
        account = people.fresh()
        person = Visitor(gateway)
        person.sign_in(account, gateway.url("recorder"), mails)
        persons.append((person.cookie_header(gateway.url("recorder")), account.username))
    recorder.answering(name_back)
    wrong = []

    def ask_in_turn(offset):
        with wire.open_socket(gateway.port, gateway.trust, f"recorder.{DOMAIN}", timeout=60) as connected:
            for number in range(60):
                cookie, username = persons[(number + offset) % len(persons)]
                answer = wire.exchange_on(connected, gateway.url("recorder"), "GET", [*FETCH, *cookie])
                if answer.body != username.encode():
                    wrong.append((username, answer.body))

    threads = [threading.Thread(target=ask_in_turn, args=(offset,)) for offset in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
