"""What a request gets, row by row: the table of answers, asked of the real program."""

import re
import subprocess

import pytest

from rig import wire
from rig.gateway import DOMAIN, Certificates, app
from rig.process import HOST, eventually
from rig.visitor import FETCH, NAVIGATION, Visitor

ADMIT = [{"policy": "two_factor"}]


# -- hosts and schemes ------------------------------------------------------------------------------------------


def test_a_host_that_no_app_has_gets_421(gateway):
    answer = gateway.ask(gateway.url("recorder"), headers=[("Host", "unknown.example"), *NAVIGATION])
    assert answer.status == 421
    assert "text/html" in answer.header("content-type")
    assert "login" not in answer.text.lower()


def test_a_host_that_the_certificate_of_this_connection_does_not_cover_gets_421(
    tmp_path_factory, make_gateway, certificates, recorder, people
):
    folder = tmp_path_factory.mktemp("other-certificate")
    other = Certificates(folder, f"other.{DOMAIN}")
    gateway = make_gateway(
        [app("recorder", recorder.url, access=ADMIT), app("other", recorder.url, access=ADMIT)],
        tls={
            "certificates": [
                {"certificate": str(certificates.certificate), "key": str(certificates.key)},
                {"certificate": str(other.certificate), "key": str(other.key)},
            ]
        },
    )
    request = f"GET / HTTP/1.1\r\nHost: {gateway.host('other')}\r\nConnection: close\r\n\r\n".encode()
    assert wire.status_of(gateway.raw(request, name="recorder")) == 421
    shown = wire.send_raw(gateway.port, request, other.trust, f"other.{DOMAIN}")
    assert wire.status_of(shown) == 401


def test_plain_http_for_an_https_app_is_sent_to_https_or_refused(gateway):
    plain = f"http://{HOST}:{gateway.plain_port}"
    host = ("Host", gateway.host("recorder"))
    for method in ("GET", "HEAD"):
        answer = wire.exchange(f"{plain}/a?b=c", method, [host])
        assert answer.status == 308
        assert answer.location == gateway.url("recorder", "/a?b=c")
    for method in ("POST", "PUT", "DELETE"):
        assert wire.exchange(f"{plain}/a", method, [host], b"x").status == 403


def test_the_redirect_listener_sends_to_the_configured_address_and_knows_no_stranger(gateway):
    plain = f"http://{HOST}:{gateway.redirect_port}"
    answer = wire.exchange(f"{plain}/a?b=c", headers=[("Host", f"recorder.{DOMAIN}")])
    assert (answer.status, answer.location) == (308, gateway.url("recorder", "/a?b=c"))
    answer = wire.exchange(f"{plain}/", headers=[("Host", "unknown.example")])
    assert answer.status == 421
    assert answer.location is None


def test_only_a_trusted_proxy_may_say_that_the_visitor_came_by_https(make_gateway, recorder):
    gateway = make_gateway([app("recorder", recorder.url, access=ADMIT)], trusted_proxies=["127.0.0.9/32"])
    plain = f"http://{HOST}:{gateway.plain_port}/"
    headers = [("Host", gateway.host("recorder")), ("X-Forwarded-Proto", "https"), *NAVIGATION]
    assert wire.exchange(plain, headers=headers).status == 308
    trusted = wire.exchange(plain, headers=headers, source="127.0.0.9")
    assert trusted.status == 302
    assert trusted.location.startswith(gateway.url("auth", "/_vestibule/login"))


# -- anonymous --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [NAVIGATION, [("Accept", "text/html")]],
    ids=["by fetch metadata", "by accept"],
)
def test_a_stranger_who_navigates_is_sent_to_the_sign_in(gateway, recorder, headers):
    answer = gateway.ask(gateway.url("recorder", "/a?b=c"), headers=headers)
    assert answer.status == 302
    assert answer.location.startswith(gateway.url("auth", "/_vestibule/login?rd="))
    assert answer.header("cache-control") == "no-store"
    assert not recorder.requests


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_a_stranger_who_does_not_navigate_gets_401_and_json(gateway, recorder, method):
    body = None if method in ("GET", "OPTIONS") else b"x=1"
    answer = gateway.ask(gateway.url("recorder", "/api"), method, FETCH, body)
    assert answer.status == 401
    login = answer.json["login_url"]
    assert answer.json["error"] == "sign_in_required"
    assert login.startswith(gateway.url("auth", "/_vestibule/login"))
    assert answer.header("www-authenticate") == f'Vestibule login="{login}"'
    assert not recorder.requests


