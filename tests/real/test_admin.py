"""The administration pages: who waits, the accounts, one account, the trail; on SQLite and on a real PostgreSQL."""

import json
import re
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from rig.accounts import PASSWORD, Account
from rig.browser import DESKTOP, PHONE, assert_accessible, assert_fits
from rig.database import Postgres, Sqlite
from rig.gateway import PROJECT, app, vestibule
from rig.mail import text_of
from rig.process import eventually
from rig.sign_on import make_older
from rig.visitor import Visitor

PAGES = ["admin", "admin/accounts", "admin/account?id=database:x", "admin/delete?id=database:x", "admin/trail"]
POSTS = {
    "admin": {"account": "database:x", "decide": "approve"},
    "admin/account": {"id": "database:x", "do": "disable"},
    "admin/delete": {"id": "database:x"},
}
MARKUP = "\"><img src=x onerror=alert(1)>"
SHOTS = PROJECT / "target" / "screenshots"


class Desk:
    """A gateway with an accounts database and two administrators, and what there is to do at the command line."""

    def __init__(self, gateway, database, people, mails):
        self.gateway, self.database, self.mails = gateway, database, mails
        self.password_hash = people.password_hash
        self.admins = [self.add("ada", "admins"), self.add("bert", "admins")]

    def run(self, *arguments, **more):
        ended = vestibule("account", *arguments, "--config", self.gateway.file, **more)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def add(self, username, groups="staff", name=None):
        person = Account(username, f"{username}@people.example", name or username.title())
        self.run("add", username, "--email", person.email, "--name", person.name, "--groups", groups, "--password-stdin",
                 entering=PASSWORD + "\n")
        return person

    def applicant(self, username, name=None):
        """Somebody who waits, as after a registration."""
        person = self.add(username, "", name)
        self.database.ask("UPDATE accounts SET approval = 'pending', decided_at = NULL, decided_by = NULL, "
                          f"revision = revision + 1 WHERE username = '{username}'")
        return person

    def id(self, username):
        ((key,),) = self.database.ask(f"SELECT id FROM accounts WHERE username = '{username}'")
        return f"database:{key}"

    def state(self, username):
        ((approval, member_of),) = self.database.ask(f"SELECT approval, member_of FROM accounts WHERE username = '{username}'")
        return approval, member_of.strip(",")

    def events(self, username):
        rows = self.database.ask(f"SELECT event FROM trail WHERE account = '{self.id(username)}' ORDER BY id")
        return [event for (event,) in rows]

    def url(self, path):
        return self.gateway.url("auth", f"/_vestibule/{path}")

    def account_url(self, username):
        return self.url(f"admin/account?id={self.id(username)}")

    def signed_in(self, person):
        visitor = Visitor(self.gateway)
        landed = visitor.sign_in(person, self.url("admin"), self.mails)
        assert landed.url.endswith("/_vestibule/admin") or landed.status == 403, landed.url
        return visitor


def make_desk(kind, make_gateway, tmp_path_factory, recorder, people, mails):
    database = Sqlite() if kind == "sqlite" else Postgres(tmp_path_factory.mktemp("postgres")).start()
    sources = [{"file": str(people.file)}, {"database": database.setting}]
    gateway = make_gateway([app("recorder", recorder.url)], accounts=sources, admins=["admins"])
    return Desk(gateway, database.behind(gateway), people, mails)


@pytest.fixture(scope="module")
def desk(make_gateway, tmp_path_factory, recorder, people, mails):
    return make_desk("sqlite", make_gateway, tmp_path_factory, recorder, people, mails)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def each(request, make_gateway, tmp_path_factory, recorder, people, mails, desk):
    if request.param == "sqlite":
        yield desk
        return
    other = make_desk(request.param, make_gateway, tmp_path_factory, recorder, people, mails)
    yield other
    other.gateway.stop()
    other.database.stop()


@pytest.fixture(scope="module")
def ada(desk):
    return desk.signed_in(desk.admins[0])


def pick(desk, *usernames, **more):
    return [("account", desk.id(username)) for username in usernames] + list(more.items())


