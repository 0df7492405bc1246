"""From the portal to the apps' hosts: several tabs, several hosts, tickets that are good once."""

import base64
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from rig.gateway import app, vestibule
from rig.process import eventually
from rig.visitor import Visitor

FIVE = ["recorder", "second", "echo", "calls", "node"]
RULES = [{"paths": ["/light/**"], "policy": "one_factor"}, {"policy": "two_factor"}]


def at_once(each, names):
    with ThreadPoolExecutor(len(names)) as tabs:
        return list(tabs.map(each, names))


def test_the_signed_in_are_sent_on_from_the_login_page(gateway, signed_in):
    there = signed_in.visit(gateway.url("auth", f"/_vestibule/login?rd={gateway.url('second', '/x')}"))
    assert (there.status, there.url) == (200, gateway.url("second", "/x"))
    home = signed_in.visit(gateway.url("auth", "/"))
    assert home.status == 200 and home.url == gateway.url("auth", "/_vestibule/")
    assert gateway.url("recorder").rstrip("/") in home.text


@pytest.mark.parametrize(
    ("given", "name", "path"),
    [("/x%3Fy=z", "recorder", "/x?y=z"), ("{recorder}", "recorder", "/x"), ("{second}", "second", "/x")],
    ids=["a path", "its own address", "another app"],
)
def test_a_sign_in_that_is_asked_for_on_an_apps_host_leads_to_the_app(gateway, account, mails, given, name, path):
    person = Visitor(gateway)
    places = {app: quote(gateway.url(app, "/x"), safe="") for app in ("recorder", "second")}
    there = person.sign_in(account, gateway.url("recorder", "/_vestibule/login?rd=" + given.format(**places)), mails)
    assert (there.status, there.url) == (200, gateway.url(name, path))
    assert person.is_signed_in(name)
    session = person.session(name)
    for more in ("", "&confirm=1", "&again=1", f"&nonce={'A' * 43}"):
        assert person.visit(gateway.url(name, f"/_vestibule/login?rd=/{more}")).status == 200
        assert person.session(name) == session, "who is in stays in, whoever made the link"


def test_no_link_brings_its_own_nonce_to_the_portal(gateway):
    person = Visitor(gateway)
    asked = gateway.url("recorder", f"/_vestibule/login?rd=/x&nonce={'A' * 43}&again=1&confirm=1")
    for _ in range(2):
        onward = person.open(asked)
        assert onward.status == 302 and onward.location.startswith(gateway.url("auth", "/_vestibule/login?"))
        told = parse_qs(urlsplit(onward.location).query)
        (nonce,) = person.cookies(asked).values()
        hashed = base64.urlsafe_b64encode(hashlib.sha256(nonce.encode()).digest()).rstrip(b"=").decode()
        assert told == {"rd": [gateway.url("recorder", "/x")], "nonce": [hashed]}
    assert onward.all("set-cookie") == [], "the one that the browser holds serves every hand-over"


@pytest.mark.parametrize("rd", [None, "second", "https://evil.example/"])
def test_a_sign_in_that_does_not_lead_back_to_the_host_is_the_portals_alone(gateway, rd):
    to = gateway.url("second", "/x") if rd == "second" else rd
    asked = "/_vestibule/login" + (f"?rd={quote(to, safe='')}" if to else "")
    onward = Visitor(gateway).open(gateway.url("recorder", asked))
    assert onward.status == 302 and onward.location.startswith(gateway.url("auth", "/_vestibule/login"))
    assert "nonce" not in onward.location and onward.all("set-cookie") == []


def test_a_script_is_given_no_nonce(gateway):
    answer = Visitor(gateway).fetch(gateway.url("recorder", "/_vestibule/login?rd=/x"))
    assert answer.status == 302 and "nonce" not in answer.location
    assert answer.all("set-cookie") == []


def test_several_tabs_do_not_break_each_other(gateway, account, mails):
    person = Visitor(gateway)
    first = person.visit(gateway.url("recorder", "/one"))
    second = person.visit(gateway.url("second", "/two"))
    code_page = person.follow(
        person.submit(first, "/_vestibule/login", username=account.username, password=account.password)
    )
    # The other tab still shows its login form, and its owner types there too.
    other_page = person.follow(
        person.submit(second, "/_vestibule/login", username=account.username, password=account.password)
    )
    newest = len(mails.to(account.email))
    done = person.follow(person.enter_code(other_page, mails.code_for(account.email, newest)))
    assert done.status == 200 and done.url == gateway.url("second", "/two")
    reloaded = person.visit(gateway.url("recorder", "/one"))
    assert reloaded.status == 200 and reloaded.url == gateway.url("recorder", "/one")
    assert code_page.status == 200


def test_two_hosts_opened_at_once_both_finish_their_hand_over(gateway, signed_in):
    for name in ("recorder", "second"):
        signed_in.cookies(gateway.url(name)).clear()
    tabs = [(name, signed_in.open(gateway.url(name, "/tab"))) for name in ("recorder", "second", "recorder")]
    for name, tab in tabs:
        arrived = signed_in.follow(tab)
        assert (arrived.status, arrived.url) == (200, gateway.url(name, "/tab"))


