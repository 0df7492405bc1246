"""The people. One password for all of them, so that it is hashed once; an account for each test, so that limits never mix."""

import itertools
import json
from dataclasses import dataclass

PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Account:
    username: str
    email: str
    name: str
    password: str = PASSWORD


class People:
    """Writes `users.yaml` (JSON is YAML) and hands out one account after the other."""

    SPECIAL = {
        "pending": {"approval": "pending"},
        "rejected": {"approval": "rejected"},
        "disabled": {"disabled": True},
        "olga": {"groups": ["ops"]},
        "nobody-special": {"groups": []},
        "alice": {"name": "Alice Example", "email": "alice@example.com", "groups": ["staff"]},
        "zoe": {"name": "Zoë Ångström", "groups": ["ops", "Équipe"]},
    }

    def __init__(self, folder, password_hash, size=300):
        self.file = folder / "users.yaml"
        self.password_hash = password_hash
        self._fresh = itertools.count()
        self.users = {}
        for number in range(size):
            self._add(f"person{number:03}", {"groups": ["staff"]})
        for username, extra in self.SPECIAL.items():
            self._add(username, extra)
        self.write()

    def _add(self, username, extra):
        self.users[username] = {
            "name": username.title(),
            "email": f"{username}@people.example",
            "password": self.password_hash,
            **extra,
        }

    def write(self):
        fresh = self.file.with_suffix(".new")
        fresh.write_text(json.dumps({"users": self.users}, ensure_ascii=False, indent=1))
        fresh.rename(self.file)

    def __getitem__(self, username):
        entry = self.users[username]
        return Account(username, entry["email"], entry["name"])

    def fresh(self):
        return self[f"person{next(self._fresh):03}"]
