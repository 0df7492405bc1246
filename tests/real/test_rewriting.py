"""What an app is told and answers, where it lives elsewhere than its visitors think."""

from urllib.parse import parse_qs, urlsplit

import pytest

from rig.gateway import app
from rig.visitor import NAVIGATION, Visitor

OPEN = [{"policy": "bypass"}]
LIGHT = [{"paths": ["/light/**"], "policy": "one_factor"}, {"policy": "two_factor"}]


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
    close(site)
    for person, status in ((Visitor(site), 503), (member, 503), (admin, 200)):
        assert person.open(site.url("recorder")).status == status
    assert recorder.last.header("remote-user") == "olga"


def close(site):
    """Puts its first app in maintenance."""
    site.stop()
    site.settings["apps"][0]["maintenance"] = True
    site.write()
    site.start()


@pytest.fixture(scope="module")
def closed(make_gateway, recorder):
    """An app in maintenance with its pages on a host of their own, and one with its pages on its own host."""
    apps = [app("recorder", recorder.url, access=LIGHT, maintenance=True), app("second", recorder.url, access=LIGHT)]
    return {
        "elsewhere": make_gateway(apps, admins=["ops"]),
        "here": make_gateway(apps, admins=["ops"], portal=None),
    }


WHERE = pytest.mark.parametrize("where", ["elsewhere", "here"])
LINK = "Administrators can sign in"
ASKED = "/page?a=b&c=//d"


@WHERE
def test_administrators_sign_in_by_the_link_on_the_page_and_land_on_the_app(closed, where, recorder, people, mails):
    site, admin = closed[where], Visitor(closed[where])
    page = admin.open(site.url("recorder", ASKED))
    assert page.status == 503 and not admin.cookies(page.url), "the page itself gives nothing to anybody"
    link = page.page.links[LINK]
    assert link.startswith(site.url("recorder", "/_vestibule/login?")), "on the app's own host"
    there = admin.sign_in(people["olga"], link, mails)
    assert (there.status, there.url) == (200, site.url("recorder", ASKED))
    assert (recorder.last.target, recorder.last.header("remote-user")) == (ASKED, "olga")


@WHERE
def test_whoever_else_signs_in_there_gets_the_page_again_without_the_link(closed, where, recorder, account, mails):
    site, member = closed[where], Visitor(closed[where])
    link = member.open(site.url("recorder", ASKED)).page.links[LINK]
    there = member.sign_in(account, link, mails)
    assert (there.status, there.url) == (503, site.url("recorder", ASKED))
    assert member.is_signed_in("recorder") and LINK not in there.page.links
    assert recorder.requests == []
    assert member.visit(link).status == 503, "nor is the link a way into a circle"


@WHERE
def test_administrators_who_gave_their_password_alone_are_led_to_the_second_factor(closed, where, recorder, people, mails):
    site, admin, account = closed[where], Visitor(closed[where]), people["zoe"]
    link = admin.open(site.url("recorder", "/light/")).page.links[LINK]
    there = admin.follow(admin.enter_password(account, link))
    assert (there.status, there.url) == (503, site.url("recorder", "/light/"))
    before = len(mails.to(account.email))
    button = admin.visit(there.page.links[LINK])
    code_page = admin.follow(admin.submit(button, "/_vestibule/step-up"))
    done = admin.follow(admin.enter_code(code_page, mails.code_for(account.email, before + 1)))
    assert (done.status, done.url) == (200, site.url("recorder", "/light/"))
    assert recorder.last.header("remote-user") == "zoe"


@WHERE
def test_whoever_else_gave_a_password_alone_is_not_asked_for_more(closed, where, account):
    site, member = closed[where], Visitor(closed[where])
    link = member.open(site.url("recorder", "/light/")).page.links[LINK]
    there = member.follow(member.enter_password(account, link))
    assert (there.status, there.url) == (503, site.url("recorder", "/light/"))
    assert member.is_signed_in("recorder") and LINK not in there.page.links


def test_programs_are_told_of_the_maintenance_and_of_no_sign_in(closed):
    answer = closed["elsewhere"].ask(closed["elsewhere"].url("recorder"), headers=[("Accept", "application/json")])
    assert (answer.status, answer.json) == (503, {"error": "maintenance"})
    assert answer.header("www-authenticate") is None


def test_the_link_after_a_form_leads_to_the_app_itself(closed):
    site = closed["elsewhere"]
    page = site.ask(site.url("recorder", "/save"), "POST", [("Accept", "text/html")], b"a=b")
    (to,) = parse_qs(urlsplit(page.page.links[LINK]).query)["rd"]
    assert (page.status, to.rstrip("/")) == (503, site.url("recorder").rstrip("/"))