def test_a_ticket_is_good_once_and_only_in_its_own_browser(gateway, signed_in):
    signed_in.cookies(gateway.url("second")).clear()
    step = signed_in.open(gateway.url("second", "/x"))
    while "/_vestibule/enter" not in step.location:
        step = signed_in.open(step.location)
    ticket = step.location
    thief = Visitor(gateway)
    stolen = thief.open(ticket)
    assert stolen.status in (302, 303, 400, 403) and not thief.is_signed_in("second")
    entered = signed_in.visit(gateway.url("second", "/x"))
    assert entered.status == 200
    other = Visitor(gateway)
    other.jar = {host: dict(jar) for host, jar in signed_in.jar.items()}
    other.cookies(gateway.url("second")).pop("__Host-vestibule", None)
    used = other.open(ticket)
    assert not (used.status == 303 and any(line.startswith("__Host-vestibule=") for line in used.all("set-cookie")))


def test_a_hand_over_that_fails_twice_is_told_to_the_operator(gateway, signed_in):
    signed_in.cookies(gateway.url("second")).clear()
    step = signed_in.open(gateway.url("second", "/x"))
    while "/_vestibule/enter" not in step.location:
        step = signed_in.open(step.location)
    assert signed_in.open(step.location).status == 302
    signed_in.cookies(gateway.url("second")).pop("__Host-vestibule")
    assert "hand-over failed" not in gateway.output()
    assert signed_in.open(f"{step.location}&again=1").status == 200
    eventually(lambda: "a hand-over failed twice" in gateway.output(), 5, "a line in the log")


def test_five_apps_opened_at_once_in_five_tabs_all_open(make_gateway, recorder, account, mails):
    gateway = make_gateway([app(name, recorder.url, access=RULES) for name in FIVE])
    person = Visitor(gateway)

    def tab(name):
        # As browsers do, each tab sees the cookies of all; only its own steps follow one another.
        return name, person.visit(gateway.url(name, "/tab"))

    for _, arrived in at_once(tab, FIVE):
        assert arrived.status == 200 and "/_vestibule/login" in arrived.url
    person.sign_in(account, gateway.url("recorder", "/tab"), mails)
    for name, arrived in at_once(tab, FIVE * 3):
        assert (arrived.status, arrived.url) == (200, gateway.url(name, "/tab"))
    ids = {person.session(name) for name in FIVE}
    assert None not in ids and len(ids) == 5, "each host has its own"


def test_a_step_up_on_one_host_breaks_nothing_on_another(make_gateway, recorder, account, mails):
    gateway = make_gateway([app(name, recorder.url, access=RULES) for name in FIVE[:2]])
    person = Visitor(gateway)
    person.follow(person.enter_password(account, gateway.url("recorder", "/light/")))
    assert person.visit(gateway.url("second", "/light/")).url == gateway.url("second", "/light/")
    elsewhere = person.session("second")
    step_up = person.visit(gateway.url("recorder", "/heavy"))
    code_page = person.follow(person.submit(step_up, "/_vestibule/step-up"))
    done = person.follow(person.enter_code(code_page, mails.code_for(account.email)))
    assert done.url == gateway.url("recorder", "/heavy")
    assert person.session("second") == elsewhere
    for path in ("/light/", "/heavy"):
        assert person.open(gateway.url("second", path)).status == 200


@pytest.mark.parametrize("where", ["auth", "recorder", "second"])
def test_signing_out_anywhere_is_signing_out_everywhere(gateway, signed_in, where):
    signed_in.visit(gateway.url("second"))
    kept = {host: dict(jar) for host, jar in signed_in.jar.items()}
    assert signed_in.sign_out(where).status == 303
    thief = Visitor(gateway)
    thief.jar = kept
    for name in ("auth", "recorder", "second"):
        assert not thief.is_signed_in(name), name


def test_a_browser_that_loses_its_session_is_told_so_and_not_sent_in_circles(gateway, signed_in):
    address = gateway.url("second", "/x")
    step = signed_in.open(address)
    # Browsers give up after twenty, and say something else.
    for _ in range(19):
        if step.status != 302:
            break
        signed_in.cookies(address).pop("__Host-vestibule", None)
        step = signed_in.open(step.location)
    assert step.status == 200 and "does not see it" in step.page.words, (step.status, step.url)
    assert "sent in circles" in gateway.output()
    assert signed_in.open(address).status == 200, "the session it got last is good nevertheless"


def test_only_what_people_do_keeps_them_signed_in_where_the_app_says_so(make_gateway, recorder, people, mails):
    apps = [app("recorder", recorder.url, access=RULES), app("second", recorder.url, access=RULES, activity="navigation")]
    # The use of a session is written down after a quarter of this.
    gateway = make_gateway(apps, session={"idle": "1m"})
    persons = {name: Visitor(gateway) for name in ("recorder", "second")}
    for name, person in persons.items():
        person.account = people.fresh()
        person.sign_in(person.account, gateway.url(name), mails)

    def used(name):
        """Whether what the page asked for by itself has been written down as a use."""
        for page in (gateway.url(name, "/news"), gateway.url(name, "/_vestibule/whoami"), gateway.url("auth", "/_vestibule/account")):
            assert persons[name].fetch(page).status == 200
        listed = vestibule("session", "list", "--json", persons[name].account.username, "--config", gateway.file)
        (session,) = json.loads(listed.stdout)
        return session["last_seen"] > session["started"]

    eventually(lambda: used("second") or used("recorder"), 30, "a use is written down")
    assert used("recorder") and not used("second")
    assert persons["second"].open(gateway.url("second", "/page")).status == 200
    eventually(lambda: used("second"), 10, "a person's use is written down as well")
