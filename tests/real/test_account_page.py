"""The page for one's own account: what its owner may change there, what that ends, and who may not."""

import json
import re
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from rig.accounts import PASSWORD, Account
from rig.browser import DESKTOP, PHONE, assert_accessible, assert_fits, press
from rig.gateway import PROJECT, app, vestibule
from rig.mail import text_of
from rig.sign_on import make_older
from rig.visitor import Visitor

PAGE = "/_vestibule/account"
NEW_PASSWORD = "seven ugly green teapots"
HOSTILE = '"><img src=x onerror=alert(document.domain)>'
SHOTS = PROJECT / "target" / "screenshots"


@pytest.fixture(scope="module")
def site(make_gateway, people, recorder):
    rules = [{"paths": ["/light/**"], "policy": "one_factor"}, {"policy": "two_factor"}]
    return make_gateway(
        [app("recorder", recorder.url, access=rules)],
        accounts=[{"file": str(people.file)}, {"database": "sqlite"}],
    )


@pytest.fixture
def add(site):
    """Makes an account in the database, with the usual password."""

    def made(username):
        added = vestibule(
            "account", "add", username, "--email", f"{username}@people.example", "--name", username.title(),
            "--password-stdin", "--config", site.file, folder=site.folder, entering=PASSWORD + "\n",
        )
        assert added.returncode == 0, added.stderr
        return Account(username, f"{username}@people.example", username.title())

    return made


def inside(site, account, mails):
    person = Visitor(site)
    answer = person.sign_in(account, site.url("auth", PAGE), mails)
    assert answer.status == 200 and answer.url.startswith(site.url("auth", PAGE)), f"{answer.status} {answer.url}"
    return person


def do(person, what, **fields):
    """Posts one of the page's forms, and looks at the page that comes of it."""
    answer = person.post(person.gateway.url("auth", PAGE), {"do": what, **fields})
    return person.follow(answer) if answer.status == 303 else answer


def whoami(person, name="auth"):
    answer = person.fetch(person.gateway.url(name, "/_vestibule/whoami"))
    assert answer.status == 200, f"whoami: {answer.status} {answer.text[:200]}"
    return json.loads(answer.text)


def make_old(site, username):
    """As if everybody here had signed in twenty minutes ago."""
    listed = vestibule("session", "list", username, "--json", "--config", site.file, folder=site.folder)
    assert listed.returncode == 0 and json.loads(listed.stdout), listed.stderr
    assert make_older(site, 20 * 60)


def test_a_new_password_ends_everything_but_the_session_in_which_it_is_set(site, add, mails):
    account = add("nora")
    person, other = inside(site, account, mails), inside(site, account, mails)
    assert person.visit(site.url("recorder", "/")).status == 200
    before = person.session("auth")

    wrong = do(person, "password", present="not this one", password=NEW_PASSWORD)
    assert wrong.status == 422 and "not your present password" in wrong.page.words
    weak = do(person, "password", present=PASSWORD, password="nora and her secret")
    assert weak.status == 422 and "without your username" in weak.page.words
    assert other.is_signed_in()

    done = do(person, "password", present=PASSWORD, password=NEW_PASSWORD)
    assert done.status == 200 and "Your password is changed" in done.page.words
    assert person.session("auth") != before, "its id has changed"
    assert person.is_signed_in("recorder"), "the app's tab goes on"
    assert not other.is_signed_in()
    told = mails.wait_for(account.email, 3)
    assert "password" in told["subject"].lower() and NEW_PASSWORD not in str(told)

    refused = Visitor(site).enter_password(account, site.url("auth", PAGE))
    assert refused.status == 422
    renewed = replace(account, password=NEW_PASSWORD)
    again = Visitor(site)
    code_page = again.ask_for_code(renewed, site.url("auth", PAGE))
    done = again.enter_code(code_page, mails.code_for(account.email, 4))
    assert done.status == 303


def test_a_new_address_is_proved_there_and_the_old_one_is_told(site, add, mails):
    account = add("omar")
    person = inside(site, account, mails)
    waiting = do(person, "email", email="Omar@New.Example")
    assert waiting.status == 200 and "We mailed a code to Omar@new.example" in waiting.page.words
    assert whoami(person)["email"] == account.email
    soon = do(person, "email", email="omar@other.example")
    assert soon.status == 429 and 0 < int(soon.header("retry-after")) <= 60 and not mails.to("omar@other.example")
    code = mails.code_for("Omar@new.example")
    guess = f"{(int(code) + 1) % 10**6:06}"
    wrong = do(person, "code", code=guess)
    assert wrong.status == 422 and "Invalid or expired code" in wrong.page.words
    done = do(person, "code", code=code)
    assert done.status == 200 and "Your e-mail address is changed" in done.page.words
    assert whoami(person)["email"] == "Omar@new.example"
    told = mails.wait_for(account.email, 2)
    assert "Omar@new.example" not in text_of(told), "masked"
    assert do(person, "code", code=code).status == 422

    # Somebody else's address looks the same from here; its owner hears of it.
    taken = add("petra")
    person.gateway = site
    answer = do(inside(site, add("quinn"), mails), "email", email=taken.email)
    assert answer.status == 200 and f"We mailed a code to {taken.email}" in answer.page.words
    assert "wanted to use this e-mail address" in text_of(mails.wait_for(taken.email))