def test_a_stranger_who_posts_from_a_page_gets_401_and_a_page(gateway, recorder):
    answer = gateway.ask(gateway.url("recorder", "/form"), "POST", NAVIGATION, b"x=1")
    assert answer.status == 401
    assert answer.header("www-authenticate").startswith('Vestibule login="')
    assert "text/html" in answer.header("content-type")
    assert not recorder.requests


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [("GET", FETCH, 401), ("POST", FETCH, 401), ("GET", [("Expect", "x")], 417), ("TRACE", [], 405)],
)
def test_whoever_only_says_that_it_is_grpc_is_refused_like_everybody_else(gateway, method, headers, status):
    claim = ("Content-Type", "application/grpc")
    answer = gateway.ask(gateway.url("recorder", "/public/app.js" if status == 417 else "/"), method, [*headers, claim])
    assert answer.status == status
    assert answer.header("cache-control") == "no-store" and answer.header("grpc-status") is None


def test_a_frame_and_an_image_are_not_navigations(gateway):
    answer = gateway.ask(gateway.url("recorder"), headers=[("Accept", "text/html"), ("Sec-Fetch-Mode", "no-cors")])
    assert answer.status == 401


# -- signed in --------------------------------------------------------------------------------------------------


def test_one_factor_where_two_are_asked_leads_to_the_second_step(gateway, account, mails, recorder):
    person = Visitor(gateway)
    entered = person.follow(person.enter_password(account, gateway.url("recorder", "/light/"))) 
    assert entered.status == 200 and entered.url == gateway.url("recorder", "/light/")
    assert not mails.to(account.email)

    step_up = person.open(gateway.url("recorder", "/full"))
    assert step_up.status == 302 and "/_vestibule/step-up" in step_up.location
    assert "/_vestibule/step-up" in person.fetch(gateway.url("recorder", "/full")).json["login_url"]

    page = person.follow(step_up)
    assert page.status == 200 and not mails.to(account.email), "looking at the page mails nothing"
    code_page = person.follow(person.submit(page, "/_vestibule/step-up"))
    done = person.follow(person.enter_code(code_page, mails.code_for(account.email)))
    assert (done.status, done.url) == (200, gateway.url("recorder", "/full"))


def test_signed_in_and_not_allowed_gets_403_with_the_account_and_a_way_to_switch(gateway, signed_in, recorder):
    recorder.requests.clear()
    answer = signed_in.open(gateway.url("recorder", "/ops/deploy"))
    assert answer.status == 403
    assert signed_in.account.username in answer.text
    assert "/_vestibule/logout" in answer.text
    answer = signed_in.fetch(gateway.url("recorder", "/ops/deploy"))
    assert answer.status == 403 and answer.json["error"] == "forbidden"
    assert not recorder.requests


def test_the_right_group_is_let_in(gateway, people, mails, recorder):
    answer = Visitor(gateway).sign_in(people["olga"], gateway.url("recorder", "/ops/deploy"), mails)
    assert (answer.status, answer.body) == (200, b"ok")
    assert recorder.last.header("remote-groups") == "ops"


# -- malformed --------------------------------------------------------------------------------------------------

