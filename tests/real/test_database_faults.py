"""PostgreSQL goes away: nobody new comes in, nobody is told a lie, who is in stays in, and all is well when it is back."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from rig.accounts import PASSWORD, Account
from rig.database import Postgres
from rig.gateway import app, vestibule
from rig.process import eventually
from rig.visitor import Visitor

APPLICANT = {"name": "Erin Example", "email": "erin@people.example", "username": "", "password": "seven green umbrellas"}
RULES = [{"paths": ["/ops/**"], "groups": ["ops"], "policy": "two_factor"}, {"paths": ["/ops/**"], "policy": "deny"},
         {"policy": "two_factor"}]


@pytest.fixture(scope="module")
def postgres(tmp_path_factory):
    server = Postgres(tmp_path_factory.mktemp("postgres")).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def site(make_gateway, recorder, people, postgres):
    sources = [{"file": str(people.file)}, {"database": postgres.setting, "registration": "approval"}]
    return make_gateway([app("recorder", recorder.url, access=RULES)], accounts=sources, admins=["admins"])


@pytest.fixture
def add(site, request):
    """Makes an account in the database, with a name of the test's own."""

    def made(what, groups):
        name = re.sub(r"[^a-z]+", "-", f"{what}-{request.node.callspec.id}".lower())
        person = Account(name, f"{name}@people.example", what.title())
        ended = command(site, "add", name, "--email", person.email, "--name", person.name, "--groups", groups,
                        "--password-stdin", entering=PASSWORD + "\n")
        assert ended.returncode == 0, ended.stderr
        return person

    return made


def command(site, *arguments, **more):
    return vestibule("account", *arguments, "--config", site.file, **more)


def break_by_stopping(postgres):
    postgres.stop()
    return postgres.start


def break_by_killing(postgres):
    postgres.kill()
    return postgres.start


def break_by_freezing(postgres):
    postgres.freeze()
    return postgres.thaw


@pytest.fixture(params=[break_by_stopping, break_by_killing, break_by_freezing], ids=["stopped", "killed", "frozen"])
def broken(request):
    return request.param


def enter(site, login, password=PASSWORD):
    stranger = Visitor(site)
    page = stranger.open(site.url("auth", "/_vestibule/login"))
    return stranger.submit(page, "/_vestibule/login", username=login, password=password)


def says_to_come_back(answer):
    """503, with when to come back and what to tell the administrator; and nothing of names and passwords."""
    assert answer.status == 503, f"{answer.url}: {answer.status} {answer.text[:300]}"
    assert int(answer.header("retry-after")) > 0
    assert "Invalid" not in answer.text and answer.header("x-request-id") in answer.text
    assert not answer.all("set-cookie"), "cookies are kept"


def all_at_once(*requests):
    """Each is told to come back, none after the others."""
    with ThreadPoolExecutor(len(requests)) as threads:
        for answer in threads.map(lambda request: request(), requests):
            says_to_come_back(answer)


def test_while_the_database_is_away_who_is_in_stays_in_and_nobody_else_comes_in(
    site, postgres, broken, add, people, mails, recorder
):
    person, admin = add("person", "ops"), add("admin", "admins")
    inside, desk = Visitor(site), Visitor(site)
    inside.sign_in(person, site.url("recorder", "/ops/"), mails)
    desk.sign_in(admin, site.url("auth", "/_vestibule/admin"), mails)
    jar = {host: dict(cookies) for host, cookies in inside.jar.items()}
    heal = broken(postgres)
    try:
        recorder.requests.clear()
        for _ in range(5):
            assert inside.open(site.url("recorder", "/ops/")).status == 200
        assert [request.all("remote-user") for request in recorder.requests] == [[person.username]] * 5
        assert recorder.last.all("remote-groups") == ["ops"], "as it was last read"

        # A file stands before the database, and decides over its own.
        of_file = people.fresh()
        assert enter(site, of_file.username).status == 303
        assert enter(site, of_file.username, "not the password").status == 422

        before = len(mails.messages)
        profile = {"do": "profile", "name": "Changed", "language": "browser"}
        decision = {"account": "database:x", "decide": "approve"}
        all_at_once(
            lambda: enter(site, person.username),
            lambda: enter(site, person.email, "not the password"),
            lambda: enter(site, "nobody-known", "not the password"),
            lambda: Visitor(site).post(site.url("auth", "/_vestibule/register"), APPLICANT),
            lambda: Visitor(site).post(site.url("auth", "/_vestibule/reset"), {"login": person.email}),
            lambda: desk.open(site.url("auth", "/_vestibule/admin")),
            lambda: desk.open(site.url("auth", "/_vestibule/admin/accounts?search=person")),
            lambda: desk.open(site.url("auth", "/_vestibule/admin/trail")),
            lambda: desk.post(site.url("auth", "/_vestibule/admin"), decision),
            lambda: inside.post(site.url("auth", "/_vestibule/account"), profile),
        )
        assert not [mail for mail in mails.messages[before:] if mail.recipients != [of_file.email]]

        # Who is in can be served, so traffic is to be sent here still.
        assert site.health("/healthz").status == 200 and site.health("/readyz").status == 200
        told = command(site, "list")
        assert told.returncode == 1 and len(told.stderr.splitlines()) == 1 and "accounts database" in told.stderr
    finally:
        heal()
    eventually(lambda: enter(site, person.username).status == 303, 15, "signing in again")
    assert enter(site, person.username, "not the password").status == 422
    assert desk.open(site.url("auth", "/_vestibule/admin")).status == 200
    assert inside.open(site.url("recorder", "/ops/")).status == 200 and inside.jar == jar
    # What is changed now is seen by who came through all of that.
    assert command(site, "set-groups", person.username, "staff").returncode == 0
    eventually(lambda: inside.open(site.url("recorder", "/ops/")).status == 403, 5, "the group is gone")


def test_a_gateway_that_starts_without_its_database_signs_nobody_out(site, postgres, broken, add, mails):
    person = add("through", "ops")
    inside = Visitor(site)
    inside.sign_in(person, site.url("recorder", "/ops/"), mails)
    heal = broken(postgres)
    try:
        site.restart()
        # Nothing is known yet of the account behind the session.
        says_to_come_back(inside.open(site.url("recorder", "/ops/")))
        assert inside.fetch(site.url("recorder", "/ops/")).status == 503
        says_to_come_back(enter(site, person.username))
    finally:
        heal()
    eventually(lambda: inside.open(site.url("recorder", "/ops/")).status == 200, 15, "in again, with the same cookie")
