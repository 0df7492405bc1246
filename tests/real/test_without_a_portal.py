"""One app, no portal: the pages live on the app's own host, and each host has a sign-in of its own."""

import pytest

from rig.gateway import app
from rig.visitor import NAVIGATION, Visitor

RULES = [{"paths": ["/public/**"], "policy": "bypass"}, {"policy": "two_factor"}]


@pytest.fixture(scope="module")
def gateway(make_gateway, recorder):
    return make_gateway(
        [app("recorder", recorder.url, access=RULES), app("second", recorder.url, access=RULES)], portal=None
    )


def test_the_sign_in_stands_on_the_apps_own_host(gateway, account, mails, recorder):
    person = Visitor(gateway)
    first = person.open(gateway.url("recorder", "/page?x=1"))
    assert first.status == 302
    assert first.location.startswith((gateway.url("recorder", "/_vestibule/login"), "/_vestibule/login"))
    there = person.sign_in(account, gateway.url("recorder", "/page?x=1"), mails)
    assert (there.status, there.url) == (200, gateway.url("recorder", "/page?x=1"))
    assert recorder.last.header("remote-user") == account.username


def test_each_host_asks_for_itself(gateway, account, mails):
    person = Visitor(gateway)
    person.sign_in(account, gateway.url("recorder"), mails)
    assert person.open(gateway.url("second")).status == 302
    person.cookies(gateway.url("second")).update(person.cookies(gateway.url("recorder")))
    assert not person.is_signed_in("second")


def test_signing_out_ends_at_the_same_hosts_sign_in(gateway, account, mails):
    person = Visitor(gateway)
    person.sign_in(account, gateway.url("recorder"), mails)
    out = person.sign_out("recorder")
    assert out.status == 303
    page = person.follow(out)
    assert page.page.form("/_vestibule/login").action.startswith(gateway.url("recorder", "/"))
    assert not person.is_signed_in("recorder")


@pytest.mark.parametrize("line", ["https://evil.example/", "//evil.example", "https://second.vestibule.test.evil.example/"])
def test_a_bad_address_ends_at_the_apps_front_page(gateway, account, mails, line):
    person = Visitor(gateway)
    there = person.sign_in(account, gateway.url("recorder", f"/_vestibule/login?rd={line}"), mails)
    assert (there.status, there.url) == (200, gateway.url("recorder", "/"))


def test_an_unknown_host_has_no_sign_in(gateway):
    answer = gateway.ask(
        gateway.url("recorder", "/_vestibule/login"), headers=[("Host", "unknown.example"), *NAVIGATION]
    )
    assert answer.status == 421 and "<form" not in answer.text
