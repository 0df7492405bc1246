"""An account from the first request to another password, without a mouse: Tab, Space, Enter and what is typed."""

import re

import pytest

from rig.accounts import PASSWORD, Account
from rig.browser import DESKTOP, PHONE, VERIFY, assert_accessible, assert_fits, press
from rig.gateway import PROJECT, app, vestibule
from rig.mail import text_of

SHOTS = PROJECT / "target" / "screenshots"
FIRST = "seven green umbrellas"
SECOND = "nine yellow raincoats"


@pytest.fixture(scope="module")
def site(make_gateway, recorder, people):
    sources = [{"file": str(people.file)}, {"database": "sqlite", "registration": "approval"}]
    return make_gateway([app("recorder", recorder.url)], accounts=sources, admins=["admins"])


def add_admin(site, name):
    admin = Account(name, f"{name}@people.example", name.title())
    added = vestibule("account", "add", name, "--email", admin.email, "--groups", "admins", "--password-stdin",
                      "--config", site.file, entering=PASSWORD + "\n")
    assert added.returncode == 0, added.stderr
    return admin


class Keys:
    """Somebody at a keyboard, who looks at every page before going on."""

    def __init__(self, person, width):
        self.page, self.width = person.page, width

    def fill(self, name, text, then=None):
        """Into the field of this name, where the page put the focus or wherever Tab leads to it."""
        if self.page.evaluate("document.activeElement.name || ''") != name:
            press(self.page, "input", name)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)
        if then:
            self.page.keyboard.press(then)

    def enter(self, tag, name):
        press(self.page, tag, name)
        self.page.keyboard.press("Enter")

    def at(self, address, name):
        """Waits until the page of this address is there, and looks at it."""
        self.page.wait_for_url(re.compile(address))
        assert_accessible(self.page)
        assert_fits(self.page)
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS / f"keyboard-{name}-{self.width}.png", full_page=True)

    def sign_in(self, login, password, mails, email):
        before = len(codes(mails, email))
        self.fill("username", login)
        self.fill("password", password, "Enter")
        self.page.wait_for_url(VERIFY)
        self.fill("code", code(mails, email, before + 1))


def codes(mails, email):
    return [mail for mail in mails.to(email) if mail["Subject"].startswith("Your sign-in code")]


def code(mails, email, count):
    return re.search(r"\b\d{6}\b", text_of(mails.wait_for(email, count, subject="^Your sign-in code"))).group()


@pytest.mark.parametrize(("width", "viewport"), [("390", PHONE), ("1280", DESKTOP)])
def test_an_account_is_asked_for_approved_used_and_recovered_by_keyboard_alone(site, chromium, mails, width, viewport):
    admin, email = add_admin(site, f"ina{width}"), f"kim{width}@people.example"
    with chromium.person(viewport=viewport) as person, chromium.person(viewport=viewport) as administrator:
        here, desk = Keys(person, width), Keys(administrator, width)
        desk.page.goto(site.url("auth", "/_vestibule/admin"))
        desk.sign_in(admin.username, admin.password, mails, admin.email)
        desk.at("/_vestibule/admin$", "queue-empty")

        ask_for_an_account(site, here, mails, email)
        refused_while_waiting(here, email)
        approve(desk, email)
        here.sign_in(email, FIRST, mails, email)
        here.at("/_vestibule/$", "apps-first")

        recover(site, here, mails, email)
        here.sign_in(email, SECOND, mails, email)
        here.at("/_vestibule/$", "apps")


def ask_for_an_account(site, here, mails, email):
    here.page.goto(site.url("recorder"))
    here.at("/_vestibule/login", "login")
    here.enter("a", "Ask for an account")
    here.at("/_vestibule/register", "register")
    here.fill("name", "Kim Example")
    here.fill("email", email)
    here.fill("password", "short", "Enter")
    here.page.get_by_role("alert").wait_for()
    here.at("/_vestibule/register", "register-refused")
    assert here.page.get_by_label("Name", exact=True).input_value() == "Kim Example"
    here.fill("password", FIRST, "Enter")
    here.at("/register/verify", "register-code")
    here.fill("code", re.search(r"\b\d{6}\b", text_of(mails.wait_for(email))).group())
    here.at("/register/done", "register-done")
    assert "An administrator decides" in here.page.inner_text("main")


def refused_while_waiting(here, email):
    here.enter("a", "Sign in")
    here.page.wait_for_url(re.compile("/_vestibule/login"))
    here.fill("username", email)
    here.fill("password", FIRST, "Enter")
    here.page.get_by_role("alert").wait_for()
    here.at("/_vestibule/login", "login-pending")
    assert "pending administrator approval" in here.page.get_by_role("alert").inner_text()


def approve(desk, email):
    desk.page.reload()
    desk.at("/_vestibule/admin$", "queue")
    press(desk.page, "input", "account")
    assert email in desk.page.evaluate("document.activeElement.closest('tr').innerText")
    desk.page.keyboard.press("Space")
    desk.fill("groups", "staff")
    desk.enter("button", "approve")
    desk.at("done=approved", "queue-approved")
    assert "Approved." in desk.page.get_by_role("status").inner_text()


def recover(site, here, mails, email):
    here.page.context.clear_cookies()
    here.page.goto(site.url("auth", "/_vestibule/login"))
    here.enter("a", "Forgot your password?")
    here.at("/_vestibule/reset", "reset")
    here.fill("login", email, "Enter")
    here.at("/reset/sent", "reset-sent")
    # What a mail program opens.
    mail = mails.wait_for(email, subject="Choose a new password")
    here.page.goto(re.search(r"https://\S+/reset\?token=\S+", text_of(mail)).group())
    here.at("/reset", "reset-choose")
    here.fill("password", SECOND, "Enter")
    here.at("/reset/done", "reset-done")
    here.enter("a", "Sign in")
    here.page.wait_for_url(re.compile("/_vestibule/login"))
