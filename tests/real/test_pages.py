"""How the pages look and behave in a real browser: every width, light and dark, keyboard alone.

Each page is photographed into target/screenshots.
"""

import pytest

from rig.browser import DESKTOP, NARROW, PHONE, VERIFY, assert_accessible, assert_fits
from rig.gateway import PROJECT, Certificates, app
from rig.mail import text_of
from rig.process import HOST, free_port
from rig.visitor import Visitor

ADMIT = [{"paths": ["/light"], "policy": "one_factor"}, {"paths": ["/ops"], "groups": ["ops"], "policy": "two_factor"},
         {"paths": ["/ops"], "policy": "deny"}, {"policy": "two_factor"}]
SHOTS = PROJECT / "target" / "screenshots"
LOOKS = {
    "desktop-light": (DESKTOP, "light", "en-GB"),
    "desktop-dark": (DESKTOP, "dark", "en-GB"),
    "phone-light": (PHONE, "light", "en-GB"),
    "phone-dark": (PHONE, "dark", "en-GB"),
    "narrow-light": (NARROW, "light", "en-GB"),
    "desktop-light-de": (DESKTOP, "light", "de-DE"),
    "phone-dark-de": (PHONE, "dark", "de-DE"),
}


@pytest.fixture(scope="module")
def site(make_gateway, recorder):
    return make_gateway([app("recorder", recorder.url, access=ADMIT)])


def shoot(page, look, name):
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}-{look}.png")


@pytest.fixture(scope="module")
def studio(make_gateway, recorder, tmp_path_factory):
    """The same with addresses as they look in the world: no ports, ordinary names."""
    certificates = Certificates(tmp_path_factory.mktemp("studio"), "example.com", "*.example.com")
    gateway = make_gateway(
        [
            app("grafana", recorder.url, url="https://grafana.example.com", access=ADMIT),
            app("wiki", f"http://{HOST}:{free_port()}", url="https://wiki.example.com", access=ADMIT),
        ],
        start=False,
        portal={"url": "https://auth.example.com", "notice": "For authorised use only.", "support": "helpdesk@example.com"},
        tls={"certificates": [{"certificate": str(certificates.certificate), "key": str(certificates.key)}]},
    )
    return gateway.start()


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_fits_its_screen_and_is_photographed(studio, chromium, people, mails, look):
    viewport, scheme, language = LOOKS[look]
    # One person gets so many mails an hour; the README's pictures, which are English, are all of the same one.
    alice = people["alice"] if language == "en-GB" else people.fresh()
    with chromium.person(scheme=scheme, viewport=viewport, port=studio.port, language=language) as person:
        page = person.page

        def seen(name):
            assert_fits(page)
            assert_accessible(page)
            assert page.evaluate("document.documentElement.lang") == language[:2]
            shoot(page, look, name)

        page.goto("https://grafana.example.com/reports")
        seen("login")
        person.enter_password(alice.username, "not the password")
        person.refused()
        seen("login-refused")
        before = len(mails.to(alice.email))
        person.enter_password(alice.username, alice.password)
        page.wait_for_url(VERIFY)
        seen("code")
        code = mails.code_for(alice.email, before + 1)
        person.enter_code(f"{(int(code) + 1) % 1_000_000:06}")
        person.refused()
        seen("code-refused")
        person.enter_code(code)
        page.wait_for_url("https://grafana.example.com/reports")

        page.goto("https://auth.example.com")
        seen("apps")
        page.goto("https://grafana.example.com/ops")
        seen("forbidden")
        page.goto("https://wiki.example.com")
        seen("bad-gateway")
        page.goto("https://grafana.example.com/_vestibule/logout")
        seen("logout")
        person.sign_out()
        seen("signed-out")
        page.goto("https://unknown.example/")
        seen("unknown-host")

        page.goto("about:blank")  # out of reach of the pages' policy
        page.set_content(text_of(mails.wait_for(alice.email, before + 1), "html"))
        shoot(page, look, "mail")


def test_the_greeting_goes_on_by_itself_and_names_the_person(site, people, mails):
    person = Visitor(site)
    account = people.fresh()
    code_page = person.ask_for_code(account, site.url("recorder"))
    landed = person.enter_code(code_page, mails.code_for(account.email))
    assert landed.status == 303 and "/_vestibule/continue" in landed.location
    page = person.open(landed.location)
    assert f"Welcome back, {account.name}" in page.page.words
    assert page.page.refresh and page.page.refresh in page.page.links.values()


def test_the_form_tells_password_managers_and_keyboards_what_it_wants(site, people):
    person = Visitor(site)
    login = person.visit(site.url("recorder")).page.form("/_vestibule/login")
    assert login.inputs["username"]["autocomplete"] == "username"
    assert login.inputs["password"]["autocomplete"] == "current-password"
    assert login.inputs["remember"]["type"] == "checkbox"
    code = person.ask_for_code(people.fresh(), site.url("recorder")).page.form("/_vestibule/verify")
    assert code.inputs["code"]["autocomplete"] == "one-time-code"
    assert code.inputs["code"]["inputmode"] == "numeric"


def test_the_whole_sign_in_works_by_keyboard_alone_and_shows_the_focus(site, chromium, people, mails):
    account = people.fresh()
    with chromium.person() as person:
        page = person.page
        page.goto(site.url("recorder"))
        for _ in range(8):
            if page.evaluate("document.activeElement.name") == "username":
                break
            page.keyboard.press("Tab")
        page.keyboard.type(account.username)
        page.keyboard.press("Tab")
        outline = page.evaluate(
            "(s => s.outlineStyle + s.boxShadow + s.borderColor)(getComputedStyle(document.activeElement))"
        )
        assert outline != "nonenone", "the focus is visible"
        while page.evaluate("document.activeElement.name") != "password":
            page.keyboard.press("Tab")
        page.keyboard.type(account.password)
        page.keyboard.press("Enter")
        page.wait_for_url(VERIFY)
        assert page.evaluate("document.activeElement.name") == "code", "the code field waits for typing"
        page.keyboard.type(mails.code_for(account.email))
        page.wait_for_url(site.url("recorder"))


def test_an_error_is_announced_and_tied_to_its_field(site, chromium, people):
    with chromium.person(javascript=False) as person:
        page = person.page
        page.goto(site.url("recorder"))
        person.enter_password(people.fresh().username, "not the password")
        person.refused()
        field = page.locator("input[aria-invalid=true]").first
        described = field.get_attribute("aria-describedby")
        assert described and all(page.locator(f"#{part}").count() == 1 for part in described.split())


def test_the_mail_can_be_read_on_every_screen_with_everything_blocked(site, chromium, people, mails):
    account = people.fresh()
    Visitor(site).ask_for_code(account, site.url("recorder"))
    html = text_of(mails.wait_for(account.email), "html")
    for viewport, scheme, _ in LOOKS.values():
        with chromium.person(javascript=False, scheme=scheme, viewport=viewport) as reader:
            asked = []
            reader.page.on("request", lambda request: asked.append(request.url))
            reader.page.set_content(html)
            assert reader.page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
            assert not asked, "a mail loads nothing"