def test_requests_are_approved_and_rejected_several_at_once(each):
    for username in ("erin", "frank", "grace"):
        each.applicant(username)
    ada = each.signed_in(each.admins[0])
    queue = ada.open(each.url("admin"))
    assert queue.status == 200 and "Requests (3)" in queue.page.words
    assert len(re.findall("checkbox\"[^>]* checked", ada.open(each.url("admin?pick=all")).text)) == 3
    assert "checked" not in queue.text and "pick=all" in queue.text
    assert queue.page.words.index("erin@people") < queue.page.words.index("frank@people") < queue.page.words.index("grace@people")
    done = ada.post(each.url("admin"), pick(each, "erin", "frank", groups="ops, staff", decide="approve"))
    assert done.status == 303, done.page.words
    said = ada.follow(done)
    assert "Approved. A mail says so." in said.page.words and "erin@" not in said.page.words
    assert each.state("erin") == each.state("frank") == ("approved", "ops,staff")
    done = ada.post(each.url("admin"), pick(each, "grace", reason="Not known\r\n to us", decide="reject"))
    assert "Nobody is waiting" in ada.follow(done).page.words
    assert each.state("grace")[0] == "rejected"
    assert "Take back the approval of erin?" in ada.open(each.account_url("erin")).page.words, "it asks first"
    page = ada.open(each.account_url("grace"))
    assert "by ada on" in page.page.words and "Not known to us" in page.page.words and "Rejected" in page.page.words
    assert each.events("grace")[-1] == "rejected"
    erin = Account("erin", "erin@people.example", "Erin")
    assert "as erin or" in text_of(each.mails.wait_for(erin.email, subject="is ready"))
    assert Visitor(each.gateway).enter_password(erin, each.gateway.url("recorder")).status == 303


def test_of_two_administrators_the_second_is_told_who_was_first(each):
    each.applicant("heidi")
    each.applicant("ivan")
    ada, bert = (each.signed_in(admin) for admin in each.admins)
    stale = pick(each, "heidi", "ivan", decide="approve")
    assert ada.post(each.url("admin"), pick(each, "heidi", decide="approve")).status == 303
    each.run("delete", "ivan")
    told = bert.post(each.url("admin"), stale)
    assert told.status == 409
    assert re.search(r"heidi What came of it Approved already, by ada on", told.page.words), told.page.words
    assert re.search(r"ivan What came of it There is no such account", told.page.words), told.page.words
    told = bert.post(each.url("admin/account"), {"id": each.id("heidi"), "do": "approve", "groups": ""})
    assert told.status == 409 and "Approved already, by ada on" in told.page.words


def test_accounts_are_searched_filtered_and_paged(each):
    rows = ",".join(
        f"('{n:032x}', 'page{n:03}', 'page{n:03}@pages.example', 'page{n:03}@pages.example', 'Page {n}', ',readers,', '{{}}', "
        f"'approved', {'TRUE' if n % 10 == 0 else 'FALSE'}, '{n:016x}', {n}, 1, 'page{n:03}\npage{n:03}@pages.example\npage {n}')"
        for n in range(1, 121)
    )
    each.database.script(
        "INSERT INTO accounts (id, username, email, email_canonical, name, member_of, attributes, approval, disabled, credential, "
        f"created, revision, search) VALUES {rows};"
    )
    ada = each.signed_in(each.admins[0])
    first = ada.open(each.url("admin/accounts?search=page"))
    assert "120 accounts" in first.page.words and "page001" in first.page.words and "page051" not in first.page.words
    second = ada.open(first.page.links["Next"])
    third = ada.open(second.page.links["Next"])
    assert "page051" in second.page.words and "page100" in second.page.words
    assert "page101" in third.page.words and "Next" not in third.page.links and "120 accounts" in third.page.words
    back = ada.open(third.page.links["Previous"])
    assert "page051" in back.page.words and "page101" not in back.page.words
    start = ada.open(back.page.links["Previous"])
    assert "page001" in start.page.words and "Previous" not in start.page.links
    disabled = ada.open(each.url("admin/accounts?search=page&show=disabled"))
    assert "12 accounts" in disabled.page.words and "page010" in disabled.page.words and "page011" not in disabled.page.words
    assert "120 accounts" in ada.open(each.url("admin/accounts?group=readers")).page.words
    assert "1 account" in ada.open(each.url(f"admin/accounts?search={quote('PAGE007@pages')}")).page.words
    assert "There is no such account." in ada.open(each.url("admin/accounts?search=100%25")).page.words


