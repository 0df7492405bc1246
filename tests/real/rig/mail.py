"""An SMTP server that demands STARTTLS (or TLS from the start) and AUTH, keeps what it gets, and can misbehave."""

import asyncio
import re
import ssl
import threading
import time
from email import message_from_bytes, policy

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from .process import HOST, free_port

USERNAME = "gateway"
PASSWORD = "mail password"
CODE = re.compile(r"^(?:Your (?:sign-in )?code is|Ihr Anmeldecode lautet) (\d{6,10})\.$", re.M)
# Told besides, whenever somebody signs in with another browser: most tests do that all the time.
BESIDES = re.compile("^(New sign-in to|Neue Anmeldung bei) ")


class _Handler:
    def __init__(self, owner):
        self.owner = owner

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.owner.mood == "refuse":
            self.owner.turned_away += 1
            return "550 5.1.1 no such person here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mood = self.owner.mood
        if mood == "later":
            self.owner.turned_away += 1
            return "451 4.3.0 come back later"
        if mood == "stall":
            self.owner.stalled += 1
            await asyncio.Event().wait()
        if mood == "hang up":
            self.owner.hung_up += 1
            server.transport.abort()
            return "250 never read"
        assert session.ssl or self.owner.implicit, "a mail came in the clear"
        self.owner.keep(envelope)
        return "250 OK"


class MailServer:
    """`mood`: accept, refuse (at RCPT), later (451 after DATA), stall (silent after DATA), hang up (after DATA)."""

    def __init__(self, certificate, key, implicit=False, port=None):
        self.port = port or free_port()
        self.implicit = implicit
        self.mood = "accept"
        self.turned_away = 0
        self.stalled = 0
        self.hung_up = 0
        self.messages = []
        self._news = threading.Condition()
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate, key)
        self._controller = None

    def start(self):
        tls = {"ssl_context": self._tls} if self.implicit else {"tls_context": self._tls, "require_starttls": True}
        self._controller = Controller(
            _Handler(self),
            hostname=HOST,
            port=self.port,
            auth_required=True,
            auth_require_tls=not self.implicit,
            authenticator=lambda server, session, envelope, mechanism, login: AuthResult(
                success=(login.login, login.password) == (USERNAME.encode(), PASSWORD.encode()),
                handled=False,
            ),
            **tls,
        )
        self._controller.start()
        return self

    def stop(self):
        if self._controller:
            self._controller.stop()
            self._controller = None

    def settings(self, authority, **more):
        return {
            "host": "localhost",
            "port": self.port,
            "security": "tls" if self.implicit else "starttls",
            "username": USERNAME,
            "password": PASSWORD,
            "ca": str(authority),
            **more,
        }

    def keep(self, envelope):
        message = message_from_bytes(envelope.content, policy=policy.default)
        message.recipients = list(envelope.rcpt_tos)
        with self._news:
            self.messages.append(message)
            self._news.notify_all()

    def to(self, address):
        """The mails to this address so far, oldest first."""
        with self._news:
            return self._found(address)

    def _found(self, address, subject=None):
        """All but those that come besides, or those of this subject."""
        mine = [message for message in self.messages if message.recipients == [address]]
        if subject:
            return [message for message in mine if re.search(subject, message["Subject"])]
        return [message for message in mine if not BESIDES.match(message["Subject"])]

    def wait_for(self, address, count=1, within=15.0, subject=None):
        """The `count`th mail to this address, of this subject if one is given."""
        end = time.monotonic() + within
        with self._news:
            while True:
                found = self._found(address, subject)
                if len(found) >= count:
                    return found[count - 1]
                left = end - time.monotonic()
                assert left > 0, f"{len(found)} mails to {address} within {within:g} s, not {count}"
                self._news.wait(left)

    def code_for(self, address, count=1):
        """The code in the `count`th mail to this address."""
        return code_in(self.wait_for(address, count))


def text_of(message, kind="plain"):
    return message.get_body((kind,)).get_content().replace("\r\n", "\n")


def code_in(message):
    text = text_of(message)
    found = CODE.search(text)
    assert found, f"no code in this mail:\n{text}"
    return found.group(1)
