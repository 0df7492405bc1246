"""A person with a cookie jar, who behaves as a browser does: host-bound cookies, fetch metadata, `Origin` on posts."""

import email.utils
import time
from urllib.parse import urlencode, urlsplit

from .wire import Answer

NAVIGATION = [
    ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8"),
    ("Accept-Language", "en-GB,en;q=0.8"),
    ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"),
    ("Sec-Fetch-Mode", "navigate"),
    ("Sec-Fetch-Dest", "document"),
]
FETCH = [("Accept", "*/*"), ("Sec-Fetch-Mode", "cors"), ("Sec-Fetch-Dest", "empty"), ("Sec-Fetch-Site", "same-origin")]


class Visitor:
    """`source` is the loopback address they come from: limits count by network, so a test may want one of its own.

    `languages` is what their browser asks for.
    """

    def __init__(self, gateway, source="127.0.0.1", languages=None):
        self.gateway = gateway
        self.source = source
        self.jar = {}
        self.navigation = [
            (name, languages if languages is not None and name == "Accept-Language" else value) for name, value in NAVIGATION
        ]

    # -- cookies ------------------------------------------------------------------------------------------------

    def cookies(self, url):
        return self.jar.setdefault(urlsplit(url).hostname, {})

    def cookie_header(self, url):
        jar = self.cookies(url)
        return [("Cookie", "; ".join(f"{name}={value}" for name, value in jar.items()))] if jar else []

    def _keep_cookies(self, answer):
        jar = self.cookies(answer.url)
        for line in answer.all("set-cookie"):
            pair, *attributes = [part.strip() for part in line.split(";")]
            name, value = pair.split("=", 1)
            named = {key.lower(): text for key, _, text in (part.partition("=") for part in attributes)}
            if "vestibule" in name:
                assert name.startswith("__Host-"), f"{name} is not bound to its host"
                assert {"secure", "httponly"} <= named.keys(), line
                assert named.get("path") == "/" and "domain" not in named, line
                assert named.get("samesite") == "Lax", line
            past = named.get("max-age", "1").lstrip("-") == "0" or named.get("max-age", "1").startswith("-")
            if "expires" in named and "max-age" not in named:
                past = email.utils.parsedate_to_datetime(named["expires"]).timestamp() < time.time()
            if past:
                jar.pop(name, None)
            else:
                jar[name] = value

    # -- single requests ----------------------------------------------------------------------------------------

    def ask(self, url, method="GET", headers=(), body=None, **more):
        """One request with this person's cookies and exactly these other headers."""
        headers = [*headers, *self.cookie_header(url)]
        answer = self.gateway.ask(url, method, headers, body, source=self.source, **more)
        self._keep_cookies(answer)
        return answer

    def open(self, url, **more):
        """Types the address: a navigation. Redirects are not followed."""
        return self.ask(url, headers=[*self.navigation, ("Sec-Fetch-Site", "none")], **more)

    def fetch(self, url, method="GET", body=None, headers=()):
        """What a page's script does."""
        return self.ask(url, method, [*FETCH, *headers], body)

    def post(self, url, fields, headers=None, **more):
        """Sends a form's fields as a browser would from a page of the same origin."""
        parts = urlsplit(url)
        if headers is None:
            headers = [("Origin", f"{parts.scheme}://{parts.netloc}"), ("Sec-Fetch-Site", "same-origin")]
        body = fields if isinstance(fields, bytes) else urlencode(fields).encode()
        form = [("Content-Type", "application/x-www-form-urlencoded")]
        return self.ask(url, "POST", [*self.navigation, *headers, *form], body, **more)

    def submit(self, answer, path, **fields):
        """Fills in the form that posts to `path` on this page, and sends it."""
        form = answer.page.form(path)
        return self.post(form.action, {**form.fields, **fields})

    def follow(self, answer, steps=12):
        """Goes where the answer sends, by redirect or by a page that goes on by itself, until there is a page to stay on."""
        for _ in range(steps):
            if answer.status in (301, 302, 303, 307, 308):
                answer = self.open(answer.location)
            elif answer.status == 200 and (onward := _onward(answer)):
                answer = self.open(onward)
            else:
                return answer
        raise AssertionError(f"still being sent on after {steps} steps, now at {answer.url}")

    def visit(self, url):
        return self.follow(self.open(url))

    # -- the journey --------------------------------------------------------------------------------------------

    def enter_password(self, account, at):
        """From the app's address to the answer of the password form."""
        login = self.visit(at)
        assert login.status == 200, f"{at}: {login.status} {login.text[:400]}"
        return self.submit(login, "/_vestibule/login", username=account.username, password=account.password)

    def ask_for_code(self, account, at):
        """From the app's address to the page that asks for the code."""
        answer = self.enter_password(account, at)
        assert answer.status == 303, f"the password was not taken: {answer.status} {answer.page.words[:400]}"
        code_page = self.follow(answer)
        assert code_page.status == 200 and "verify" in code_page.url, f"{code_page.url}: {code_page.text[:400]}"
        return code_page

    def enter_code(self, code_page, code):
        return self.submit(code_page, "/_vestibule/verify", code=code)

    def sign_in(self, account, at, mails):
        """The whole way: address, password, mail, code, and back to the address."""
        before = len(mails.to(account.email))
        code_page = self.ask_for_code(account, at)
        done = self.enter_code(code_page, mails.code_for(account.email, before + 1))
        assert done.status == 303, f"the code was not taken: {done.status} {done.page.words[:400]}"
        return self.follow(done)

    def sign_out(self, name="auth"):
        url = self.gateway.url(name, "/_vestibule/logout")
        return self.submit(self.open(url), "/_vestibule/logout")

    def is_signed_in(self, name="auth"):
        answer = self.fetch(self.gateway.url(name, "/_vestibule/whoami"))
        assert answer.status in (200, 401), f"whoami: {answer.status} {answer.text[:300]}"
        return answer.status == 200

    def session(self, name):
        """The value of the session cookie on this host."""
        return self.cookies(self.gateway.url(name)).get("__Host-vestibule")


def _onward(answer: Answer):
    if "html" not in (answer.header("content-type") or ""):
        return None
    return answer.page.refresh
