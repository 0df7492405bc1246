"""A person in Chromium. Every name is this machine; the certificate authority is a local one, so its warnings are off."""

import re
from contextlib import contextmanager
from importlib.resources import files

from playwright.sync_api import sync_playwright

CHROMIUM = "/usr/bin/chromium"
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
NARROW = {"width": 320, "height": 640}
LOGIN = re.compile("/_vestibule/login")
VERIFY = re.compile("/_vestibule/verify")
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
# WCAG 2.2 at level AA, and what is good practice besides.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


class Browser:
    def __init__(self):
        self._playwright = sync_playwright().start()
        self._chromium = self._launch("MAP * 127.0.0.1")

    def _launch(self, rules):
        return self._playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-dev-shm-usage", f"--host-resolver-rules={rules}"],
        )

    def close(self):
        self._chromium.close()
        self._playwright.stop()

    @contextmanager
    def person(self, javascript=True, scheme="light", viewport=None, port=None, language="en-GB"):
        """A fresh profile: no cookies, nothing remembered. A breach of policy, or a broken script of ours, fails the test.

        With `port`, every address leads there, so that addresses look as they do in the world.
        """
        chromium = self._launch(f"MAP * 127.0.0.1:{port}") if port else self._chromium
        context = chromium.new_context(
            java_script_enabled=javascript,
            ignore_https_errors=True,
            color_scheme=scheme,
            viewport=viewport or DESKTOP,
            locale=language,
        )
        context.set_default_timeout(15_000)
        page = context.new_page()
        complaints = []
        page.on("console", lambda said: complaints.append(said.text) if _is_policy_breach(said.text) else None)
        page.on("pageerror", lambda error: complaints.append(str(error)) if "/_vestibule/" in page.url else None)
        try:
            yield Person(page, javascript)
        finally:
            context.close()
            if port:
                chromium.close()
        assert not complaints, f"the browser complained: {complaints}"


class Person:
    """Finds fields by their labels and purposes, as people and password managers do, never by address."""

    def __init__(self, page, javascript):
        self.page = page
        self.javascript = javascript

    @property
    def username(self):
        return self.page.get_by_label(re.compile("username|Benutzername", re.I))

    @property
    def password(self):
        return self.page.locator("input[type=password]")

    @property
    def code(self):
        return self.page.locator("input[autocomplete=one-time-code]")

    def enter_password(self, username, password):
        self.username.fill(username)
        self.password.fill(password)
        self.password.press("Enter")

    def enter_code(self, code):
        self.code.fill(code)
        # With a script a whole code goes off by itself.
        if not self.javascript:
            self.code.press("Enter")

    def sign_in(self, account, mails, at):
        """From the address through both steps; it is the caller's to await where that leads."""
        before = len(mails.to(account.email))
        self.page.goto(at)
        self.page.wait_for_url(LOGIN)
        self.enter_password(account.username, account.password)
        self.page.wait_for_url(VERIFY)
        assert account.email[0] + "***" in self.page.inner_text("main"), "the code page names the masked address"
        self.enter_code(mails.code_for(account.email, before + 1))

    def sign_out(self):
        """On the page that asks whether one really wants to."""
        self.page.locator("form[action*='/_vestibule/logout'] button").click()
        self.page.wait_for_url(LOGIN)

    def refused(self):
        self.page.get_by_role("alert").wait_for()
        return self.page.inner_text("main")


def press(page, tag, name):
    """Tab until the element of this name or value, or with this text, has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        at = page.evaluate(
            """() => {
                 const at = document.activeElement;
                 return [at.tagName.toLowerCase(), at.name || '', at.innerText || '', at.value || ''];
               }"""
        )
        if at[0] == tag and name in (at[1], at[2].strip(), at[3]):
            return
    raise AssertionError(f"the keyboard does not reach the {tag} {name} on {page.url}")


def assert_accessible(page):
    """What a machine can find of what keeps people out: contrast, names, roles, order, language (axe-core)."""
    page.evaluate(AXE)
    found = page.evaluate(
        "rules => axe.run(document, { runOnly: rules, resultTypes: ['violations'], preload: false })", RULES
    )
    assert found["passes"], "axe looked at nothing"
    problems = [
        f"{one['id']} ({one['impact']}): {one['help']}\n    " + "\n    ".join(node["html"] for node in one["nodes"])
        for one in found["violations"]
    ]
    assert not problems, f"on {page.url}:\n" + "\n".join(problems)


def assert_fits(page):
    """Nothing sticks out to the side; what is touched is large enough, and has a name; one heading says what this is."""
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), page.url
    small = page.evaluate(
        """[...document.querySelectorAll('main :is(input:not([type=hidden], [type=checkbox]), select, textarea), '
             + 'main button:not(.link, .small)')]
           .filter(e => e.offsetParent && e.getBoundingClientRect().height < 43.5)
           .map(e => e.outerHTML)"""
    )
    assert not small, f"too small to touch on {page.url}: {small}"
    unlabelled = page.evaluate(
        """[...document.querySelectorAll('input:not([type=hidden])')].filter(e => !e.labels.length && !e.ariaLabel)
           .map(e => e.outerHTML)"""
    )
    assert not unlabelled, unlabelled
    assert page.evaluate("document.documentElement.lang")
    assert page.locator("h1").count() == 1, page.url


def _is_policy_breach(text):
    return "Content Security Policy" in text or "Refused to" in text
