"""`vestibule session`: what operators see of the sessions in the store, and how they end them while a gateway runs."""

import json
import re

import pytest

from rig.gateway import app, vestibule
from rig.process import eventually
from rig.visitor import Visitor

ADMIT = [{"paths": ["/light/**"], "policy": "one_factor"}, {"policy": "two_factor"}]
STORES = ["embedded", "redis"]


@pytest.fixture(scope="module", params=STORES)
def gateway(request, make_gateway, recorder):
    redis = request.param == "redis" and request.getfixturevalue("redis")
    store = {"redis": {"url": redis.url}} if redis else "embedded"
    return make_gateway([app("recorder", recorder.url, access=ADMIT)], store=store)


def session(gateway, *arguments):
    return vestibule("session", *arguments, "--config", gateway.file)


def listed(gateway, *arguments):
    done = session(gateway, "list", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def trail(gateway, event):
    lines = (gateway.folder / "data" / "audit.log").read_text().splitlines()
    return [entry for entry in map(json.loads, lines) if entry["event"] == event]


def is_out(person):
    return eventually(lambda: not person.is_signed_in("recorder"), 2, "signed out")


def test_a_list_says_who_is_in_since_when_and_from_where(gateway, signed_in):
    (row,) = listed(gateway, signed_in.account.username)
    assert row["account"] == f"file:{signed_in.account.username}" and row["username"] == signed_in.account.username
    assert row["factors"] == ["password", "email_code"] and row["remember"] is False
    assert (row["address"], row["browser"], row["system"]) == ("127.0.0.1", "Chrome", "Linux")
    assert row["host"] == "auth.vestibule.test" and re.fullmatch("[0-9a-f]{16}", row["id"])
    assert row["started"] <= row["last_seen"] < row["ends"]
    table = session(gateway, "list", signed_in.account.email)
    assert table.returncode == 0 and not table.stderr
    heading, line = table.stdout.splitlines()
    assert heading.split()[:3] == ["ID", "ACCOUNT", "FACTORS"]
    assert line.split()[:4] == [row["id"], signed_in.account.username, "2", "127.0.0.1"]


def test_nothing_in_a_list_opens_anything(gateway, signed_in):
    shown = session(gateway, "list", "--json").stdout
    for jar in signed_in.jar.values():
        for value in jar.values():
            assert value not in shown
    (row,) = listed(gateway, signed_in.account.username)
    thief = Visitor(gateway)
    thief.cookies(gateway.url("recorder"))["__Host-vestibule"] = row["id"]
    assert not thief.is_signed_in("recorder")


def test_everybody_is_listed_account_by_account(gateway, people, mails):
    names = []
    for _ in range(3):
        account = people.fresh()
        names.append(account.username)
        for _ in range(2):
            Visitor(gateway).enter_password(account, gateway.url("recorder", "/light/"))
    rows = [row["username"] for row in listed(gateway) if row["username"] in names]
    assert rows == sorted(2 * names)
    assert len(session(gateway, "list").stdout.splitlines()) == 1 + len(listed(gateway))


def test_one_session_is_ended_by_its_id_and_the_gateway_knows_at_once(gateway, account, mails):
    laptop, phone = Visitor(gateway), Visitor(gateway)
    for device in (laptop, phone):
        device.sign_in(account, gateway.url("recorder"), mails)
        assert device.open(gateway.url("recorder")).status == 200
    newest, _ = sorted(listed(gateway, account.username), key=lambda row: row["started"], reverse=True)
    ended = session(gateway, "revoke", newest["id"])
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "1 session ended\n", "")
    assert is_out(phone) and laptop.is_signed_in("recorder")
    (entry,) = [entry for entry in trail(gateway, "session_ended") if newest["id"] in entry["detail"]]
    assert (entry["account"], entry["by"]) == (f"file:{account.username}", "command line")
    again = session(gateway, "revoke", newest["id"])
    assert again.returncode == 1 and not again.stdout
    assert newest["id"] in again.stderr and len(again.stderr.splitlines()) == 1


def test_all_sessions_of_an_account_are_ended_and_nobody_elses(gateway, signed_in, people, mails):
    other = Visitor(gateway)
    other.sign_in(people.fresh(), gateway.url("recorder"), mails)
    second = Visitor(gateway)
    second.sign_in(signed_in.account, gateway.url("recorder"), mails)
    ended = session(gateway, "revoke", "--account", signed_in.account.email.upper())
    assert (ended.returncode, ended.stdout) == (0, "2 sessions ended\n"), ended.stderr
    assert is_out(signed_in) and is_out(second) and other.is_signed_in("recorder")
    assert listed(gateway, signed_in.account.username) == []
    ended = session(gateway, "revoke", "--account", signed_in.account.username)
    assert (ended.returncode, ended.stdout) == (0, "0 sessions ended\n"), "that there is nothing left is no failure"


def test_everybodys_sessions_can_be_ended(gateway, signed_in, people, mails):
    other = Visitor(gateway)
    other.sign_in(people.fresh(), gateway.url("recorder"), mails)
    there = len(listed(gateway))
    ended = session(gateway, "revoke", "--all")
    assert (ended.returncode, ended.stdout) == (0, f"{there} sessions ended\n"), ended.stderr
    assert is_out(signed_in) and is_out(other) and listed(gateway) == []
    assert any(f"{there} of all accounts" in entry["detail"] for entry in trail(gateway, "sessions_ended"))


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["list", "nobody-called-so"], 1),
        (["revoke", "--account", "nobody-called-so"], 1),
        (["revoke", "0123456789abcdef"], 1),
        (["revoke"], 2),
        (["revoke", "0123456789abcdef", "--all"], 2),
        (["revoke", "--all", "--account", "alice"], 2),
        ([], 2),
    ],
)
def test_a_command_that_names_nobody_says_so(gateway, arguments, status):
    ended = session(gateway, *arguments)
    assert ended.returncode == status and ended.stderr and not ended.stdout


def test_a_store_that_is_away_is_named(make_gateway, recorder):
    gateway = make_gateway(
        [app("recorder", recorder.url, access=ADMIT)], store={"redis": {"url": "redis://127.0.0.1:1/"}}, start=False
    )
    for arguments in (["list"], ["revoke", "--all"]):
        ended = session(gateway, *arguments)
        assert ended.returncode == 1 and "store" in ended.stderr and not ended.stdout
