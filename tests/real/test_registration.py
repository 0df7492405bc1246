"""Somebody asks for an account: at the page, by mail, and once more in Chromium."""

import itertools
import json
import re
import sqlite3
import time
from statistics import NormalDist

import pytest

from rig.browser import PHONE, assert_accessible, assert_fits
from rig.gateway import app
from rig.mail import text_of
from rig.visitor import Visitor

PASSWORD = "seven green umbrellas"
REGISTER = "/_vestibule/register"
VERIFY = "/_vestibule/register/verify"
NUMBER = itertools.count(1)


def accounts(people, **settings):
    return [{"file": str(people.file)}, {"database": "sqlite", **settings}]


@pytest.fixture(scope="module")
def site(make_gateway, recorder, people):
    sources = accounts(people, registration="approval", domains=["corp.example"])
    return make_gateway([app("recorder", recorder.url)], accounts=sources, admins=["ops"])


@pytest.fixture(scope="module")
def open_site(make_gateway, recorder, people):
    # One address is asked for more often here than any may be.
    return make_gateway(
        [app("recorder", recorder.url)], accounts=accounts(people, registration="open"), admins=["ops"],
        email_code={"hourly": 1000, "daily": 10000},
    )


def fresh_address(domain="corp.example"):
    return f"applicant{next(NUMBER)}@{domain}"


def applicant(site):
    """From a network of their own, so that its limits are."""
    number = next(NUMBER)
    return Visitor(site, source=f"127.9.{number // 250}.{number % 250 + 1}")


def fields(email, **more):
    return {"name": "Erin Example", "email": email, "username": "", "password": PASSWORD, **more}


def register(person, site, email, **more):
    page = person.open(site.url("auth", REGISTER))
    assert page.status == 200, page.text[:300]
    return person.submit(page, REGISTER, **fields(email, **more))


def row(site, email):
    with sqlite3.connect(f"file:{site.folder}/data/accounts.db?mode=ro", uri=True) as database:
        database.row_factory = sqlite3.Row
        found = database.execute("SELECT * FROM accounts WHERE email_canonical = ?", (email.lower(),)).fetchall()
    assert len(found) <= 1
    return found[0] if found else None


def decide(site, email, approval):
    """As an administrator would."""
    with sqlite3.connect(f"{site.folder}/data/accounts.db") as database:
        database.execute(
            "UPDATE accounts SET approval = ?, revision = revision + 1 WHERE email_canonical = ?", (approval, email.lower())
        )


def test_an_applicant_confirms_the_address_waits_and_comes_in(site, mails):
    person, email = applicant(site), fresh_address()
    login = person.visit(site.url("recorder"))
    assert "Ask for an account" in login.page.links
    done = register(person, site, email)
    assert done.status == 303 and done.location.endswith(VERIFY)
    page = person.follow(done)
    assert page.status == 200 and email in page.page.words
    assert row(site, email) is None, "nobody sees a request whose address is not proved"
    mail = mails.wait_for(email)
    assert "http" not in text_of(mail) and "Erin" not in mail.as_string()
    wrong = person.submit(page, VERIFY, code="000000")
    assert wrong.status == 422 and wrong.page.alerts == ["Invalid or expired code."]
    done = person.submit(wrong, VERIFY, code=mails.code_for(email))
    assert done.status == 303
    said = person.follow(done)
    assert said.status == 200 and "An administrator decides" in said.page.words
    made = row(site, email)
    assert (made["approval"], made["member_of"], made["name"]) == ("pending", "", "Erin Example")
    assert made["email_verified"] and made["password"].startswith("$argon2id$")

    told = mails.wait_for("olga@people.example", subject="somebody asks for an account")
    assert email in text_of(told) and "Erin Example" in text_of(told)
    login = person.visit(site.url("recorder"))
    waiting = person.submit(login, "/_vestibule/login", username=email, password=PASSWORD)
    assert waiting.page.alerts == ["Your account is pending administrator approval."]
    decide(site, email, "approved")
    code_page = person.follow(person.submit(waiting, "/_vestibule/login", username=email, password=PASSWORD))
    done = person.enter_code(code_page, mails.code_for(email, 2))
    assert person.follow(done).status == 200
    who = json.loads(person.fetch(site.url("auth", "/_vestibule/whoami")).text)
    assert who["email"] == email and who["groups"] == []


def test_only_four_fields_are_ever_read(site, mails):
    person, email = applicant(site), fresh_address()
    extra = {
        "groups": "ops", "member_of": ",ops,", "approval": "approved", "status": "approved", "is_admin": "1",
        "role": "admin", "id": "1", "approved_at": "2026-01-01", "email_verified": "1", "disabled": "0", "admin": "true",
    }
    query = "?groups=ops&approval=approved&username=olga"
    answer = person.post(site.url("auth", REGISTER + query), {**fields(email), **extra})
    assert answer.status == 303
    assert person.post(site.url("auth", VERIFY), {"code": mails.code_for(email), **extra}).status == 303
    made = row(site, email)
    assert (made["approval"], made["member_of"], made["disabled"]) == ("pending", "", 0)
    assert made["username"].startswith("applicant")
    as_json = person.ask(
        site.url("auth", REGISTER), "POST", [("Content-Type", "application/json"), ("Sec-Fetch-Site", "same-origin")],
        json.dumps(fields(fresh_address())).encode(),
    )
    assert as_json.status == 400