def test_a_new_address_cannot_be_guessed_by_beginning_again_and_again(site, add, mails):
    person = inside(site, add("victor"), mails)
    statuses = []
    for change in range(3):
        assert do(person, "email", email="ceo@guessed.example").status == 200
        code = mails.code_for("ceo@guessed.example", change + 1)
        guess = f"{(int(code) + 1) % 10**6:06}"
        statuses += [do(person, "code", code=guess).status for _ in range(5)]
    assert statuses == [422] * 14 + [429]
    for refused in (do(person, "email", email="ceo@guessed.example"), do(person, "email", email="another@guessed.example")):
        assert refused.status == 429 and "Too many attempts" in refused.page.words
        assert int(refused.header("retry-after")) > 3600
    assert person.is_signed_in("auth") and whoami(person)["email"] == "victor@people.example"
    assert not mails.to("another@guessed.example")


def test_sessions_are_ended_and_browsers_forgotten_by_their_owner_alone(site, add, mails):
    account, stranger = add("rosa"), inside(site, add("sven"), mails)
    person, second, third = (inside(site, account, mails) for _ in range(3))
    page = person.open(site.url("auth", PAGE)).page
    ids = {kind: re.findall(rf'value="{kind}">\s*<input type="hidden" name="id" value="([0-9a-f]{{16}})"', page_text(person))
           for kind in ("end", "forget")}
    assert [len(found) for found in ids.values()] == [2, 2], page.words
    do(stranger, "end", id=ids["end"][0])
    assert second.is_signed_in() and third.is_signed_in()
    assert "That session has ended" in do(person, "end", id=ids["end"][0]).page.words
    assert [second.is_signed_in(), third.is_signed_in()].count(True) == 1
    assert "All other sessions have ended" in do(person, "end-others").page.words
    assert not second.is_signed_in() and not third.is_signed_in() and person.is_signed_in()
    assert "That browser is forgotten" in do(person, "forget", id=ids["forget"][0]).page.words
    assert ids["forget"][0] not in page_text(person) and ids["forget"][1] in page_text(person)


def page_text(person):
    return person.open(person.gateway.url("auth", PAGE)).text


def test_the_page_is_for_people_with_two_factors_and_its_posts_come_from_itself(site, add, mails):
    account = add("tess")
    nobody = Visitor(site).open(site.url("auth", PAGE))
    assert nobody.status == 302 and urlsplit(nobody.location).path == "/_vestibule/login"
    assert parse_qs(urlsplit(nobody.location).query)["rd"] == [PAGE]

    light = Visitor(site)
    answer = light.follow(light.enter_password(account, site.url("recorder", "/light/")))
    assert answer.status == 200, answer.url
    assert whoami(light)["factors"] == ["password"]
    for answer in (light.open(site.url("auth", PAGE)), light.post(site.url("auth", PAGE), {"do": "end-others"})):
        assert answer.status in (302, 303) and urlsplit(answer.location).path == "/_vestibule/step-up", answer.location

    person = inside(site, account, mails)
    profile = {"do": "profile", "name": "Changed by a stranger", "language": "browser"}
    for headers in (
        [("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site")],
        [("Origin", site.url("recorder", "").rstrip("/")), ("Sec-Fetch-Site", "same-site")],
        [("Origin", "null")],
    ):
        answer = person.post(site.url("auth", PAGE), profile, headers=headers)
        assert answer.status == 403, headers
    assert whoami(person)["name"] == "Tess"
    assert person.post(site.url("auth", PAGE), {"do": "groups", "groups": "admins"}).status == 400
    sneaked = {**profile, "name": "Tess", "groups": "admins", "approval": "approved", "username": "root", "email": "x@y.example"}
    assert person.post(site.url("auth", PAGE), sneaked).status == 303
    assert (whoami(person)["groups"], whoami(person)["username"]) == ([], "tess")


