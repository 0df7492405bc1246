"""A forgotten password: the mail, the link, and what the new password ends."""

import itertools
import re
import sqlite3
import time

import pytest

from rig.gateway import app
from rig.mail import text_of
from rig.visitor import Visitor
from test_registration import PASSWORD, accounts, mann_whitney, median

NEW = "nine yellow raincoats"
RESET = "/_vestibule/reset"
NUMBER = itertools.count(1)


@pytest.fixture(scope="module")
def site(make_gateway, recorder, people):
    apps = [app("recorder", recorder.url), app("second", recorder.url)]
    return make_gateway(apps, accounts=accounts(people, registration="open"), admins=["ops"])


class Somebody:
    """Has an account in the database."""

    def __init__(self, site, mails):
        number = next(NUMBER)
        self.username, self.password = f"somebody{number}", PASSWORD
        self.email = f"{self.username}@people.example"
        person = anybody(site)
        answer = person.post(site.url("auth", "/_vestibule/register"), {
            "name": "Some Body", "email": self.email, "username": self.username, "password": PASSWORD,
        })
        assert answer.status == 303, answer.page.words
        code = mails.code_for(self.email)
        assert person.post(site.url("auth", "/_vestibule/register/verify"), {"code": code}).status == 303


def anybody(site):
    number = next(NUMBER)
    return Visitor(site, source=f"127.8.{number // 250}.{number % 250 + 1}")


@pytest.fixture
def somebody(site, mails):
    return Somebody(site, mails)


def ask(person, site, login):
    page = person.open(site.url("auth", RESET))
    return person.submit(page, RESET, login=login)


def link_for(mails, email, count=1):
    mail = mails.wait_for(email, count, subject="Choose a new password")
    return re.search(r"https://\S+/reset\?token=\S+", text_of(mail)).group()


def choose(person, link, password):
    page = person.open(link)
    assert page.status == 200, page.page.words
    return person.submit(page, RESET, password=password)


def test_a_link_by_mail_sets_another_password_and_ends_all_that_the_old_one_opened(site, somebody, mails):
    inside = anybody(site)
    inside.sign_in(somebody, site.url("recorder"), mails)
    assert inside.is_signed_in("recorder")
    under_way = anybody(site)
    code_page = under_way.ask_for_code(somebody, site.url("second"))
    code = mails.code_for(somebody.email, len(mails.to(somebody.email)))

    person = anybody(site)
    sent = person.follow(ask(person, site, somebody.username.upper()))
    assert sent.status == 200 and somebody.email not in sent.text
    link = link_for(mails, somebody.email)
    assert link.startswith(site.url("auth", RESET))
    weak = choose(person, link, "Password1234!")
    assert weak.status == 422 and "Many people use this password" in weak.page.words
    done = choose(person, link, NEW)
    assert done.status == 303 and "token" not in done.location
    assert "Your password is changed" in person.follow(done).page.words

    assert not inside.is_signed_in("recorder") and not inside.is_signed_in("auth")
    late = under_way.enter_code(code_page, code)
    assert late.status == 422 and not under_way.is_signed_in()
    used = person.open(link)
    assert used.status == 410 and "expired or was used already" in used.page.words
    told = mails.wait_for(somebody.email, subject="was changed")
    assert "127.8." in text_of(told)
    old = anybody(site)
    refused = old.enter_password(somebody, site.url("recorder"))
    assert refused.status == 422 and refused.page.alerts == ["Invalid username or password."]
    somebody.password = NEW
    assert old.sign_in(somebody, site.url("recorder"), mails).status == 200, "with a code, as before"


def test_scanners_that_follow_the_link_use_nothing_up(site, somebody, mails):
    ask(anybody(site), site, somebody.email)
    link = link_for(mails, somebody.email)
    for _ in range(3):
        assert anybody(site).open(link).status == 200
        assert anybody(site).ask(link, "HEAD").status == 200
    page = anybody(site).open(link)
    assert page.header("referrer-policy") == "same-origin" and page.header("cache-control") == "no-store"
    assert choose(anybody(site), link, NEW).status == 303