@pytest.mark.parametrize(
    "email",
    [
        "a@evil.com@corp.example", '"a@corp.example"@evil.com', "a@corp.example,b@evil.com", "a@corp.example\r\nBcc: e@evil.com",
        "a@corp.example.", "a@xn--corp-.example", "a@[127.0.0.1]", "a@corp.example evil", "a" * 300 + "@corp.example",
        "a\u202e@corp.example", "\u0430lice@corp.example", "a@sub.corp.example", "a@evilcorp.example", "", "corp.example",
        "a@corp.example\x00", "<script>@corp.example",
    ],
)
def test_an_address_that_may_not_register_is_refused_at_its_field(site, mails, email):
    answer = register(applicant(site), site, email)
    assert answer.status == 422
    form = answer.page.form(REGISTER)
    assert form.inputs["email"].get("aria-invalid") == "true" and "aria-invalid" not in form.inputs["name"]
    assert form.fields["name"] == "Erin Example" and not form.fields["password"]
    assert not [mail for mail in mails.messages if "evil" in " ".join(mail.recipients)]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""), ("name", "\u202egnol"), ("name", "buy at https://evil.example"), ("name", "x" * 101),
        ("username", "Root"), ("username", "a b"), ("username", "-a"), ("username", "a" * 65),
        ("password", ""), ("password", "short"), ("password", "Password1234!"), ("password", "erin example it is"),
        ("password", "abcdefghijklmnop"), ("password", "x" * 1025),
    ],
)
def test_what_is_wrong_is_said_at_its_field(site, field, value):
    answer = register(applicant(site), site, fresh_address(), **{field: value})
    wrong = [name for name, given in answer.page.form(REGISTER).inputs.items() if given.get("aria-invalid")]
    assert answer.status == 422 and wrong == [field]


def test_markup_in_a_name_stays_text(open_site, mails):
    person, email = applicant(open_site), fresh_address()
    name = '"><img src=x onerror=alert(1)>'
    refused = register(person, open_site, email, name=name, password="short")
    assert refused.status == 422 and "<img src=x" not in refused.text and refused.page.form(REGISTER).fields["name"] == name
    assert register(person, open_site, email, name=name).status == 303
    assert "onerror" not in mails.wait_for(email).as_string()


def test_who_has_an_account_is_told_by_mail_and_by_nothing_else(site, open_site, mails):
    alice = "alice@example.com"
    stranger, unknown = fresh_address("elsewhere.example"), applicant(open_site)
    known = applicant(open_site)
    answers = [register(person, open_site, email) for person, email in ((known, alice), (unknown, stranger))]
    pages = [person.follow(answer) for person, answer in zip((known, unknown), answers, strict=True)]
    for one, other in (answers, pages):
        assert (one.status, one.text.replace(alice, "X")) == (other.status, other.text.replace(stranger, "X"))
        names = [sorted(header for header, _ in answer.headers) for answer in (one, other)]
        assert names[0] == names[1]
    mail = mails.wait_for(alice, subject="^Your account at Example Corp$")
    assert "You have one already" in text_of(mail) and "Your code" not in text_of(mail)
    assert mails.code_for(stranger)
    for _ in range(4):
        tries = [person.submit(page, VERIFY, code="123456") for person, page in zip((known, unknown), pages, strict=True)]
        assert [answer.status for answer in tries] == [422, 422]
    tries = [person.submit(page, VERIFY, code="123456") for person, page in zip((known, unknown), pages, strict=True)]
    assert [answer.status for answer in tries] == [429, 429]


def test_a_known_address_takes_as_long_as_an_unknown_one(open_site):
    """Interleaved, so that whatever else the machine does falls on both. The threshold is one that chance alone passes
    once in a million runs."""
    samples = {"known": [], "unknown": []}
    for number in range(120):
        for kind in ("known", "unknown") if number % 2 else ("unknown", "known"):
            email = "alice@example.com" if kind == "known" else fresh_address("elsewhere.example")
            person = applicant(open_site)
            start = time.perf_counter()
            answer = person.post(open_site.url("auth", REGISTER), fields(email))
            samples[kind].append(time.perf_counter() - start)
            assert answer.status == 303
    p = mann_whitney(samples["known"], samples["unknown"])
    print(f"\nregistration: p = {p:.4f}, medians {median(samples)}")
    assert p > 1e-6, f"known and unknown addresses differ: {median(samples)}"


def median(samples):
    return {kind: f"{sorted(times)[len(times) // 2] * 1000:.2f} ms" for kind, times in samples.items()}


def mann_whitney(one, other):
    """Two-sided, by the normal approximation; no two times are alike."""
    ranked = sorted([(value, 0) for value in one] + [(value, 1) for value in other])
    ranks = sum(rank for rank, (_, of) in enumerate(ranked, 1) if of == 0)
    n, m = len(one), len(other)
    u = ranks - n * (n + 1) / 2
    z = (u - n * m / 2) / (n * m * (n + m + 1) / 12) ** 0.5
    return 2 * NormalDist().cdf(-abs(z))


