#!/usr/bin/env python3
"""How long an administrator waits with 100,000 accounts and 300,000 lines in the trail, on SQLite and on PostgreSQL, and how
fast as many more are imported.

    target/venv/bin/python tests/bench/accounts.py [--accounts 100000] [--rounds 30]

Asks the pages over TLS, a connection each (some 3 ms of it), and prints medians and the worst in milliseconds. The imported
have a password each, and stand in a CSV file; the time is the whole command's, from its start to its end. The program
is VESTIBULE_BIN, else target/release/vestibule. Loopback only; everything is in a temporary folder.
"""

import argparse
import os
import re
import statistics
import sys
import tempfile
import time
from email import message_from_bytes, policy
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "tests" / "real"))
os.environ.setdefault("VESTIBULE_BIN", str(PROJECT / "target" / "release" / "vestibule"))

from rig.accounts import PASSWORD, Account, People  # noqa: E402
from rig.database import Postgres, Sqlite  # noqa: E402
from rig.gateway import PORTAL, Certificates, Gateway, app, vestibule  # noqa: E402
from rig.process import eventually  # noqa: E402
from rig.visitor import Visitor  # noqa: E402


class Outbox:
    """The mails in a folder."""

    def __init__(self, folder):
        self.folder = folder

    def to(self, address):
        found = sorted(self.folder.glob("*.eml"), key=lambda file: file.stat().st_mtime_ns)
        mails = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in found]
        return [mail for mail in mails if address in mail["to"]]

    def code_for(self, address, number):
        eventually(lambda: len(self.to(address)) >= number, 15, "the mail")
        text = self.to(address)[number - 1].get_body(("plain",)).get_content()
        return re.search(r"code is (\d+)", text).group(1)


def fill(database, accounts):
    """Accounts as registration would leave them, every twentieth waiting, and three lines in the trail for each."""
    for start in range(0, accounts, 5000):
        rows, lines = [], []
        for number in range(start, min(start + 5000, accounts)):
            name, approval = f"person{number:06}", "pending" if number % 20 == 0 else "approved"
            email, group = f"{name}@people.example", f"team{number % 50}"
            rows.append(
                f"('{number:032x}', '{name}', '{email}', '{email}', 'Person Number {number}', ',staff,{group},', '{{}}', "
                f"'{approval}', FALSE, '{number:016x}', {number}, 1, '{name}\n{email}\nperson number {number}')"
            )
            lines.extend(
                f"({1_700_000_000_000 + number}, '{event}', NULL, 'database:{number:032x}', '10.0.0.1', 'r{number}', NULL)"
                for event in ("registered", "signed_in", "signed_in")
            )
        database.script(
            "INSERT INTO accounts (id, username, email, email_canonical, name, member_of, attributes, approval, disabled, "
            f"credential, created, revision, search) VALUES {','.join(rows)};"
            f"INSERT INTO trail (at, event, by_whom, account, address, request_id, detail) VALUES {','.join(lines)};"
        )


def pages(accounts):
    last, some = accounts - 1, accounts * 7 // 10 + 1
    return [
        ("queue", "admin"),
        ("list, first page", "admin/accounts"),
        ("list, middle", f"admin/accounts?after=person{accounts // 2:06}"),
        ("list, one group", "admin/accounts?group=team7"),
        ("search, by its name", f"admin/accounts?search=person{some:06}"),
        ("search, last of all", f"admin/accounts?search=number%20{last}"),
        ("search, many hits", "admin/accounts?search=person"),
        ("search, no hit", "admin/accounts?search=nobody-at-all"),
        ("open one account", f"admin/account?id=database:{some:032x}"),
        ("trail, newest", "admin/trail"),
        ("trail of one account", f"admin/trail?account=person{some:06}"),
        ("trail, a rare event", "admin/trail?event=account_added"),
    ]


def measure(gateway, visitor, path, rounds):
    url = gateway.url("auth", f"/_vestibule/{path}")
    headers = [("Accept", "text/html"), ("Sec-Fetch-Mode", "navigate"), *visitor.cookie_header(url)]
    took = []
    for _ in range(rounds + 2):
        start = time.perf_counter()
        answer = gateway.ask(url, "GET", headers)
        took.append((time.perf_counter() - start) * 1000)
        assert answer.status == 200, f"{url}: {answer.status}"
    return sorted(took[2:])


def import_them(kind, gateway, hashed, work, accounts):
    file = work / "people.csv"
    lines = [f'import{number:06},import{number:06}@people.example,Import {number},"staff,team{number % 50}","{hashed}"'
             for number in range(accounts)]
    file.write_text("\n".join(["username,email,name,groups,password", *lines]))
    for name, *apply in (("dry run",), ("import", "--apply")):
        start = time.perf_counter()
        ended = vestibule("account", "import", file, *apply, "--config", gateway.file, within=600)
        took = time.perf_counter() - start
        assert ended.returncode == 0 and f"{accounts} accounts" in ended.stdout, ended.stderr[-2000:]
        print(f"{kind:9} {name:22} {took:7.1f} s   {accounts / took:10,.0f} accounts a second")


def run(kind, folder, options):
    database = Sqlite() if kind == "sqlite" else Postgres(Path(tempfile.mkdtemp(dir=folder))).start()
    work = Path(tempfile.mkdtemp(dir=folder))
    hashed = vestibule("hash-password", entering=PASSWORD + "\n").stdout.strip()
    people = People(work, hashed, size=1)
    outbox = work / "outbox"
    gateway = Gateway(
        work, Certificates(work, PORTAL, "app.vestibule.test"), people, [app("app", "whoami:")],
        {"from": "Bench <bench@example.com>", "outbox": str(outbox)},
        accounts=[{"file": str(people.file)}, {"database": database.setting}], admins=["admins"],
    ).start()
    try:
        database.behind(gateway)
        admin = Account("ada", "ada@people.example", "Ada")
        vestibule("account", "add", "ada", "--email", admin.email, "--groups", "admins", "--password-stdin",
                  "--config", gateway.file, entering=PASSWORD + "\n")
        start = time.perf_counter()
        fill(database, options.accounts)
        if kind == "postgres":
            database.ask("ANALYZE")  # as its autovacuum would within a minute
        print(f"{kind}: filled with {options.accounts:,} accounts in {time.perf_counter() - start:.0f} s")
        visitor = Visitor(gateway)
        visitor.sign_in(admin, gateway.url("auth", "/_vestibule/admin"), Outbox(outbox))
        for name, path in pages(options.accounts):
            took = measure(gateway, visitor, path, options.rounds)
            print(f"{kind:9} {name:22} median {statistics.median(took):7.1f} ms   worst {took[-1]:7.1f} ms", flush=True)
        import_them(kind, gateway, hashed, work, options.accounts)
    finally:
        gateway.stop()
        database.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        for kind in ("sqlite", "postgres"):
            run(kind, folder, options)


if __name__ == "__main__":
    main()