def test_one_account_is_worked_on(each):
    person = each.add("judy")
    visitor = Visitor(each.gateway)
    visitor.sign_in(person, each.gateway.url("recorder"), each.mails)
    ada = each.signed_in(each.admins[0])
    page = ada.open(each.account_url("judy"))
    assert "an unknown browser" not in page.page.words and "Chrome on Linux" in page.page.words and "127.0.0.1" in page.page.words
    assert "argon2" not in page.text and 'type="password"' not in page.text
    eventually(lambda: "signed_in" in ada.open(each.account_url("judy")).page.words, 10, "the line of the sign-in")

    def act(**fields):
        done = ada.post(each.url("admin/account"), {"id": each.id("judy"), **fields})
        assert done.status == 303, done.page.words
        return ada.follow(done).page.words

    assert "The groups are changed." in act(do="groups", groups="ops,  night shift")
    assert each.state("judy") == ("approved", "ops,night shift")
    session = re.search(r'name="session" value="([0-9a-f]{16})"', page.text).group(1)
    assert "That session has ended." in act(do="end-session", session=session)
    eventually(lambda: not visitor.is_signed_in("recorder"), 5, "the session is gone")
    device = re.search(r'name="device" value="([0-9a-f]{16})"', page.text).group(1)
    assert "That browser is forgotten." in act(do="forget-device", device=device)
    assert "No browser is known." in ada.open(each.account_url("judy")).page.words
    assert "The account is disabled" in act(do="disable")
    refused = Visitor(each.gateway).enter_password(person, each.gateway.url("recorder"))
    assert "Your account has been disabled." in refused.page.words
    assert "enabled again" in act(do="enable")
    assert "are forgotten" in act(do="unlock")
    assert "is on its way" in act(do="reset")
    assert "/_vestibule/reset?token=" in text_of(each.mails.wait_for(person.email, subject="password"))
    question = ada.open(each.url(f"admin/delete?id={each.id('judy')}"))
    assert question.status == 200 and each.state("judy"), "asking deletes nothing"
    deleted = each.id("judy")
    done = ada.submit(question, "/_vestibule/admin/delete")
    assert "The account is deleted." in ada.follow(done).page.words
    assert ada.open(each.url(f"admin/account?id={deleted}")).status == 404
    for name in ("judy", "JUDY@people.example", deleted):
        trail = ada.open(each.url(f"admin/trail?account={quote(name)}"))
        assert "account_deleted" in trail.page.words and "judy (deleted)" in trail.page.words, name


def test_the_trail_is_filtered_and_paged(each):
    ada = each.signed_in(each.admins[0])
    person = each.add("kim")
    values = ",".join(f"({1_700_000_000_000 + n}, 'signed_in', NULL, '{each.id('kim')}', '10.0.0.{n % 200}', 'r{n}', NULL)" for n in range(60))
    each.database.script(f"INSERT INTO trail (at, event, by_whom, account, address, request_id, detail) VALUES {values};")
    first = ada.open(each.url("admin/trail?account=kim&event=signed_in"))
    assert "r59" in first.page.words and "r10 " in first.page.words and "r9 " not in first.page.words
    second = ada.open(first.page.links["Next"])
    assert "r9 " in second.page.words and "r0" in second.page.words and "Next" not in second.page.links
    day = ada.open(each.url("admin/trail?account=kim&since=2023-11-14&until=2023-11-14"))
    assert "r59" in day.page.words and "account_added" not in day.page.words
    assert "says nothing of that" in ada.open(each.url("admin/trail?account=kim&until=2023-11-13")).page.words
    assert "Command line" in ada.open(each.url(f"admin/trail?event=account_added&account={person.email}")).page.words
    assert "No account has this name" in ada.open(each.url("admin/trail?account=nobody-at-all")).page.words
    assert "Enter a day as" in ada.open(each.url("admin/trail?since=2023-02-30")).page.words


@pytest.mark.parametrize("page", PAGES)
def test_who_is_no_administrator_is_refused_everywhere(desk, account, mails, page):
    path = page.split("?")[0]
    stranger = Visitor(desk.gateway)
    assert "/_vestibule/login" in stranger.open(desk.url(page)).location
    user = Visitor(desk.gateway)
    user.sign_in(account, desk.url(""), mails)
    assert "Administration" not in user.open(desk.url("")).page.words
    refused = user.open(desk.url(page))
    assert refused.status == 403 and account.username in refused.page.words
    if path in POSTS:
        assert user.post(desk.url(path), POSTS[path]).status == 403
        assert stranger.post(desk.url(path), POSTS[path]).status == 303
    else:
        assert user.post(desk.url(path), {}).status == 405


def test_an_administrator_no_more_is_refused_at_once(desk):
    person = desk.add("leaving", "admins")
    visitor = desk.signed_in(person)
    assert visitor.open(desk.url("admin")).status == 200
    desk.run("set-groups", "leaving", "staff")
    eventually(lambda: visitor.open(desk.url("admin")).status == 403, 5, "the group counts")
    desk.applicant("hopeful")
    assert visitor.post(desk.url("admin"), pick(desk, "hopeful", decide="approve")).status == 403
    assert desk.state("hopeful")[0] == "pending"


