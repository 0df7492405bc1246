"""Programs as child processes: started with a log, ended by their id, awaited by condition and never by time."""

import os
import random
import select
import signal
import socket
import subprocess
import time
from pathlib import Path

HOST = "127.0.0.1"


def eventually(probe, within=15.0, what="the condition"):
    """Asks `probe` until it returns something true, and returns that; an `OSError` counts as "not yet"."""
    end = time.monotonic() + within
    last = None
    while True:
        try:
            found = probe()
            if found:
                return found
            last = found
        except OSError as error:
            last = error
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {within:g} s; last seen: {last!r}")
        select.select([], [], [], 0.02)


def free_port():
    """A port nobody listens on, below the range from which outgoing connections take theirs."""
    while True:
        port = random.randint(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
                return port
            except OSError:
                continue


class Process:
    """One child process. Its output goes to a file, so that a full pipe can never hold it up."""

    def __init__(self, arguments, folder, name, environment=None):
        self.arguments = [str(argument) for argument in arguments]
        self.folder = Path(folder)
        self.log = self.folder / f"{name}.log"
        self.environment = {**os.environ, **(environment or {})}
        self.child = None

    def start(self):
        assert not self.alive(), f"{self.arguments[0]} runs already"
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(
                self.arguments,
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        return self

    @property
    def pid(self):
        return self.child.pid

    def alive(self):
        return self.child is not None and self.child.poll() is None

    def output(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def signal(self, number):
        os.kill(self.pid, number)

    def wait(self, within=15.0):
        """Waits for it to end by itself; gives its exit status."""
        return self.child.wait(within)

    def stop(self, within=15.0):
        """Asks it to end and waits; what does not end in time is killed and fails the test."""
        if not self.alive():
            return self.child.returncode if self.child else None
        self.signal(signal.SIGTERM)
        try:
            return self.child.wait(within)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.arguments[0]} did not stop within {within:g} s of SIGTERM") from None

    def kill(self):
        if self.alive():
            self.child.kill()
            self.child.wait()

    def wait_for_port(self, port, within=20.0, host=HOST):
        def answers():
            assert self.alive(), f"{self.arguments[0]} ended early:\n{self.output()}"
            socket.create_connection((host, port), timeout=1).close()
            return True

        eventually(answers, within, f"{self.arguments[0]} on port {port}")
