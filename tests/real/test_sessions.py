"""Sessions: their cookies, what a forged or stolen one opens, signing out, and restarts."""

import base64
import re

import pytest

from rig.gateway import app
from rig.process import eventually
from rig.visitor import NAVIGATION, Visitor

ADMIT = [{"policy": "two_factor"}]


def test_a_new_session_id_at_each_sign_in_and_another_on_each_host(gateway, account, mails):
    person = Visitor(gateway)
    person.sign_in(account, gateway.url("recorder"), mails)
    person.visit(gateway.url("second"))
    ids = {person.session(name) for name in ("auth", "recorder", "second")}
    assert None not in ids and len(ids) == 3
    person.sign_out()
    person.sign_in(account, gateway.url("recorder"), mails)
    assert person.session("recorder") not in ids


def max_age(answers, name):
    """What the browser is told to keep this cookie for, in seconds; None for as long as it runs."""
    (line,) = [line for answer in answers for line in answer.all("set-cookie")
               if line.startswith(f"{name}=") and "Max-Age=0" not in line]
    found = re.search(r"Max-Age=(\d+)", line)
    return found and int(found.group(1))


@pytest.mark.parametrize(("remember", "kept"), [({}, None), ({"remember": "on"}, 30 * 86400)])
def test_only_those_who_asked_for_it_stay_signed_in_when_the_browser_ends(gateway, account, mails, remember, kept):
    person = Visitor(gateway)
    login = person.visit(gateway.url("recorder"))
    code_page = person.follow(person.submit(
        login, "/_vestibule/login", username=account.username, password=account.password, **remember
    ))
    done = person.enter_code(code_page, mails.code_for(account.email))
    assert max_age([done], "__Host-vestibule") == kept
    assert max_age([done], "__Host-vestibule-device") == 180 * 86400
    entered = person.follow(done)
    assert entered.url == gateway.url("recorder")


def test_a_session_opens_no_other_host(gateway, signed_in, recorder):
    recorder.requests.clear()
    thief = Visitor(gateway)
    for name in ("second", "auth"):
        thief.cookies(gateway.url(name))["__Host-vestibule"] = signed_in.session("recorder")
        assert not thief.is_signed_in(name)
    assert not recorder.requests


def test_a_forged_session_is_a_stranger(gateway, signed_in, recorder):
    recorder.requests.clear()
    real = signed_in.session("recorder")
    padded = real + "=" * (-len(real) % 4)
    plain = base64.urlsafe_b64decode(padded)
    forgeries = [
        "", "x", "a" * 5000, real[:-2], real + "A", real.swapcase(), "null", "../../etc/passwd", "%00", padded + "=",
        *(base64.urlsafe_b64encode(plain[:i] + bytes([plain[i] ^ 1]) + plain[i + 1 :]).decode().rstrip("=")
          for i in range(len(plain))),
    ]
    for forged in forgeries:
        answer = gateway.ask(
            gateway.url("recorder"), headers=[*NAVIGATION, ("Cookie", f"__Host-vestibule={forged}")]
        )
        assert answer.status == 302, forged
    assert not recorder.requests


def test_a_real_cookie_among_forged_ones_still_counts_or_none_does(gateway, signed_in):
    name = "__Host-vestibule"
    real = signed_in.session("recorder")
    answer = gateway.ask(gateway.url("recorder"), headers=[*NAVIGATION, ("Cookie", f"{name}=forged; {name}={real}")])
    assert answer.status in (200, 302, 400)


def test_signing_out_ends_it_on_every_host(gateway, signed_in, recorder):
    signed_in.visit(gateway.url("second"))
    kept = {host: dict(jar) for host, jar in signed_in.jar.items()}
    out = signed_in.sign_out("second")
    assert out.status == 303 and out.location.startswith(gateway.url("auth", "/_vestibule/login"))
    assert '"cache"' in out.header("clear-site-data")
    recorder.requests.clear()
    thief = Visitor(gateway)
    thief.jar = kept
    for name in ("auth", "recorder", "second"):
        eventually(lambda name=name: not thief.is_signed_in(name), 6, f"signed out at {name}")
    thief.jar = kept
    assert thief.open(gateway.url("recorder")).status == 302
    assert not recorder.requests


def test_signing_out_on_one_device_leaves_the_others_alone(gateway, account, mails):
    laptop, phone = Visitor(gateway), Visitor(gateway)
    for device in (laptop, phone):
        assert device.sign_in(account, gateway.url("recorder"), mails).status == 200
    laptop.sign_out()
    assert not laptop.is_signed_in("recorder")
    assert phone.is_signed_in("recorder")


def test_a_browser_that_keeps_no_cookies_is_told_so_and_not_sent_in_circles(gateway, account):
    person = Visitor(gateway)
    answer = person.enter_password(account, gateway.url("recorder"))
    for _ in range(6):
        if answer.status not in (302, 303):
            break
        person.jar = {}
        answer = person.open(answer.location)
    assert answer.status == 200 and "cookies" in answer.page.words, (answer.url, answer.status)


def test_looking_at_the_sign_out_page_signs_nobody_out(gateway, signed_in):
    assert signed_in.open(gateway.url("recorder", "/_vestibule/logout")).status == 200
    assert signed_in.is_signed_in("recorder")


@pytest.mark.parametrize(
    "headers",
    [
        [("Origin", "https://evil.example")],
        [("Origin", "null")],
        [("Sec-Fetch-Site", "cross-site")],
        [("Sec-Fetch-Site", "same-site"), ("Origin", "https://recorder.vestibule.test")],
        [("Sec-Fetch-Site", "none")],
    ],
)
def test_a_post_from_elsewhere_changes_nothing(gateway, signed_in, people, mails, headers):
    account = people.fresh()
    stranger = Visitor(gateway)
    form = {"username": account.username, "password": account.password}
    answer = stranger.post(gateway.url("auth", "/_vestibule/login"), form, headers=headers)
    assert answer.status in (400, 403) and not stranger.cookies(gateway.url("auth"))
    assert not mails.to(account.email), "nobody is mailed on behalf of a foreign page"

    answer = signed_in.post(gateway.url("auth", "/_vestibule/logout"), {}, headers=headers)
    assert answer.status in (400, 403)
    assert signed_in.is_signed_in()


def test_whoami_says_who_and_how(gateway, signed_in):
    answer = signed_in.fetch(gateway.url("recorder", "/_vestibule/whoami")).json
    account = signed_in.account
    assert (answer["username"], answer["name"], answer["email"]) == (account.username, account.name, account.email)
    assert answer["groups"] == ["staff"] and len(answer["factors"]) == 2 and answer["expires"]
    stranger = Visitor(gateway).fetch(gateway.url("recorder", "/_vestibule/whoami"))
    assert stranger.status == 401


def test_the_embedded_store_keeps_sessions_over_a_restart(make_gateway, recorder, account, mails):
    gateway = make_gateway([app("recorder", recorder.url, access=ADMIT)])
    person = Visitor(gateway)
    person.sign_in(account, gateway.url("recorder"), mails)
    gateway.restart()
    assert person.open(gateway.url("recorder")).status == 200
    gateway.kill()
    gateway.start()
    assert person.open(gateway.url("recorder")).status == 200