@pytest.mark.parametrize("do", ["approve", "reject", "disable", "groups", "unlock"])
def test_nobody_decides_over_their_own_account(desk, ada, do):
    page = ada.open(desk.account_url("ada"))
    assert "This is your own account." in page.page.words
    assert f'value="{do}"' not in page.text and "admin/delete" not in page.text
    refused = ada.post(desk.url("admin/account"), {"id": desk.id("ada"), "do": do, "groups": "", "reason": ""})
    assert refused.status == 409 and "Nobody decides over their own account." in refused.page.words
    refused = ada.post(desk.url("admin/delete"), {"id": desk.id("ada")})
    assert refused.status == 409 and desk.state("ada") == ("approved", "admins")


def test_a_sign_in_of_long_ago_changes_nothing_and_is_asked_for_again(desk):
    desk.applicant("patient")
    admin = desk.signed_in(desk.admins[1])
    assert make_older(desk.gateway, 11 * 60, desk.id("bert")), "there was a sign-on to make older"
    desk.gateway.restart()
    page = admin.open(desk.url("admin"))
    assert page.status == 200 and "sign in again first" in page.page.words
    asked = admin.post(desk.url("admin"), pick(desk, "patient", decide="approve"))
    assert asked.status == 303 and parse_qs(urlsplit(asked.location).query)["rd"] == ["/_vestibule/admin?done=signed-in-again"]
    assert desk.state("patient")[0] == "pending"
    assert "Nothing has been changed yet" in admin.follow(asked).page.words


def test_files_are_shown_and_changed_there(desk, ada, account, mails):
    visitor = Visitor(desk.gateway)
    visitor.sign_in(account, desk.gateway.url("recorder"), mails)
    found = ada.open(desk.url(f"admin/accounts?search={account.username}"))
    assert "In a file" in found.page.words
    page = ada.open(found.page.links[account.username])
    assert "stands in a file" in page.page.words and "127.0.0.1" in page.page.words
    eventually(lambda: "signed_in" in ada.open(page.url).page.words, 10, "the line of the sign-in")
    assert 'value="disable"' not in page.text and "admin/delete" not in page.text
    refused = ada.post(desk.url("admin/account"), {"id": f"file:{account.username}", "do": "disable"})
    assert refused.status == 409 and "stands in a file" in refused.page.words
    done = ada.post(desk.url("admin/account"), {"id": f"file:{account.username}", "do": "end-sessions"})
    assert done.status == 303
    eventually(lambda: not visitor.is_signed_in("recorder"), 5, "the sessions are gone")


def test_a_post_from_another_origin_does_nothing(desk, ada):
    desk.applicant("target")
    fields = pick(desk, "target", decide="approve")
    elsewhere = desk.gateway.url("recorder").rstrip("/")
    for headers in (
        [("Origin", elsewhere), ("Sec-Fetch-Site", "same-site")],
        [("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site")],
        [("Origin", "null")],
        [("Sec-Fetch-Site", "none")],
    ):
        assert ada.post(desk.url("admin"), fields, headers=headers).status == 403, headers
    assert desk.state("target")[0] == "pending"


def test_no_get_changes_anything_and_unknown_fields_do_nothing(desk, ada):
    desk.applicant("stays")
    account = desk.id("stays")
    for query in (f"admin?account={account}&decide=approve", f"admin/account?id={account}&do=approve", f"admin/delete?id={account}&do=delete"):
        assert ada.open(desk.url(query)).status == 200
    assert desk.state("stays")[0] == "pending"
    done = ada.post(desk.url("admin/account"), {"id": account, "do": "approve", "groups": "staff", "approval": "rejected",
                                                "email": "x@evil.example", "password": "chosen by another", "disabled": "on"})
    assert done.status == 303 and desk.state("stays") == ("approved", "staff")
    ((email, disabled),) = desk.database.ask("SELECT email, disabled FROM accounts WHERE username = 'stays'")
    assert email == "stays@people.example" and not disabled


@pytest.mark.parametrize(("fields", "status"), [
    ({"decide": "approve"}, 422),
    ({"account": "database:gone", "decide": "approve"}, 409),
    ({"account": "nonsense", "decide": "reject"}, 409),
    ({"account": MARKUP, "decide": "reject"}, 409),
    ({"account": "database:gone", "groups": "a,,b", "decide": "approve"}, 422),
    ({"account": "database:gone", "reason": "x" * 501, "decide": "reject"}, 422),
    ({"account": "database:gone"}, 400),
    ({"account": "database:gone", "decide": "promote"}, 400),
])
def test_a_form_that_makes_no_sense_does_nothing(desk, ada, fields, status):
    answer = ada.post(desk.url("admin"), fields)
    assert answer.status == status, answer.page.words
    assert "<img src=x" not in answer.text


