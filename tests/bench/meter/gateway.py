"""Vestibule under test: as shipped, with metrics on, ten rules, and people who sign in through its pages."""

import json
import re
from urllib.parse import urlencode, urljoin

from rig import wire
from rig.process import HOST, Process, eventually, free_port

from .peers import pinned
from .subject import PROXY_CORE, Subject, Wrong

PASSWORD = "correct horse battery"
# PBKDF2 with a single round, of that password: what costs time at a sign-in is not measured here.
HASHED = "pbkdf2_sha256$1$salt$kbetH8pvQW2woEDkqwW3lBiusahaNsvlbcMnQlA1Qxc="
NAVIGATION = [("Accept", "text/html"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Site", "same-origin")]

# The last decides.
TEN_RULES = [
    {"paths": ["/public/**"], "policy": "bypass"},
    {"paths": ["/api/health", "/api/version"], "methods": ["GET"], "policy": "bypass"},
    {"networks": ["10.0.0.0/8", "192.168.0.0/16"], "policy": "one_factor"},
    {"paths": ["/admin/**"], "groups": ["ops"], "policy": "two_factor"},
    {"paths": ["/admin/**"], "policy": "deny"},
    {"paths": ["/u/*/private/**"], "groups": ["ops"], "policy": "two_factor"},
    {"methods": ["DELETE"], "groups": ["ops"], "policy": "two_factor"},
    {"groups": ["suspended"], "policy": "deny"},
    {"users": ["operator"], "policy": "two_factor"},
    {"policy": "two_factor"},
]


class Gateway:
    """One running gateway. Keyword arguments are top-level keys of its configuration.

    `apps` is how many it has. One has the gateway's own host name, several have names below it, and ten of those,
    spread over all, have the rules: a configuration in which each of 10,000 had them would be refused for its size.
    """

    def __init__(
        self, folder, binary, upstream, usernames, certificates=None, core=PROXY_CORE, apps=1, **sections
    ):
        self.folder = folder
        self.port, self._admin_port = free_port(), free_port()
        self.url = f"{'https' if certificates else 'http'}://localhost:{self.port}"
        self._certificates = certificates
        self._outbox = folder / "outbox"
        self._write_people(usernames)
        settings = {
            "data_dir": str(folder / "data"),
            "listen": [{"address": f"{HOST}:{self.port}", "tls": certificates is not None}],
            "accounts": [{"file": str(folder / "users.yaml")}],
            "mail": {"from": "bench@example.com", "outbox": str(self._outbox)},
            "apps": self._apps(apps, upstream),
            "admin": {"address": f"{HOST}:{self._admin_port}"},
            **sections,
        }
        if certificates:
            files = {"certificate": str(certificates.certificate), "key": str(certificates.key)}
            settings["tls"] = {"certificates": [files]}
        self._file = folder / "vestibule.yaml"
        self._file.write_text(json.dumps(settings))
        self._command = pinned(core, binary, "serve", "--config", self._file)
        self.process = None
        self.start()

    def _apps(self, count, upstream):
        if count == 1:
            return [{"name": "app", "url": self.url, "upstream": upstream.url, "access": TEN_RULES}]
        every = [
            {"name": f"app-{number}", "url": f"http://{self.app_host(number)}", "upstream": upstream.url}
            for number in range(count)
        ]
        for app in every[:: count // 10]:
            app["access"] = TEN_RULES
        return every

    def app_host(self, number):
        """Of one app of many."""
        return f"app-{number}.localhost:{self.port}"

    def start(self):
        self.process = Process(self._command, self.folder, "vestibule").start()
        eventually(lambda: self._alive() and self._admin("/readyz").status == 200, 60, "/readyz")

    def stop(self):
        self.process.stop()
        if "panicked" in self.process.output():
            raise Wrong(f"the gateway panicked:\n{self.process.output()[-3000:]}")

    def restart(self):
        self.stop()
        self.start()

    def subject(self, name, visitors):
        return Subject(
            name, {"": self.process}, self.port, self.process.log, b" INFO access: ", self._certificates, visitors, self
        )

    # -- the numbers --------------------------------------------------------------------------------------------

    def counted(self, metric="vestibule_requests_total"):
        """A counter of /metrics, summed by the last of its labels: `{"2xx": 1000}`."""
        counts = {}
        for labels, count in re.findall(rf"^{metric}\{{(.*)\}} (\d+)", self._admin("/metrics").text, re.M):
            last = re.search(r'"([^"]*)"$', labels).group(1)
            counts[last] = counts.get(last, 0) + int(count)
        return counts

    def _admin(self, path):
        return wire.exchange(f"http://{HOST}:{self._admin_port}{path}")

    def _alive(self):
        if not self.process.alive():
            raise Wrong(f"the gateway ended:\n{self.process.output()[-3000:]}")
        return True

    # -- the people ---------------------------------------------------------------------------------------------

    def _write_people(self, usernames):
        users = {
            username: {
                "name": username.title(),
                "email": f"{username}@people.example",
                "password": HASHED,
                "groups": ["staff"],
            }
            for username in usernames
        }
        users["operator"] = {**users[usernames[0]], "email": "operator@people.example", "groups": ["ops"]}
        users["former"] = {**users[usernames[0]], "email": "former@people.example", "groups": ["suspended"]}
        (self.folder / "users.yaml").write_text(json.dumps({"users": users}))

    def connect(self):
        return wire.open_socket(self.port, self._certificates and self._certificates.trust, "localhost")

    def sign_in(self, connected, username, url):
        """Walks through the pages; gives the session's cookie, `name=value`."""
        jar = {}

        def ask(target, fields=None):
            headers = list(NAVIGATION)
            if jar:
                headers.append(("Cookie", "; ".join(f"{name}={value}" for name, value in jar.items())))
            body = None
            if fields is not None:
                body = urlencode(fields).encode()
                headers.append(("Content-Type", "application/x-www-form-urlencoded"))
            answer = wire.exchange_on(connected, target, "GET" if body is None else "POST", headers, body)
            for line in answer.all("set-cookie"):
                name, value = line.split(";")[0].split("=", 1)
                jar[name] = value
            if answer.status in (302, 303) and not answer.location.endswith("/_vestibule/continue"):
                return ask(urljoin(target, answer.location))
            if answer.status not in (200, 303):
                raise Wrong(f"{username} could not sign in: {target} says {answer.status}: {answer.text[:400]}")
            return answer

        login = ask(url).page.form("/_vestibule/login")
        verify = ask(login.action, {"username": username, "password": PASSWORD}).page.form("/_vestibule/verify")
        ask(verify.action, {"code": self._mailed_code()})
        name = next((name for name in jar if name.endswith("vestibule")), None)
        if name is None:
            raise Wrong(f"{username} signed in and has no session: {sorted(jar)}")
        return f"{name}={jar[name]}"

    def _mailed_code(self):
        """The code in the only mail there is, which is then thrown away."""
        (mail,) = eventually(lambda: list(self._outbox.glob("*.eml")), 10, "the mail")
        code = re.search(r"Your sign-in code is (\d+)", mail.read_text()).group(1)
        mail.unlink()
        return code

    def sign_out(self, cookie):
        """As the button on the page does."""
        with self.connect() as connected:
            headers = [("Cookie", cookie), ("Origin", self.url), ("Sec-Fetch-Site", "same-origin")]
            form = [("Content-Type", "application/x-www-form-urlencoded")]
            answer = wire.exchange_on(connected, f"{self.url}/_vestibule/logout", "POST", headers + form, b"")
            if answer.status != 303:
                raise Wrong(f"signing out was answered with {answer.status}: {answer.text[:400]}")