def test_the_token_stands_in_no_store_and_no_log(site, somebody, mails):
    ask(anybody(site), site, somebody.email)
    token = link_for(mails, somebody.email).split("token=")[1]
    anybody(site).open(site.url("auth", f"{RESET}?token={token}"))
    kept = b"".join(file.read_bytes() for file in (site.folder / "data").iterdir() if file.is_file())
    assert token.encode() not in kept and token not in site.output()


def test_answers_tell_nothing_of_who_has_an_account(site, somebody, mails):
    answers = [ask(anybody(site), site, login) for login in (somebody.email, "nobody@people.example", "nobody", "person000")]
    assert {(answer.status, answer.location, answer.text) for answer in answers} == {
        (303, answers[0].location, answers[0].text)
    }
    assert len({tuple(sorted(name for name, _ in answer.headers)) for answer in answers}) == 1
    elsewhere = mails.wait_for("person000@people.example", subject="Choose a new password")
    assert "ask your administrator" in text_of(elsewhere) and "token=" not in text_of(elsewhere)


def test_asking_for_a_known_account_takes_as_long_as_for_an_unknown_one(site, somebody):
    """As with registrations: interleaved, and a threshold that chance passes once in a million runs."""
    samples = {"known": [], "unknown": []}
    for number in range(200):
        for kind in ("known", "unknown") if number % 2 else ("unknown", "known"):
            person, login = anybody(site), somebody.email if kind == "known" else f"nobody{number}@people.example"
            start = time.perf_counter()
            answer = person.post(site.url("auth", RESET), {"login": login})
            samples[kind].append(time.perf_counter() - start)
            assert answer.status == 303
    p = mann_whitney(samples["known"], samples["unknown"])
    print(f"\nforgotten password: p = {p:.4f}, medians {median(samples)}")
    assert p > 1e-6, f"known and unknown accounts differ: {median(samples)}"


def test_an_address_is_not_drowned_and_keeps_its_codes(site, somebody, mails):
    for _ in range(20):
        assert ask(anybody(site), site, somebody.email).status == 303
    code = anybody(site)
    code.ask_for_code(somebody, site.url("recorder"))
    mails.wait_for(somebody.email, subject="Your sign-in code")
    assert len([mail for mail in mails.to(somebody.email) if "Choose a new" in mail["Subject"]]) <= 4


def test_a_network_that_asks_too_often_waits(site):
    person = anybody(site)
    answers = [person.post(site.url("auth", RESET), {"login": "nobody"}) for _ in range(61)]
    assert [answer.status for answer in answers] == [303] * 60 + [429]
    assert int(answers[-1].header("retry-after")) > 0
    assert ask(anybody(site), site, "nobody").status == 303


def test_bad_links_and_posts_are_refused_in_words(site):
    person = anybody(site)
    for token in ("", "x", "A" * 43, "A" * 5000, "%00", "..%2f"):
        assert person.open(site.url("auth", f"{RESET}?token={token}")).status == 410
        assert person.post(site.url("auth", RESET), {"token": token or "x", "password": NEW}).status == 422
    assert person.post(site.url("auth", RESET), {"login": ""}).status == 422
    assert person.post(site.url("auth", RESET), {"login": "a"}, headers=[("Sec-Fetch-Site", "cross-site")]).status == 403
    assert person.ask(site.url("auth", RESET), "PUT").status == 405


def test_a_database_that_is_away_is_said_and_nothing_is_half_done(site, somebody, mails):
    inside = anybody(site)
    inside.sign_in(somebody, site.url("recorder"), mails)
    ask(anybody(site), site, somebody.email)
    link = link_for(mails, somebody.email)
    database = sqlite3.connect(f"{site.folder}/data/accounts.db", isolation_level=None)
    database.execute("BEGIN EXCLUSIVE")
    try:
        answer = anybody(site).post(site.url("auth", RESET), {"token": link.split("token=")[1], "password": NEW})
        assert answer.status == 503 and answer.header("retry-after")
        assert inside.is_signed_in("recorder")
    finally:
        database.execute("ROLLBACK")
        database.close()
    assert choose(anybody(site), link, NEW).status == 303, "the link is as good as before"
