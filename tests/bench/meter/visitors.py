"""The people who are signed in, and what they ask for: ten addresses each, all in turn, so that no two requests in a
row are alike."""

from .subject import Wrong
from .upstream import BODY

PEOPLE = 1000
ADDRESSES = 10_000
OWN_COOKIE = "theme=dark"
# A script's request: a refusal would be a 401, which no load program takes for a good answer as it does a 302.
HEADERS = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate, br",
}


def usernames(count=PEOPLE):
    return [f"visitor{number:04}" for number in range(count)]


class Visitors:
    """Cookies by person, for one gateway; its peers get the same, so that as many bytes move."""

    def __init__(self, cookies, hosts=None):
        self.cookies = cookies
        # Whose app has a host of its own.
        self._hosts = hosts or {}

    @classmethod
    def signed_in(cls, gateway, people, hosts=None):
        hosts = hosts or {}
        cookies = {}
        with gateway.connect() as connected:
            for username in people:
                url = f"http://{hosts[username]}/" if username in hosts else f"{gateway.url}/"
                cookies[username] = gateway.sign_in(connected, username, url)
        return cls(cookies, hosts)

    def headers(self, username):
        return {**HEADERS, "Cookie": f"{OWN_COOKIE}; {self.cookies[username]}"}

    def request(self, username, number, host):
        return head(path(username, number), self._hosts.get(username, host), self.headers(username))

    def requests(self, host, addresses=ADDRESSES):
        people = list(self.cookies)
        return [self.request(people[number % len(people)], number, host) for number in range(addresses)]

    def of(self, username, host):
        """What this person asks for among all of them."""
        people = list(self.cookies)
        numbers = range(people.index(username), ADDRESSES, len(people))
        return [self.request(username, number, host) for number in numbers]


def path(username, number):
    return f"/u/{username}/page/{number:05}?view=full"


def head(target, host, headers):
    lines = [f"GET {target} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def ask(name, connected, requests, batch=50):
    """Sends them all over this connection, some at a time; gives each one's status and body. `name` is for errors."""
    answers = []
    with connected.makefile("rb") as reader:
        for start in range(0, len(requests), batch):
            part = requests[start : start + batch]
            connected.sendall(b"".join(part))
            answers += [_answer(name, reader) for _ in part]
    return answers


def _answer(name, reader):
    status = reader.readline()
    length = None
    while (line := reader.readline()) not in (b"\r\n", b""):
        key, _, value = line.partition(b":")
        if key.lower() == b"content-length":
            length = int(value)
    if not status or length is None:
        raise Wrong(f"{name}: no whole answer: {status!r}")
    return int(status.split(b" ")[1]), reader.read(length)


def all_answered(name, connected, requests):
    """Asks, and takes nothing but the app's own answer to each."""
    for status, body in ask(name, connected, requests):
        if (status, body) != (200, BODY.encode()):
            raise Wrong(f"{name}: an answer with {status} and {len(body)} bytes: {body[:200]!r}")