MALFORMED = {
    "two hosts": b"GET / HTTP/1.1\r\nHost: {host}\r\nHost: {host}\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "host with a path": b"GET / HTTP/1.1\r\nHost: {host}/evil\r\n\r\n",
    "host with a user": b"GET / HTTP/1.1\r\nHost: me@{host}\r\n\r\n",
    "absolute form of another host": b"GET https://other.example/ HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy",
    "length with a sign": b"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: +1\r\n\r\nx",
    "gzip, chunked": b"POST / HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "identity": b"POST / HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: identity\r\n\r\n",
    "chunked twice": b"POST / HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "dot segments": b"GET /public/../full HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "encoded dots": b"GET /public/%2e%2e/full HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "encoded slash": b"GET /public%2f..%2ffull HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "backslash": b"GET /public/..\\full HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "encoded backslash": b"GET /public/..%5cfull HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "encoded nul": b"GET /public/%00 HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "path parameter with dots": b"GET /public/..;/full HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "double slash": b"GET //full HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "space before colon": b"GET / HTTP/1.1\r\nHost: {host}\r\nA : b\r\n\r\n",
    "folded header": b"GET / HTTP/1.1\r\nHost: {host}\r\nA: b\r\n c\r\n\r\n",
    "nul in a header": b"GET / HTTP/1.1\r\nHost: {host}\r\nA: b\0c\r\n\r\n",
    "bare cr in a header": b"GET / HTTP/1.1\r\nHost: {host}\r\nA: b\rRemote-User: forged\r\n\r\n",
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_or_ambiguous_request_gets_400_and_the_connection_is_closed(gateway, recorder, case):
    request = MALFORMED[case].replace(b"{host}", gateway.host("recorder").encode())
    said = gateway.raw(request, name="recorder")
    assert wire.status_of(said) == 400, said[:300]
    assert said.count(b"HTTP/1.1 ") == 1
    assert not recorder.requests


def test_a_path_that_some_server_reads_otherwise_is_judged_as_that_server_would(make_gateway, recorder):
    rules = [{"paths": ["/ops/**", "/Archive/**"], "policy": "deny"}, {"policy": "bypass"}]
    gateway = make_gateway([app("recorder", recorder.url, access=rules)])
    spelt = ["/ops/x", "/ops;a/x", "/;/ops/x", "/OPS/x", "/ops./x", "/ops%20/x", "/%20ops/x", "/archive/x", "/ARCHIVE;a/x"]
    for path in spelt:
        assert gateway.ask(gateway.url("recorder", path), headers=FETCH).status == 403, path
    for path in ["/..%20/ops/x", "/x/%20../ops"]:
        assert gateway.ask(gateway.url("recorder", path), headers=FETCH).status == 400, path
    assert not recorder.requests
    for path in ["/Reports/A;v=1/b.pdf", "/opsx/y", "/a.b/c%20d"]:
        recorder.requests.clear()
        assert gateway.ask(gateway.url("recorder", path), headers=FETCH).status == 200, path
        assert recorder.requests[-1].line.split()[1] == path


def test_a_path_that_some_server_reads_as_another_apps_is_refused(make_gateway, recorder):
    open_to_all = [{"policy": "bypass"}]
    apps = [app("recorder", recorder.url, access=open_to_all), app("second", recorder.url, access=ADMIT)]
    gateway = make_gateway(apps, start=False)
    gateway.settings["apps"][1]["url"] = gateway.url("recorder", "/wiki")
    gateway.write()
    gateway.start()
    for path, status in [("/wiki/x", 401), ("/wiki;a/x", 400), ("/Wiki/x", 400), ("/wiki./x", 400), ("/Other;a/x", 200)]:
        assert gateway.ask(gateway.url("recorder", path), headers=FETCH).status == status, path


@pytest.mark.parametrize("lengths_first", [True, False])
def test_a_request_with_both_framings_is_one_request_and_the_last_on_its_connection(gateway, recorder, lengths_first):
    # RFC 9112, 6.1: chunked wins or 400; either way the connection is not used again.
    lines = ["Content-Length: 6\r\n", "Transfer-Encoding: chunked\r\n"]
    both = "".join(lines if lengths_first else reversed(lines))
    smuggled = f"GET /public/smuggled HTTP/1.1\r\nHost: {gateway.host('recorder')}\r\n\r\n"
    said = gateway.raw(
        f"POST /public/x HTTP/1.1\r\nHost: {gateway.host('recorder')}\r\n{both}\r\n0\r\n\r\n{smuggled}".encode(),
        name="recorder",
    )
    assert said.count(b"HTTP/1.1 ") == 1 and wire.status_of(said) in (200, 400)
    assert [request.target for request in recorder.requests] in ([], ["/public/x"])
    assert all(not request.all("content-length") for request in recorder.requests)


def test_the_rest_of_a_refused_body_is_never_read_as_a_request(gateway, recorder):
    inner = f"GET /public/inner HTTP/1.1\r\nHost: {gateway.host('recorder')}\r\n\r\n".encode()
    outer = (
        f"POST /full HTTP/1.1\r\nHost: {gateway.host('recorder')}\r\nContent-Length: {len(inner) * 2000}\r\n\r\n"
    ).encode()
    said = gateway.raw(outer + inner * 2000, name="recorder")
    assert said.count(b"HTTP/1.1 ") <= 1, said[:600]
    assert not recorder.requests


@pytest.mark.parametrize("method", ["TRACE", "CONNECT"])
def test_methods_that_no_app_may_see_are_refused(gateway, recorder, method):
    target = gateway.host("recorder") if method == "CONNECT" else "/public/"
    said = gateway.raw(f"{method} {target} HTTP/1.1\r\nHost: {gateway.host('recorder')}\r\n\r\n".encode(), name="recorder")
    assert wire.status_of(said) in (400, 405), said[:300]
    assert not recorder.requests


# -- every answer -----------------------------------------------------------------------------------------------


def test_every_answer_carries_a_request_id_which_the_app_sees_too(gateway, recorder, signed_in):
    ids = set()
    for answer in (
        gateway.ask(gateway.url("recorder"), headers=NAVIGATION),
        gateway.ask(gateway.url("recorder")),
        gateway.ask(gateway.url("auth", "/_vestibule/login")),
        gateway.ask(gateway.url("auth", "/_vestibule/nothing-here")),
        gateway.ask(gateway.url("recorder"), headers=[("Host", "unknown.example")]),
        signed_in.open(gateway.url("recorder", "/ops/x")),
    ):
        ids.add(answer.header("x-request-id"))
    assert None not in ids and len(ids) == 6
    recorder.requests.clear()
    answer = signed_in.open(gateway.url("recorder", "/page"))
    assert recorder.last.header("x-request-id") == answer.header("x-request-id")


def test_the_app_answers_as_it_likes(gateway, signed_in, recorder):
    recorder.answering(
        lambda request, connected: b"HTTP/1.1 418 Teapot\r\nX-Odd: 1\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n"
        b"Server: kettle\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    )
    answer = signed_in.fetch(gateway.url("recorder", "/tea"))
    assert (answer.status, answer.body) == (418, b"hello")
    assert answer.all("set-cookie") == ["a=b", "c=d"]
    assert (answer.header("x-odd"), answer.header("server")) == ("1", "kettle")


def test_http_2_is_spoken_to_those_who_ask_for_it(gateway, signed_in, recorder):
    recorder.requests.clear()
    url = gateway.url("recorder", "/page?x=1")
    said = subprocess.run(
        ["curl", "-sS", "--http2", "--cacert", gateway.certificates.authority,
         "--resolve", f"recorder.{DOMAIN}:{gateway.port}:{HOST}", "--cookie", signed_in.cookie_header(url)[0][1],
         "--header", "Remote-User: forged", "--header", "X-Odd: yes", "--data-binary", "a body",
         "--write-out", "\n%{http_version} %{http_code}", url],
        capture_output=True, text=True, timeout=30, check=True,
    ).stdout
    assert said == "ok\n2 200"
    request = recorder.last
    assert (request.line, request.body) == ("POST /page?x=1 HTTP/1.1", b"a body")
    assert request.header("host") == gateway.host("recorder")
    assert request.header("remote-user") == signed_in.account.username
    assert request.header("x-odd") == "yes"


def test_own_pages_are_never_kept_framed_or_scripted_from_elsewhere(gateway):
    answer = gateway.ask(gateway.url("auth", "/_vestibule/login"), headers=NAVIGATION)
    assert "no-store" in answer.header("cache-control")
    assert answer.header("referrer-policy") == "same-origin"
    assert answer.header("x-content-type-options") == "nosniff"
    policy = answer.header("content-security-policy")
    assert "frame-ancestors 'none'" in policy and "unsafe" not in policy
    assert re.search(r"default-src 'none'", policy)


def test_the_gateways_own_prefix_never_reaches_an_app_in_any_spelling(gateway, signed_in, recorder):
    recorder.requests.clear()
    spellings = [
        "/_vestibule", "/_vestibule/", "/_vestibule/x", "/_Vestibule/login", "/%5fvestibule/login", "/_vestibule%2flogin",
        "/_%76estibule/whoami", "//_vestibule/login", "/./_vestibule/login", "/a/../_vestibule/login", "/_vestibule;x/login",
        "/public/../_vestibule/login", "/_VESTIBULE/logout", "/%5F%56estibule/",
    ]
    for path in spellings:
        raw = "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{}: {}\r\n\r\n".format(
            path, gateway.host("recorder"), *signed_in.cookie_header(gateway.url("recorder"))[0]
        )
        said = gateway.raw(raw.encode(), name="recorder")
        assert said.startswith(b"HTTP/1.1"), path
    assert not [request.target for request in recorder.requests]


def test_readiness_and_health_stand_on_the_admin_address_alone(gateway):
    assert gateway.health("/healthz").status == 200
    assert gateway.health("/readyz").status == 200
    assert "\nvestibule_connections " in gateway.health("/metrics").text
    for path in ("/healthz", "/readyz", "/metrics"):
        assert gateway.ask(gateway.url("auth", path)).status in (302, 404)
    eventually(lambda: gateway.alive(), 1)
