"""`vestibule account import`: what other systems export, a real Django's above all."""

import json
import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rig.accounts import PASSWORD, Account
from rig.database import Postgres
from rig.gateway import app, program, vestibule
from rig.visitor import Visitor

DUMP = Path(__file__).parent / "django_app" / "dump.py"
ACCEPTED = ["pbkdf2_sha256", "argon2", "bcrypt_sha256", "bcrypt", "scrypt"]


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def gateway(request, make_gateway, people, recorder, tmp_path_factory):
    postgres = Postgres(tmp_path_factory.mktemp("postgres")).start() if request.param == "postgres" else None
    sources = [{"file": str(people.file)}, {"database": postgres.setting if postgres else "sqlite"}]
    made = make_gateway([app("recorder", recorder.url)], accounts=sources)
    yield made
    made.stop()
    if postgres:
        postgres.stop()


@pytest.fixture
def take(gateway, tmp_path):
    """Imports this text, and expects this exit status."""

    def run(text, *arguments, status=0):
        file = tmp_path / "people"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        ended = vestibule("account", "import", file, *arguments, "--config", gateway.file)
        assert ended.returncode == status, ended.stdout + ended.stderr
        ended.stdout, ended.stderr = (said.replace(str(file), "people") for said in (ended.stdout, ended.stderr))
        return ended

    return run


def known(gateway, *arguments):
    ended = vestibule("account", "list", "--json", *arguments, "--config", gateway.file)
    assert ended.returncode == 0, ended.stderr
    return {row["username"]: row for row in json.loads(ended.stdout)}


def dump(*hashers, models=("auth.user",), **options):
    made = subprocess.run(
        [sys.executable, DUMP, PASSWORD, json.dumps(models), json.dumps(options), *hashers],
        capture_output=True, text=True, timeout=120,
    )
    assert made.returncode == 0, made.stderr
    return made.stdout


def test_everybody_from_django_signs_in_with_the_password_of_there(gateway, take, mails):
    text = dump(*ACCEPTED, "none", use_natural_foreign_keys=True)
    dry = take(text)
    assert len(dry.stdout.splitlines()) == len(ACCEPTED) + 4 and "could be made" in dry.stdout, dry.stdout
    assert "`no-password`: has no usable password" in dry.stdout
    assert not known(gateway, "--group", "staff")
    assert "6 accounts made; 1 without a password" in take(text, "--apply").stdout
    found = known(gateway, "--group", "staff")
    assert len(found) == 6 and found["no-password"]["disabled"] and not found["no-password"]["password"]
    for hasher in ACCEPTED:
        name = hasher.replace("_", "-")
        assert found[name]["name"] == f"Ann {name.title()}"
        person = Account(name, f"{name}@people.example", name)
        Visitor(gateway).sign_in(person, gateway.url("recorder"), mails)


@pytest.mark.parametrize("options", [{}, {"indent": 2}, {"format": "jsonl"}])
def test_a_dump_is_read_in_whatever_shape_django_writes_it(take, options):
    text = dump("pbkdf2_sha256", "scrypt", models=["auth.group", "auth.user"], **options)
    text = text.replace("pbkdf2-sha256", "shape-one").replace('"scrypt"', '"shape-two"').replace('"scrypt@', '"shape-two@')
    ended = take(text)
    assert "shape-one <shape-one@people.example>" in ended.stdout and ", in staff" in ended.stdout
    assert "2 accounts could be made" in ended.stdout and not ended.stderr


def test_hashes_that_are_too_weak_and_groups_without_a_name_are_told(gateway, take):
    ended = take(dump("pbkdf2_sha1", "md5", use_natural_foreign_keys=True), "--apply", status=1)
    problems = ended.stderr.splitlines()
    assert len(problems) == 3 and problems[0].startswith("people:1: `pbkdf2-sha1`: the password: "), ended.stderr
    assert problems[1].startswith("people:1: `md5`: the password: ") and "md5$" not in ended.stderr
    ended = take(dump("argon2"), status=1)
    assert "--natural-foreign" in ended.stderr


