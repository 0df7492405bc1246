"""The accounts database behind a gateway: SQLite in its folder, or a PostgreSQL of our own; both take statements past it."""

import os
import pwd
import shutil
import signal
import sqlite3
import subprocess
from pathlib import Path
from urllib.parse import quote

from .process import eventually


class Sqlite:
    """`setting` goes into the configuration; the file is there once the gateway has started."""

    setting = "sqlite"

    def __init__(self):
        self.file = None

    def behind(self, gateway):
        self.file = gateway.folder / "data" / "accounts.db"
        return self

    def ask(self, statement):
        with sqlite3.connect(self.file, timeout=10) as database:
            return database.execute(statement).fetchall()

    def script(self, statements):
        with sqlite3.connect(self.file, timeout=60) as database:
            database.executescript("BEGIN;" + statements + "COMMIT;")

    def stop(self):
        pass


class Postgres:
    """A server in a folder of its own, reached over a socket there. It refuses to run as root, and is then run as the user
    `postgres`, who comes with the package."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self._process = None
        self._other = {}
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            self._other = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            for parent in self.folder.parents:
                if not parent.stat().st_mode & 1:
                    parent.chmod(parent.stat().st_mode | 0o011)

    @property
    def setting(self):
        return f"postgres://vestibule@{quote(str(self.folder), safe='')}/postgres"

    def behind(self, _gateway):
        return self

    def start(self):
        """Also after it was stopped or killed, with what it had."""
        data = self.folder / "data"
        if not data.exists():
            self._run(
                "initdb", "--auth=trust", "--username=vestibule", "--encoding=UTF8", "--no-locale", "--no-sync", "-D", data
            )
        arguments = [
            program("postgres"), "-D", data, "-c", "listen_addresses=", "-c", "fsync=off",
            "-c", f"unix_socket_directories={self.folder}",
        ]

        def answers():
            # While there are still some of a killed one's processes, it refuses to start.
            if self._process is None or self._process.poll() is not None:
                self._process = subprocess.Popen(
                    arguments, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self._other
                )
            return self._psql("SELECT 1").returncode == 0

        eventually(answers, 30, "PostgreSQL")
        return self

    def ask(self, statement):
        asked = self._psql(statement)
        assert asked.returncode == 0, asked.stderr
        return [tuple(line.split("\t")) for line in asked.stdout.splitlines()]

    def script(self, statements):
        self.ask("BEGIN;" + statements + "COMMIT;")

    def stop(self):
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(20)

    def kill(self):
        """Ends it as a power failure would; the parent takes its children with it."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(20)

    def freeze(self):
        """Nothing is refused and nothing answered. The parent first: it makes no more children then."""
        self._process.send_signal(signal.SIGSTOP)
        for child in self._children():
            os.kill(child, signal.SIGSTOP)

    def thaw(self):
        for process in (*self._children(), self._process.pid):
            os.kill(process, signal.SIGCONT)

    def _children(self):
        """Each serves a connection, or looks after the files."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                name_and_rest = stat.read_text()
            except OSError:
                continue
            if int(name_and_rest.rpartition(")")[2].split()[1]) == self._process.pid:
                found.append(int(stat.parent.name))
        assert found, "PostgreSQL always has children"
        return found

    def _psql(self, statement):
        return subprocess.run(
            [program("psql"), "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-U", "vestibule",
             "-d", "postgres"],
            input=statement, capture_output=True, text=True, timeout=120,
        )

    def _run(self, name, *arguments):
        done = subprocess.run(
            [program(name), *arguments], cwd=self.folder, capture_output=True, text=True, timeout=120, **self._other
        )
        assert done.returncode == 0, done.stderr


def program(name):
    """Debian keeps the programs apart by version; others have them in the path."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    path = found[-1] if found else shutil.which(name)
    assert path, f"{name} is missing: PostgreSQL is part of the tests"
    return path