def test_a_taken_username_is_told_after_the_proof_alone(open_site, mails):
    person, email = applicant(open_site), fresh_address("elsewhere.example")
    page = person.follow(register(person, open_site, email, username="Alice"))
    assert page.status == 200 and VERIFY in page.url
    again = person.submit(page, VERIFY, code=mails.code_for(email))
    assert again.status == 422 and "This username is taken" in again.page.words
    page = person.open(open_site.url("auth", VERIFY))
    reserved = person.submit(page, "/_vestibule/register/username", username="admin")
    assert reserved.status == 422 and "reserved" in reserved.page.words
    done = person.follow(person.submit(reserved, "/_vestibule/register/username", username="alice-b"))
    assert "Your account is ready" in done.page.words
    assert row(open_site, email)["username"] == "alice-b"


def test_a_post_from_elsewhere_does_nothing(site, mails):
    email = fresh_address()
    for headers in ([("Sec-Fetch-Site", "cross-site")], [("Origin", "https://evil.example")], [("Origin", "null")]):
        answer = applicant(site).post(site.url("auth", REGISTER), fields(email), headers=headers)
        assert answer.status == 403
    assert not mails.to(email)


def test_where_nobody_may_register_there_is_no_such_page(gateway):
    person = Visitor(gateway)
    for path in (REGISTER, VERIFY, "/_vestibule/register/done", "/_vestibule/reset", "/_vestibule/reset/sent"):
        assert person.open(gateway.url("auth", path)).status == 404
    login = person.open(gateway.url("auth", "/_vestibule/login"))
    assert not {"Ask for an account", "Forgot your password?"} & set(login.page.links)
    assert person.post(gateway.url("auth", REGISTER), fields("a@example.com")).status == 404


@pytest.mark.parametrize("javascript", [True, False])
def test_a_life_in_chromium(open_site, chromium, mails, javascript):
    """Registers, confirms, signs in, forgets the password, chooses another, and signs in with that."""
    email = fresh_address("elsewhere.example")
    with chromium.person(javascript=javascript, viewport=PHONE) as person:
        page = person.page
        page.goto(open_site.url("recorder"))
        page.get_by_role("link", name="Make an account").click()
        check(page, javascript)
        page.get_by_label("Name", exact=True).fill("Erin Example")
        page.get_by_label("E-mail address").fill(email)
        assert page.locator("input[autocomplete=new-password]").count() == 1
        assert page.locator("input[autocomplete=username]").count() == 1
        person.password.fill(PASSWORD)
        page.get_by_role("button", name="Continue").click()
        page.wait_for_url(re.compile(VERIFY))
        check(page, javascript)
        enter_code(person, mails.code_for(email))
        page.wait_for_url(re.compile("/register/done"))
        check(page, javascript)
        page.get_by_role("link", name="Sign in").click()
        sign_in(person, email, PASSWORD, mails.code_for, 2)
        page.wait_for_url(re.compile("/_vestibule/$"))

        page.context.clear_cookies()
        page.goto(open_site.url("recorder"))
        page.get_by_role("link", name="Forgot your password?").click()
        check(page, javascript)
        page.get_by_label("Username or e-mail address").fill(email)
        page.get_by_role("button", name="Mail me a link").click()
        page.wait_for_url(re.compile("/reset/sent"))
        check(page, javascript)
        mail = mails.wait_for(email, subject="Choose a new password")
        page.goto(re.search(r"https://\S+/reset\?token=\S+", text_of(mail)).group())
        check(page, javascript)
        person.password.fill("Password1234!")
        page.get_by_role("button", name="Set the password").click()
        page.get_by_text("Many people use this password").first.wait_for()
        check(page, javascript)
        person.password.fill("nine yellow raincoats")
        page.get_by_role("button", name="Set the password").click()
        page.wait_for_url(re.compile("/reset/done"))
        check(page, javascript)
        page.get_by_role("link", name="Sign in").click()
        count = len([message for message in mails.to(email) if message["Subject"].startswith("Your sign-in code")])
        page.get_by_label(re.compile("username", re.I)).fill(email)
        person.password.fill("nine yellow raincoats")
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(re.compile("/_vestibule/verify"))
        code = re.search(r"\d{6}", text_of(mails.wait_for(email, count + 1, subject="Your sign-in code"))).group()
        enter_code(person, code)
        page.wait_for_url(re.compile("/_vestibule/$"))


def check(page, javascript):
    assert_fits(page)
    if javascript:
        assert_accessible(page)


def enter_code(person, code):
    person.code.fill(code)
    if not person.javascript:
        person.page.get_by_role("button", name="Continue").click()


def sign_in(person, email, password, code_for, count):
    person.username.fill(email)
    person.password.fill(password)
    person.page.get_by_role("button", name="Sign in").click()
    person.page.wait_for_url(re.compile("/_vestibule/verify"))
    enter_code(person, code_for(email, count))
