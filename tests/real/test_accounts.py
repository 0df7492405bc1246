"""`vestibule account`: accounts of the database as an operator works on them, while a gateway runs and notices."""

import json
import re
import subprocess

import pytest

from rig.accounts import PASSWORD, Account
from rig.gateway import app, program, vestibule
from rig.mail import text_of
from rig.process import eventually
from rig.visitor import Visitor


@pytest.fixture(scope="module")
def gateway(make_gateway, people, recorder):
    sources = [{"file": str(people.file)}, {"database": "sqlite"}]
    rules = [
        {"paths": ["/ops/**"], "groups": ["ops"], "policy": "two_factor"},
        {"paths": ["/ops/**"], "policy": "deny"},
        {"policy": "two_factor"},
    ]
    return make_gateway([app("recorder", recorder.url, access=rules)], accounts=sources, admins=["admins"])


@pytest.fixture
def accounts(gateway):
    """Runs `vestibule account ...` and expects this exit status."""

    def run(*arguments, status=0, **more):
        ended = vestibule("account", *arguments, "--config", gateway.file, **more)
        assert ended.returncode == status, ended.stdout + ended.stderr
        return ended

    return run


@pytest.fixture
def added(accounts, request):
    """Somebody added by hand, with a name of the test's own."""
    name = request.node.name.removeprefix("test_")[:40].strip("_").replace("_", "-")
    person = Account(name, f"{name}@people.example", "Ann Added")
    accounts("add", name, "--email", person.email, "--name", person.name, "--groups", "staff,ops",
             "--password-stdin", entering=PASSWORD + "\n")
    return person


def test_who_is_added_signs_in_and_is_shown(accounts, added, gateway, mails):
    person = Visitor(gateway)
    person.sign_in(added, gateway.url("recorder", "/ops/"), mails)
    shown = json.loads(accounts("show", added.email.upper(), "--json").stdout)
    assert shown["username"] == added.username and shown["groups"] == ["staff", "ops"]
    assert shown["approval"] == "approved" and shown["decided_by"] == "command line"
    assert shown["password"] is True and shown["source"] == "database"
    eventually(lambda: json.loads(accounts("show", added.username, "--json").stdout)["last_sign_in"], 10, "the sign-in")
    lines = accounts("show", added.username).stdout
    assert "Ann Added" in lines and "argon2" not in lines


def test_who_is_added_without_a_password_is_mailed_a_link_to_choose_one(accounts, gateway, mails):
    ended = accounts("add", "invited", "--email", "invited@people.example")
    assert ended.stdout == "invited added; a link to choose a password goes to invited@people.example\n"
    link = re.search(r"https://\S+/_vestibule/reset\S+", text_of(mails.wait_for("invited@people.example", subject="Your account at"))).group(0)
    assert len(mails.to("invited@people.example")) == 1
    person = Visitor(gateway)
    person.follow(person.submit(person.visit(link), "/_vestibule/reset", password="a few words of mine"))
    chosen = Account("invited", "invited@people.example", "invited", "a few words of mine")
    assert Visitor(gateway).enter_password(chosen, gateway.url("recorder")).status == 303


def test_what_is_done_at_the_command_line_holds_at_once(accounts, added, gateway, mails):
    person = Visitor(gateway)
    person.sign_in(added, gateway.url("recorder", "/ops/"), mails)
    accounts("set-groups", added.username, "staff")
    eventually(lambda: person.ask(gateway.url("recorder", "/ops/")).status == 403, 5, "the group is gone")
    assert person.is_signed_in("recorder")
    accounts("disable", added.username)
    eventually(lambda: not person.is_signed_in("recorder"), 5, "the session is gone")
    refused = Visitor(gateway).enter_password(added, gateway.url("recorder"))
    assert "Your account has been disabled." in refused.page.words
    accounts("enable", added.username)
    Visitor(gateway).sign_in(added, gateway.url("recorder"), mails)