def test_of_a_file_with_three_bad_lines_in_ten_thousand_nothing_is_made(gateway, take):
    lines = ["username,email,name,groups,password"]
    lines += [f"crowd{number},crowd{number}@people.example,,crowd," for number in range(10_000)]
    lines[17], lines[4242], lines[9999] = "crowd16,nobody,,,", "crowd 4241,c@people.example,,,", lines[1]
    text = "\r\n".join(lines)
    ended = take(text, "--apply", status=1)
    assert [line.split(":")[1] for line in ended.stderr.splitlines()[:-1]] == ["18", "4243", "10000", "10000"]
    assert ended.stderr.splitlines()[-1].endswith("nothing was written")
    assert not known(gateway, "--group", "crowd")


def test_who_is_there_already_is_counted_out_and_not_planned(gateway, take):
    text = "username,email\ntwice,twice@people.example\n"
    take(text, "--apply")
    ended = take(text + "once,once@people.example\n", status=1)
    assert ended.stdout == "people:3: once <once@people.example>, once, without a password\n"
    assert ended.stderr.splitlines()[-1] == "vestibule: people: 1 problem, and 1 account without one; nothing was written"


def test_twenty_thousand_people_come_in_one_transaction(gateway, take):
    lines = ["username,email,name,groups,password"]
    lines += [f"many{number},many{number}@people.example,Many {number},many," for number in range(20_000)]
    begun = time.monotonic()
    ended = take("\n".join(lines), "--apply")
    print(f"imported {20_000 / (time.monotonic() - begun):,.0f} accounts a second")
    assert "20000 accounts made" in ended.stdout
    assert len(known(gateway, "--search", "many1234")) == 11


def on_a_terminal(*arguments):
    """Runs a command whose errors go to a terminal, and all else into a file. The status, and what the terminal got."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([program(), *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=theirs) as child:
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the last who could write has gone
                break
            shown += piece
        status = child.wait(60)
    os.close(ours)
    return status, shown.decode()


def test_a_terminal_shows_how_far_a_long_import_is(gateway, tmp_path):
    file = tmp_path / "people.csv"
    lines = [f"watched{number},watched{number}@people.example,,," for number in range(3000)]
    file.write_text("\n".join(["username,email,name,groups,password", *lines, lines[7]]))
    arguments = ("account", "import", file, "--apply", "--config", gateway.file)
    status, shown = on_a_terminal(*arguments)
    bar, problem = shown.split("\r\n")[:2]
    assert status == 1 and bar.endswith("3000 of 3000")
    assert problem == f"{file}:3002: the username `watched7` stands on line 9 already", "it has a line of its own"
    assert not known(gateway, "--search", "watched")

    file.write_text("\n".join(["username,email,name,groups,password", *lines]))
    status, shown = on_a_terminal(*arguments)
    assert status == 0 and shown.endswith("\r\n") and "\n" not in shown[:-2], "one line, written over and over"
    steps = re.findall(r"\r\[(#*)(\.*)\] (\d+) of 3000", shown)
    done = [int(number) for _, _, number in steps]
    assert len(done) > 5 and done == sorted(done) and done[-1] == 3000 and done[0] < 1000
    assert all(len(filled) + len(empty) == 40 for filled, empty, _ in steps)
    assert [len(filled) for filled, _, _ in steps] == [40 * number // 3000 for number in done]
    assert len(known(gateway, "--search", "watched")) == 3000


def test_a_file_that_cannot_be_read_is_one_clear_line(gateway, tmp_path):
    ended = vestibule("account", "import", tmp_path / "nowhere.csv", "--config", gateway.file)
    assert ended.returncode == 1 and "nowhere.csv" in ended.stderr and len(ended.stderr.splitlines()) == 1
