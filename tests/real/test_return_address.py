"""`rd`: where a sign-in may lead to. It cannot leave the configured apps, however it is spelt."""

import random
from urllib.parse import quote, urlsplit

import pytest

from rig.gateway import DOMAIN
from rig.visitor import Visitor

EVIL = "evil.example"
PREFIXES = [
    "https://{evil}", "http://{evil}", "//{evil}", "///{evil}", "////{evil}", "/\\{evil}", "\\\\{evil}", "\\/{evil}", "/\\/{evil}",
    "https:{evil}", "https:/{evil}", "https:\\{evil}", "https:\\\\{evil}", "https:/\\{evil}", "HTTPS://{evil}", "hTTps:{evil}",
    "\t//{evil}", "/\t/{evil}", "/\n/{evil}", "/\r/{evil}", "\n//{evil}", " //{evil}", "\u00a0//{evil}", "/\u200b/{evil}",
    "%2f%2f{evil}", "/%2f{evil}", "/%5c{evil}", "%5c%5c{evil}", "/.//{evil}", "/..//{evil}", "/x/..//{evil}", "/%09/{evil}",
    "/%0d/{evil}", "/;//{evil}", "///\\{evil}", "https://{good}@{evil}", "https://{good}:443@{evil}", "https://{good}%40{evil}",
    "https://{good}%2f@{evil}", "https://{evil}#{good}", "https://{evil}?{good}", "https://{evil}/{good}", "https://{evil}\\@{good}",
    "https://{evil}\\.{good}", "https://{evil};{good}", "https://{evil}%00{good}", "https://{evil}%0d%0a{good}", "https://{good}.{evil}",
    "https://x{good}", "https://{good}{evil}", "https://{evil}.{good}", "https://{good}\u3002{evil}", "https://{good}\uff0eevil.example",
    "https://{evil}\u2044{good}", "https://{good}\uff0f@{evil}", "https://[::1]", "https://[{evil}]", "https://127.0.0.1", "https://0",
    "https://2130706433", "javascript:alert(1)", "javascript://{good}/%0aalert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)",
    "data:text/html,x", "vbscript:x", "file:///etc/passwd", "ftp://{good}", "ws://{good}", "wss://{good}", "blob:https://{good}/x",
    "view-source:https://{good}", "about:blank", "mailto:a@{evil}", "https://", "https:///", "https:", "http", "//", "///", "\\", "/\\", "?", "#",
    "https://{good}:1", "https://{good}:99999", "https://{good}:-1", "https://{good}:@{evil}", "https://{good}:443:443", "http://{good}",
    "https://{good}./", "https://%72ecorder.vestibule.test", "https://{good}\\", "https://user@{good}", "https://user:pw@{good}",
    "//{good}", "https://{evil}/https://{good}", "x:{good}", "://{good}", ":{evil}", "@{evil}", "/@{evil}/..//{evil}", "{evil}", ".{evil}",
    "../{evil}", "./{evil}", "/a//{evil}", "/a/\\{evil}", "/%2e%2e//{evil}", "/\x00/{evil}", "\x00https://{evil}", "https://{evil}\x00",
    "/x\r\nLocation: https://{evil}", "/x\r\nSet-Cookie: a=b", "%0d%0aLocation:%20https://{evil}", "https://{good}/\r\nX: y",
]


def corpus(good):
    lines = [line.format(evil=EVIL, good=good) for line in PREFIXES]
    dice = random.Random(1)
    alphabet = ["/", "\\", ":", "@", "#", "?", "%2f", "%5c", ".", "\t", "https:", EVIL, good.split(":")[0], "//", "\r\n", "\u3002", "%00"]
    lines += ["".join(dice.choices(alphabet, k=dice.randint(2, 7))) for _ in range(150)]
    return lines


def stays(gateway, url, base):
    """Where a browser would go from `base` when told to go to `url`, judged as crudely as the worst of them."""
    crude = "".join(character for character in url.replace("\\", "/") if character > " ")
    if crude.startswith("/") and not crude.startswith("//"):
        return True
    parts = urlsplit(crude)
    ours = {urlsplit(gateway.url(name)).netloc for name in ("auth", "recorder", "second")}
    return parts.scheme == "https" and parts.netloc in ours


def test_the_corpus_is_not_small(gateway):
    assert len(corpus(gateway.host("recorder"))) > 250


@pytest.mark.parametrize("page", ["login", "logout", "continue", "step-up", "verify"])
def test_no_page_leads_the_signed_in_away(gateway, signed_in, page):
    for line in corpus(gateway.host("recorder")):
        asked = gateway.url("auth", f"/_vestibule/{page}?rd={quote(line, safe='')}")
        answer = signed_in.open(asked)
        assert answer.status < 500, (line, answer.status)
        if answer.header("location") is not None:
            assert stays(gateway, answer.header("location"), asked), (line, answer.location)
            assert EVIL not in urlsplit(answer.location).netloc
        elif answer.status == 200:
            onward = answer.page.refresh
            assert onward is None or stays(gateway, onward, asked), (line, onward)
            for target in answer.page.links.values():
                assert EVIL not in urlsplit(target).netloc, (line, target)
            for form in answer.page.forms:
                assert EVIL not in urlsplit(form.action).netloc, (line, form.action)


def test_a_whole_sign_in_with_a_bad_address_ends_at_home(gateway, people, mails):
    for line in ("https://evil.example/", "//evil.example", "javascript:alert(1)", "https:evil.example"):
        answer = Visitor(gateway).sign_in(
            people.fresh(), gateway.url("auth", f"/_vestibule/login?rd={quote(line, safe='')}"), mails
        )
        assert (answer.status, answer.url) == (200, gateway.url("auth", "/_vestibule/")), line


def test_good_addresses_lead_where_they_say(gateway, signed_in):
    for good in (
        gateway.url("recorder", "/a/b?c=d&e=%2F"),
        gateway.url("second", "/"),
        gateway.url("second", "/caf%C3%A9?q=a+b"),
        gateway.url("recorder", "/a?to=https://evil.example/"),
    ):
        there = signed_in.visit(gateway.url("auth", f"/_vestibule/login?rd={quote(good, safe='')}"))
        assert (there.status, there.url) == (200, good)


def test_the_ticket_leads_only_to_the_host_it_was_made_for(gateway, signed_in):
    signed_in.cookies(gateway.url("second")).clear()
    step = signed_in.open(gateway.url("second", "/x"))
    assert step.status == 302
    for line in ("https://evil.example/", f"https://evil.{DOMAIN}/", "//evil.example", gateway.url("recorder", "/")):
        for name in ("rd", "return", "to", "host"):
            changed = f"{step.location}&{name}={quote(line, safe='')}"
            answer = signed_in.open(changed)
            if answer.location:
                assert EVIL not in (urlsplit(answer.location).hostname or "")