def test_another_password_ends_every_session(accounts, added, gateway, mails):
    person = Visitor(gateway)
    person.sign_in(added, gateway.url("recorder"), mails)
    accounts("set-password", added.username, entering="quite some other words\n")
    eventually(lambda: not person.is_signed_in("recorder"), 5, "the session is gone")
    assert Visitor(gateway).enter_password(added, gateway.url("recorder")).status == 422
    again = Account(added.username, added.email, added.name, "quite some other words")
    assert Visitor(gateway).enter_password(again, gateway.url("recorder")).status == 303


@pytest.mark.parametrize(("password", "said"), [
    ("short", "too short: take 12"),
    ("Password1234!", "many people use"),
    ("people of the world", "`people` in it, from the e-mail address"),
    ("example for all of us", "`example` in it, from the name of this site"),
    ("x" * 1025, "too long"),
    ("", "missing"),
])
def test_a_password_that_is_no_good_is_refused_with_its_reason(accounts, password, said):
    ended = accounts("add", "refused", "--email", "refused@people.example", "--password-stdin", entering=password + "\n", status=1)
    assert said in ended.stderr and not ended.stdout
    accounts("show", "refused", status=1)


def test_rejecting_and_approving_is_told_and_done_once(accounts, added, gateway):
    assert "at most 500 characters" in accounts("reject", added.username, "--reason", "x" * 501, status=2).stderr
    assert accounts("reject", added.username, "--reason", "left\nus\x1b \u202e").stdout == f"{added.username} rejected\n"
    ended = accounts("reject", added.username, status=1)
    assert "rejected already, by command line" in ended.stderr
    (row,) = json.loads(accounts("list", "--approval", "rejected", "--search", added.email, "--json").stdout)
    assert row["decision_reason"] == "left us"
    assert accounts("approve", added.username, "--groups", "ops,staff").stdout == f"{added.username} approved in ops, staff\n"
    assert Visitor(gateway).enter_password(added, gateway.url("recorder")).status == 303


def test_one_name_that_fails_keeps_the_others_from_nothing(accounts, added):
    ended = accounts("disable", "who-is-that", added.username, status=1)
    assert ended.stdout == f"{added.username} disabled\n"
    assert ended.stderr == 'vestibule: no account is called "who-is-that"\n'


def test_a_deleted_name_is_handed_to_nobody_unasked(accounts, added):
    accounts("delete", added.username)
    accounts("show", added.username, status=1)
    ended = accounts("add", added.username, "--email", "other@people.example", status=1)
    assert "deleted account's" in ended.stderr and "--reuse" in ended.stderr
    accounts("add", added.username, "--email", "other@people.example", "--reuse")
    assert json.loads(accounts("show", added.username, "--json").stdout)["password"] is False


def test_accounts_of_a_file_are_shown_and_changed_there(accounts, account):
    assert json.loads(accounts("show", account.username, "--json").stdout)["source"] == "file"
    assert "stands in a file" in accounts("disable", account.username, status=1).stderr
    ended = accounts("add", account.username, "--email", "another@people.example", status=1)
    assert "the username is somebody's already" in ended.stderr


@pytest.mark.parametrize(("arguments", "said"), [
    (["add", "admin", "--email", "a@people.example"], "reserved"),
    (["add", "a b", "--email", "a@people.example"], "no ` `"),
    (["add", "ann", "--email", "a@b@people.example"], "one @ only"),
    (["add", "ann", "--email", "a@people.example", "--name", "A\u202eB"], "U+202E"),
    (["add", "ann", "--email", "a@people.example", "--groups", "a,,b"], "empty"),
    (["add", "ann"], "--email"),
    (["approve"], "NAME"),
])
def test_what_is_typed_wrongly_is_told_and_ends_with_2(accounts, arguments, said):
    ended = accounts(*arguments, status=2)
    assert said in ended.stderr and not ended.stdout