def test_a_sign_in_of_long_ago_changes_nothing_until_it_is_renewed(site, add, mails):
    account = add("uma")
    person, other = inside(site, account, mails), inside(site, account, mails)
    assert person.visit(site.url("recorder", "/")).status == 200
    make_old(site, account.username)

    for what, fields in (
        ("password", {"present": PASSWORD, "password": NEW_PASSWORD}),
        ("email", {"email": "uma@new.example"}),
        ("end-others", {}),
        ("end", {"id": "0" * 16}),
        ("forget", {"id": "0" * 16}),
    ):
        answer = person.post(site.url("auth", PAGE), {"do": what, **fields})
        assert answer.status == 303 and urlsplit(answer.location).path == "/_vestibule/login", what
    assert other.is_signed_in() and whoami(person)["email"] == account.email

    page = person.open(site.url("auth", PAGE)).page
    assert "Sign in again" in page.links and "New password" not in page.words
    login = person.open(page.links["Sign in again"])
    assert login.status == 200 and "Nothing has been changed yet" in login.page.words
    assert login.page.form("/_vestibule/login").fields["username"] == account.username
    answer = person.submit(login, "/_vestibule/login", password=PASSWORD)
    code_page = person.follow(answer)
    done = person.follow(person.enter_code(code_page, mails.code_for(account.email, 3)))
    assert done.status == 200 and "You have signed in again" in done.page.words
    assert person.is_signed_in("recorder"), "it is the same sign-on"
    assert "All other sessions have ended" in do(person, "end-others").page.words
    assert not other.is_signed_in()
    # Name and language are no more than that.
    make_old(site, account.username)
    assert "Your profile is saved" in do(person, "profile", name="Uma U.", language="browser").page.words


def test_an_account_of_a_file_is_shown_and_not_changed(site, account, mails):
    person = inside(site, account, mails)
    page = person.open(site.url("auth", PAGE)).page
    assert account.email in page.words and "kept by your administrators" in page.words
    for what in ("profile", "password", "email", "code"):
        fields = {"name": "X", "present": PASSWORD, "password": NEW_PASSWORD, "email": "x@y.example", "code": "123456"}
        assert person.post(site.url("auth", PAGE), {"do": what, **fields}).status == 404, what
    assert whoami(person)["name"] == account.name


def test_markup_in_a_name_is_text_everywhere(site, add, mails, chromium, recorder):
    account = add("vera")
    with chromium.person() as person:
        page = person.page
        page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
        person.sign_in(account, mails, site.url("auth", PAGE))
        page.wait_for_url(re.compile(re.escape(PAGE)))
        page.get_by_label("Name", exact=True).fill(HOSTILE)
        page.get_by_role("button", name="Save profile").click()
        page.wait_for_url(re.compile("done="))
        assert page.get_by_label("Name", exact=True).input_value() == HOSTILE
        assert page.locator("img[src=x]").count() == 0
        assert HOSTILE in page.inner_text("footer")
        page.goto(site.url("auth", "/_vestibule/"))
        assert page.locator("img[src=x]").count() == 0


@pytest.mark.parametrize(("width", "viewport"), [("390", PHONE), ("1280", DESKTOP)])
def test_the_page_by_keyboard_alone_in_both_languages(site, add, mails, chromium, width, viewport):
    SHOTS.mkdir(parents=True, exist_ok=True)
    account = add(f"wanda{width}")
    with chromium.person(viewport=viewport) as person:
        page = person.page
        person.sign_in(account, mails, site.url("auth", "/_vestibule/"))
        page.wait_for_url(site.url("auth", "/_vestibule/"))

        press(page, "a", "My account")
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(re.escape(PAGE)))
        looked_at(page, f"account-{width}-en")

        press(page, "input", "name")
        page.keyboard.press("Control+A")
        page.keyboard.type("Wanda Example")
        press(page, "select", "language")
        page.keyboard.type("Deutsch")
        press(page, "button", "Save profile")
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile("done=profile-changed"))
        assert page.get_attribute("html", "lang") == "de"
        assert "Wanda Example" in page.inner_text("footer")
        looked_at(page, f"account-{width}-de")

        press(page, "input", "email")
        page.keyboard.type(f"wanda{width}@new.example")
        page.keyboard.press("Enter")
        page.wait_for_selector("input[name=code]")
        looked_at(page, f"account-{width}-waiting-de")
        mail = mails.wait_for(f"wanda{width}@new.example")
        code = re.search(r"\b(\d{6})\b", text_of(mail)).group(1)
        press(page, "input", "code")
        page.keyboard.type(code)
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile("done=address-changed"))

        press(page, "input", "present")
        page.keyboard.type(PASSWORD)
        press(page, "input", "password")
        page.keyboard.type("kurz")
        page.keyboard.press("Enter")
        page.get_by_role("alert").wait_for()
        looked_at(page, f"account-{width}-weak-de")
        press(page, "input", "present")
        page.keyboard.type(PASSWORD)
        press(page, "input", "password")
        page.keyboard.type(NEW_PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile("done=password-changed"))


def looked_at(page, name):
    assert_accessible(page)
    assert_fits(page)
    page.screenshot(path=SHOTS / f"{name}.png", full_page=True)
