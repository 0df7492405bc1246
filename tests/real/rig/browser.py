"""A person in Chromium. Every name is this machine; the certificate authority is a local one, so its warnings are off."""

from contextlib import contextmanager

from playwright.sync_api import sync_playwright

CHROMIUM = "/usr/bin/chromium"
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
NARROW = {"width": 320, "height": 640}


class Browser:
    def __init__(self):
        self._playwright = sync_playwright().start()
        self._chromium = self._playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-dev-shm-usage", "--host-resolver-rules=MAP * 127.0.0.1"],
        )

    def close(self):
        self._chromium.close()
        self._playwright.stop()

    @contextmanager
    def person(self, javascript=True, scheme="light", viewport=None):
        """A fresh profile: no cookies, nothing remembered. Whatever a page logs as an error fails the test."""
        context = self._chromium.new_context(
            java_script_enabled=javascript,
            ignore_https_errors=True,
            color_scheme=scheme,
            viewport=viewport or DESKTOP,
            locale="en-GB",
        )
        context.set_default_timeout(15_000)
        page = context.new_page()
        complaints = []
        page.on("console", lambda said: complaints.append(said.text) if _is_policy_breach(said.text) else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        try:
            yield page
        finally:
            context.close()
        assert not complaints, f"the browser complained: {complaints}"


def _is_policy_breach(text):
    return "Content Security Policy" in text or "Refused to" in text
