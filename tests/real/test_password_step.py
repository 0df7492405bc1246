"""The first step of a sign-in: messages that tell strangers nothing, and limits on guessing."""

import re

import pytest

from rig.accounts import Account
from rig.visitor import Visitor

INVALID_LOGIN = "Invalid username or password."


def device_of(visitor):
    return visitor.cookies(visitor.gateway.url("auth")).get("__Host-vestibule-device")


@pytest.mark.parametrize(
    ("username", "message"),
    [
        ("pending", "Your account is pending administrator approval."),
        ("rejected", "Your account has been disabled. Contact your administrator."),
        ("disabled", "Your account has been disabled. Contact your administrator."),
    ],
)
def test_an_account_that_may_not_enter_is_told_so_only_with_its_password(gateway, people, mails, username, message):
    person = Visitor(gateway)
    refused = person.enter_password(people[username], gateway.url("recorder"))
    assert refused.status == 422 and message in refused.page.words

    wrong = Account(username, people[username].email, "", "wrong password")
    refused = Visitor(gateway).enter_password(wrong, gateway.url("recorder"))
    assert refused.status == 422 and INVALID_LOGIN in refused.page.words and message not in refused.page.words
    assert not mails.to(people[username].email)
    assert not person.is_signed_in()


def test_an_unknown_name_and_a_wrong_password_look_the_same(gateway, account):
    answers = [
        Visitor(gateway).enter_password(Account(name, "", "", "wrong password"), gateway.url("recorder"))
        for name in (account.username, "nobody-by-this-name", "nobody@nowhere.example")
    ]
    assert [answer.status for answer in answers] == [422, 422, 422]
    assert {answer.page.alerts[0] for answer in answers} == {answers[0].page.alerts[0]}
    assert {tuple(sorted(name for name, _ in answer.headers)) for answer in answers} == {
        tuple(sorted(name for name, _ in answers[0].headers))
    }


def test_name_and_address_are_both_good_in_any_case(gateway, people, mails, recorder):
    for spell in (
        lambda account: account.username.upper(),
        lambda account: account.email.title(),
    ):
        account = people.fresh()
        typed = Account(spell(account), account.email, account.name)
        assert Visitor(gateway).sign_in(typed, gateway.url("recorder"), mails).status == 200
        assert recorder.last.header("remote-user") == account.username


def test_a_failed_form_keeps_what_was_typed_but_the_password(gateway, account):
    refused = Visitor(gateway).enter_password(
        Account(account.username, "", "", "wrong & <b>password"), gateway.url("recorder", "/deep?x=1&y=2")
    )
    form = refused.page.form("/_vestibule/login")
    assert form.fields["username"] == account.username
    assert form.fields["password"] == ""
    assert "rd=" in form.action
    assert "wrong &amp;" not in refused.text and "<b>password" not in refused.text


def test_markup_in_a_name_is_only_text(gateway):
    refused = Visitor(gateway).enter_password(
        Account('"><script>alert(1)</script>', "", "", "x"), gateway.url("recorder")
    )
    assert refused.status == 422 and "<script>alert" not in refused.text


def test_five_wrong_passwords_lock_the_pair_and_not_the_neighbour(gateway, people):
    account = people.fresh()
    here, elsewhere = Visitor(gateway), Visitor(gateway, source="127.0.0.77")
    wrong = Account(account.username, "", "", "wrong password")
    statuses = [here.enter_password(wrong, gateway.url("recorder")).status for _ in range(6)]
    assert statuses == [422] * 4 + [statuses[4], 429] and statuses[4] in (422, 429)

    locked = here.enter_password(account, gateway.url("recorder"))
    assert locked.status == 429, "while locked even the right password is not looked at"
    assert 0 < int(locked.header("retry-after")) <= 300
    assert re.search(r"Too many attempts\. Try again in \d+ minutes?\.", locked.page.words)
    assert locked.page.form("/_vestibule/login")

    assert elsewhere.enter_password(account, gateway.url("recorder")).status == 303


def test_a_claimed_address_does_not_help_against_the_lock(gateway, account):
    person = Visitor(gateway, source="127.0.0.79")
    login = person.visit(gateway.url("recorder"))
    statuses = []
    for number in range(6):
        claims = [("X-Forwarded-For", f"203.0.113.{number}"), ("X-Real-IP", f"203.0.113.{number}"),
                  ("Forwarded", f"for=203.0.113.{number}")]
        answer = person.post(login.page.form("/_vestibule/login").action,
                             {"username": account.username, "password": "wrong password"}, headers=claims)
        statuses.append(answer.status)
    assert statuses[-1] == 429


def test_unknown_names_are_counted_like_known_ones(gateway):
    person = Visitor(gateway, source="127.0.0.78")
    nobody = Account("nobody-at-all", "", "", "wrong password")
    statuses = [person.enter_password(nobody, gateway.url("recorder")).status for _ in range(6)]
    assert statuses[-1] == 429


def test_strangers_cannot_hold_up_a_browser_that_has_signed_in_before(gateway, people, mails):
    account = people.fresh()
    person = Visitor(gateway)
    person.sign_in(account, gateway.url("recorder"), mails)
    assert device_of(person)
    person.sign_out()
    wrong = Account(account.username, "", "", "wrong password")
    stranger = Visitor(gateway)
    while stranger.enter_password(wrong, gateway.url("recorder")).status != 429:
        pass
    assert person.enter_password(account, gateway.url("recorder")).status == 303
