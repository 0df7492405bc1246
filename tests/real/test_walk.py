"""The walk of a person: dashboard, sign-in, password, mail, code, charts, second host, form, logout, back, reload.

In Chromium, with JavaScript and without, over both stores, in front of Prometheus and Django.
"""

import re

import pytest

from rig.browser import LOGIN, VERIFY
from rig.gateway import app

ADMIT = [{"policy": "two_factor"}]
GRAPH = "/graph?g0.expr=scrape_duration_seconds&g0.tab=0&g0.range_input=1m"


@pytest.fixture(scope="module", params=["embedded", "redis"])
def site(request, make_gateway, django, prometheus):
    store = "embedded"
    if request.param == "redis":
        store = {"redis": {"url": request.getfixturevalue("redis").url}}
    return make_gateway(
        [app("prometheus", prometheus.url, access=ADMIT), app("django", django.url, access=ADMIT)],
        store=store,
    )


@pytest.mark.parametrize("javascript", [True, False], ids=["with javascript", "without javascript"])
def test_the_walk_from_dashboard_to_sign_out(site, chromium, account, mails, javascript):
    with chromium.person(javascript=javascript) as person:
        page = person.page
        person.sign_in(account, mails, site.url("prometheus", GRAPH))

        # The dashboard, with its charts drawn from answers to its own XHR.
        page.wait_for_url(re.compile(re.escape(site.url("prometheus", ""))))
        assert page.title().startswith("Prometheus")
        if javascript:
            page.wait_for_selector(".rickshaw_graph svg path", state="attached")

        # The second host asks for nothing, and knows who is there.
        page.goto(site.url("django"))
        page.wait_for_url(site.url("django"))
        assert page.inner_text("#who") == account.username

        # The app's own form, guarded by Django's CSRF cookie and Origin check.
        page.get_by_label("Note").fill("buy milk")
        page.get_by_role("button", name="Keep").click()
        page.wait_for_url(site.url("django"))
        assert page.inner_text("#note") == "buy milk"

        # Out, from the app's own link.
        page.get_by_role("link", name="Sign out").click()
        page.wait_for_url(re.compile("/_vestibule/logout"))
        person.sign_out()
        assert page.url.startswith(site.url("auth", "/_vestibule/login"))

        # Back may show what the browser kept; a reload asks the gateway, which shows the sign-in.
        page.go_back()
        page.goto(site.url("django"))
        assert page.url.startswith(site.url("auth", "/_vestibule/login"))
        page.goto(site.url("prometheus", GRAPH))
        assert page.url.startswith(site.url("auth", "/_vestibule/login"))
        assert "Welcome" not in page.inner_text("body")


def test_back_then_reload_after_signing_out_shows_the_sign_in(site, chromium, account, mails):
    with chromium.person() as person:
        page = person.page
        person.sign_in(account, mails, site.url("django"))
        page.wait_for_url(site.url("django"))
        page.goto(site.url("django", "/_vestibule/logout"))
        person.sign_out()
        for _ in range(2):
            page.go_back()
        page.reload()
        page.wait_for_url(LOGIN)
        assert page.locator("#who").count() == 0


def test_a_script_of_the_page_reaches_its_own_app_only_while_signed_in(site, chromium, account, mails):
    with chromium.person() as person:
        page = person.page
        person.sign_in(account, mails, site.url("prometheus", GRAPH))
        page.wait_for_url(re.compile(re.escape(site.url("prometheus", ""))))
        ask = "fetch('/api/v1/query?query=1').then(a => a.status)"
        assert page.evaluate(ask) == 200
        page.context.clear_cookies(name="__Host-vestibule")
        assert page.evaluate(ask) == 401


def test_a_wrong_password_and_a_wrong_code_say_so_and_lose_nothing(site, chromium, account, mails):
    with chromium.person() as person:
        page = person.page
        page.goto(site.url("django"))
        person.enter_password(account.username, "not the password")
        assert "Invalid username or password." in person.refused()
        assert person.username.input_value() == account.username
        assert person.password.input_value() == ""

        person.enter_password(account.username, account.password)
        page.wait_for_url(VERIFY)
        code = mails.code_for(account.email)
        person.enter_code(another(code))
        assert "Invalid or expired code." in person.refused()
        person.enter_code(f"{code[:3]} {code[3:]}")
        page.wait_for_url(site.url("django"))


def another(code):
    """A code of the same length that is wrong for sure."""
    return code[:-1] + str((int(code[-1]) + 1) % 10)