def test_a_database_that_is_not_there_is_told_and_made_by_nobody_who_reads(make_gateway, recorder, tmp_path):
    mistyped = tmp_path / "nowhere" / "acounts.db"
    gateway = make_gateway([app("recorder", recorder.url)], start=False, accounts=[{"database": f"sqlite:{mistyped}"}])
    people = tmp_path / "people.csv"
    people.write_text("username,email\nann,ann@people.example\n")
    for arguments in (["list"], ["show", "ann"], ["trail"], ["disable", "ann"], ["import", people]):
        ended = vestibule("account", *arguments, "--config", gateway.file)
        assert ended.returncode == 1 and f"there is no accounts database at {mistyped} yet" in ended.stderr
        assert len(ended.stderr.splitlines()) == 1 and not mistyped.parent.exists(), arguments
    made = vestibule("account", "import", people, "--apply", "--config", gateway.file)
    assert made.returncode == 0 and mistyped.exists(), made.stderr


def test_a_file_that_is_no_database_is_called_so(make_gateway, recorder, tmp_path):
    file = tmp_path / "accounts.db"
    file.write_text("This is a letter, and no database. " * 300)
    gateway = make_gateway([app("recorder", recorder.url)], start=False, accounts=[{"database": f"sqlite:{file}"}])
    ended = vestibule("account", "list", "--config", gateway.file)
    assert ended.returncode == 1 and "the accounts database is damaged, or the file is something else" in ended.stderr
    assert "an account" not in ended.stderr


def test_a_postgresql_that_refuses_is_told_apart_from_one_that_is_slow(make_gateway, recorder):
    refusing = [{"database": "postgres://u:x@127.0.0.1:1/x"}]
    gateway = make_gateway([app("recorder", recorder.url)], start=False, accounts=refusing)
    for arguments in (["account", "list"], ["check", "--connect"]):
        ended = vestibule(*arguments, "--config", gateway.file)
        assert ended.returncode == 1 and "refused" in ended.stdout + ended.stderr, ended.stdout + ended.stderr
        assert "in time" not in ended.stdout + ended.stderr


def test_the_trail_is_read_by_account_and_by_event(accounts, added):
    accounts("disable", added.username)
    accounts("enable", added.username)
    lines = json.loads(accounts("trail", added.username, "--json").stdout)
    assert [line["event"] for line in lines] == ["account_added", "disabled", "enabled"], "the latest last"
    assert {(line["username"], line["by"]) for line in lines} == {(added.username, "command line")}
    assert [line["event"] for line in json.loads(accounts("trail", added.email, "--last", "1", "--json").stdout)] == ["enabled"]
    table = accounts("trail", added.username, "--event", "disabled").stdout.splitlines()
    assert len(table) == 2 and table[1].split()[1:3] == ["disabled", added.username]
    accounts("delete", added.username)
    assert "account_deleted" in accounts("trail", added.username).stdout
    assert "no account is called" in accounts("trail", "nobody-ever", status=1).stderr


def test_those_who_are_disabled_are_listed(accounts, added):
    accounts("disable", added.username)
    listed = json.loads(accounts("list", "--disabled", "--json").stdout)
    assert added.username in [row["username"] for row in listed] and all(row["disabled"] for row in listed)
    accounts("enable", added.username)
    assert added.username not in accounts("list", "--disabled").stdout


def test_a_link_for_another_password_is_mailed_to_who_may_use_it(accounts, added, mails):
    assert accounts("reset", added.username).stdout == f"a link to choose a password goes to {added.email}\n"
    mails.wait_for(added.email, subject="Choose a new password")
    accounts("disable", added.username)
    assert "may not sign in" in accounts("reset", added.username, status=1).stderr


def test_a_reader_that_has_had_enough_ends_a_long_list_quietly(gateway, accounts):
    lines = ["username,email,groups", *(f"long{number},long{number}@people.example,long" for number in range(3000))]
    accounts("import", "-", "--apply", entering="\n".join(lines))
    command = [program(), "account", "list", "--group", "long", "--config", str(gateway.file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert b"USERNAME" in child.stdout.readline()
        child.stdout.close()
        assert (child.stderr.read(), child.wait(60)) == (b"", 0)


def test_without_a_database_there_is_nothing_to_work_on(make_gateway, recorder):
    gateway = make_gateway([app("recorder", recorder.url)], start=False)
    for arguments in (["list"], ["add", "ann", "--email", "ann@people.example"]):
        ended = vestibule("account", *arguments, "--config", gateway.file)
        assert ended.returncode == 1 and "there is no accounts database" in ended.stderr
