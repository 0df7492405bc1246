"""A proxy under test: the processes whose CPU time is its cost, where it listens, how many lines it has logged."""

import os
from dataclasses import dataclass
from pathlib import Path

from rig import wire

from . import cost

_CORES = sorted(os.sched_getaffinity(0))
# The first and the last of those that this process may use: neighbours may share one.
PROXY_CORE, LOAD_CORE = str(_CORES[0]), str(_CORES[-1])


class Wrong(Exception):
    """Something was not answered as it should be, or not counted: there is no figure worth printing."""


@dataclass
class Subject:
    """What is measured, and by what requests."""

    name: str
    # By what they are called in the table; the proxy itself stands first, under "".
    processes: dict
    port: int
    # A word that stands in each line of its access log, and in no other line.
    log: Path
    log_mark: bytes
    # With them it speaks TLS.
    certificates: object = None
    # Whose requests it gets.
    visitors: object = None
    # Vestibule alone: where its numbers are.
    gateway: object = None
    # The class of all its answers. But for 2xx the app sees nothing of them.
    answers: str = "2xx"

    @property
    def host(self):
        """The name that is asked for: the one in the certificate, which is also what Vestibule's app is called by."""
        return f"localhost:{self.port}"

    @property
    def url(self):
        return f"{'https' if self.certificates else 'http'}://{self.host}"

    def connect(self):
        return wire.open_socket(self.port, self.certificates and self.certificates.trust, "localhost")

    def cpu(self):
        """Seconds so far, by process."""
        return {label: cost.cpu_seconds(process.pid) for label, process in self.processes.items()}

    def memory(self):
        return sum(cost.resident(process.pid) for process in self.processes.values())

    def logged(self):
        """Lines in the access log since the last `forget`."""
        count = 0
        with open(self.log, "rb") as lines:
            for line in lines:
                count += self.log_mark in line
        return count

    def forget(self):
        """Empties the log, which every program here opens for appending: a run would fill the disk."""
        if not self.log.exists():
            raise Wrong(f"{self.name} writes no access log")
        os.truncate(self.log, 0)

    def stop(self):
        for process in self.processes.values():
            process.stop()