def test_a_nul_is_in_nobodys_name(each):
    def errors():
        return [line for line in each.gateway.output().splitlines() if " ERROR " in line]

    before = errors()
    for login in ("\0", "ada\0", "ada@people.example\0"):
        assert Visitor(each.gateway).post(each.url("login"), {"username": login, "password": "x"}).status == 422
        assert Visitor(each.gateway).post(each.url("reset"), {"login": login}).status in (200, 303)
    # Of their own: an address gets ten codes an hour, and the others sign in often here.
    nils = each.signed_in(each.add("nils", "admins"))
    for query, status in (
        ("admin/accounts?search=%00", 200), ("admin/accounts?group=%00", 200), ("admin/accounts?after=%00", 200),
        ("admin/accounts?before=%00", 200), ("admin/trail?event=%00", 200), ("admin/trail?account=%00", 200),
        ("admin/trail?account=database:%00", 200), ("admin?after=1.database:%00", 200),
        ("admin/account?id=database:%00", 404), ("admin/delete?id=database:%00", 404),
    ):
        assert nils.open(each.url(query)).status == status, query
    assert errors() == before


def test_markup_in_names_and_reasons_is_text(desk, ada, chromium):
    desk.applicant("markup")
    desk.database.ask(f"UPDATE accounts SET name = '{MARKUP}', member_of = ',{MARKUP},' WHERE username = 'markup'")
    for path in ("admin", "admin/accounts?search=markup", f"admin/account?id={desk.id('markup')}", f"admin/delete?id={desk.id('markup')}"):
        page = ada.open(desk.url(path))
        assert "<img src=x" not in page.text and "&quot;&gt;&lt;img" in page.text.replace("&#34;", "&quot;").replace("&#60;", "&lt;").replace("&#62;", "&gt;") or "delete" in path
    desk.run("delete", "markup")


def test_without_a_portal_there_are_no_such_pages(make_gateway, recorder, people):
    gateway = make_gateway([app("recorder", recorder.url)], portal=None, accounts=[{"database": "sqlite"}], admins=["admins"])
    for page in PAGES:
        assert gateway.ask(gateway.url("recorder", f"/_vestibule/{page}")).status == 404


@pytest.mark.parametrize("language", ["en-GB", "de-DE"])
@pytest.mark.parametrize(("width", "viewport"), [("390", PHONE), ("1280", DESKTOP)])
def test_an_administrator_walks_the_pages_by_keyboard(desk, chromium, mails, language, width, viewport):
    waiting = desk.applicant(f"walker-{width}-{language[:2]}".lower(), "Walter Walker")
    # Their own: a mailbox takes ten codes an hour.
    admin, german = desk.add(f"cora-{width}-{language[:2]}", "admins"), language.startswith("de")
    with chromium.person(viewport=viewport, port=None, language=language, javascript=not german) as person:
        page = person.page

        def look(name):
            assert_fits(page)
            assert_accessible(page) if person.javascript else None
            SHOTS.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=SHOTS / f"{name}-{width}-{language[:2]}.png", full_page=True)

        person.sign_in(admin, mails, desk.url("admin"))
        page.wait_for_url(re.compile("/_vestibule/admin$"))
        look("admin-queue")
        box = page.locator(f"input[type=checkbox][value='{desk.id(waiting.username)}']")
        box.focus()
        page.keyboard.press("Space")
        page.locator("#groups").focus()
        page.keyboard.type("staff")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile("done=approved"))
        assert page.get_by_role("status").inner_text() == ("Freigegeben. Eine E-Mail teilt es mit." if german else "Approved. A mail says so.")
        assert desk.state(waiting.username) == ("approved", "staff")
        page.goto(desk.url("admin/accounts"))
        page.get_by_role("searchbox").fill("walker")
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile("search=walker"))
        look("admin-accounts")
        page.get_by_role("link", name=waiting.username, exact=True).click()
        page.wait_for_url(re.compile("admin/account"))
        look("admin-account")
        page.locator("details.confirm summary").first.focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile("done=disabled"))
        look("admin-account-disabled")
        page.goto(desk.url(f"admin/trail?account={waiting.username}"))
        assert "disabled" in page.inner_text("main")
        look("admin-trail")
