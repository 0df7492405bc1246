"""What an app is told and answers, where it lives elsewhere than its visitors think."""

import pytest

from rig.gateway import app
from rig.visitor import NAVIGATION, Visitor

OPEN = [{"policy": "bypass"}]


@pytest.fixture(scope="module")
def site(make_gateway, recorder):
    gateway = make_gateway([], start=False)
    rules = {
        "request": {"set": {"X-Env": "prod", "X-Forwarded-Prefix": "/wiki"}, "remove": ["X-Debug"]},
        "response": {"set": {"X-Frame-Options": "DENY"}, "remove": ["Server"]},
    }
    moved = {"name": "moved", "url": gateway.url("second", "/old"), "redirect": "https://new.example.com/wiki"}
    gateway.settings["apps"] = [
        app("wiki", recorder.url, url=gateway.url("recorder", "/wiki"), strip_prefix=True, headers=rules, access=OPEN),
        {**moved, "strip_prefix": True},
        app("closed", recorder.url, url=gateway.url("gone"), maintenance=True, access=OPEN),
    ]
    gateway.write()
    gateway.start()
    return gateway


def test_the_inner_address_and_the_removed_path_are_the_apps_own_again(site, recorder):
    for said, arrives in [
        (f"{recorder.url}/login", site.url("recorder", "/wiki/login")),
        ("/login?a=/b", "/wiki/login?a=/b"),
        ("/wiki/login", "/wiki/login"),
        ("next", "next"),
        ("https://elsewhere.example.com/login", "https://elsewhere.example.com/login"),
    ]:
        head = f"HTTP/1.1 302 Found\r\nLocation: {said}\r\nSet-Cookie: a=b; Path=/\r\nSet-Cookie: __Host-c=d; Secure; Path=/\r\n"
        recorder.answering(lambda *_: (head + "Content-Length: 0\r\n\r\n").encode())
        answer = site.ask(site.url("recorder", "/wiki/page"))
        assert (answer.status, answer.header("location")) == (302, arrives)
        assert answer.all("set-cookie") == ["a=b; Path=/wiki", "__Host-c=d; Secure; Path=/"]


def test_header_rules_are_for_the_app_and_its_answers_alone(site, recorder):
    recorder.answering(lambda *_: b"HTTP/1.1 200 OK\r\nServer: old\r\nX-Frame-Options: ALLOWALL\r\nContent-Length: 0\r\n\r\n")
    answer = site.ask(site.url("recorder", "/wiki/"), headers=[("X-Env", "test"), ("X-Debug", "1"), ("X-Other", "2")])
    assert (answer.header("x-frame-options"), answer.header("server")) == ("DENY", None)
    seen = recorder.last
    assert [seen.header(name) for name in ("x-env", "x-debug", "x-other")] == ["prod", None, "2"]
    assert seen.header("x-forwarded-prefix") == "/wiki"


def test_who_asks_for_an_app_that_moved_is_sent_there_with_path_and_query(site, recorder):
    for method in ("GET", "POST"):
        answer = site.ask(site.url("second", "/old/page?a=b"), method)
        assert (answer.status, answer.header("location")) == (308, "https://new.example.com/wiki/page?a=b")
        assert answer.header("cache-control") == "no-store"
    assert recorder.requests == []


def test_an_app_in_maintenance_is_closed_to_everybody_and_says_when_to_come_back(site, recorder):
    page = site.ask(site.url("gone"), headers=NAVIGATION)
    assert (page.status, page.header("retry-after")) == (503, "60")
    assert page.header("x-request-id") in page.text
    assert recorder.requests == []


def test_an_app_in_maintenance_is_open_to_administrators_who_are_signed_in_there(make_gateway, recorder, people, mails):
    site = make_gateway([app("recorder", recorder.url)], admins=["ops"])
    admin, member = Visitor(site), Visitor(site)
    for person, account in ((admin, people["olga"]), (member, people.fresh())):
        assert person.sign_in(account, site.url("recorder"), mails).status == 200
    site.stop()
    site.settings["apps"][0]["maintenance"] = True
    site.write()
    site.start()
    for person, status in ((Visitor(site), 503), (member, 503), (admin, 200)):
        assert person.open(site.url("recorder")).status == status
    assert recorder.last.header("remote-user") == "olga"
