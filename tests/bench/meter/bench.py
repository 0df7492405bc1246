"""What a scenario works with: it starts proxies, tells figures, and ends with the scenario whatever was started."""

import tempfile
from pathlib import Path

from rig.gateway import Certificates
from rig.process import HOST, Process, free_port

from . import table
from .gateway import Gateway
from .peers import pinned
from .subject import LOAD_CORE, PROXY_CORE
from .upstream import Upstream
from .visitors import PEOPLE, Visitors, usernames


class Bench:
    """`binaries`: builds of ours by name; `seconds` of a round, `rounds` of each proxy."""

    def __init__(self, folder, stack, binaries, seconds, rounds):
        self.folder = folder
        self.binaries = binaries
        self.seconds = seconds
        self.rounds = rounds
        self.figures = {}
        self._stack = stack

    # -- what runs ----------------------------------------------------------------------------------------------

    def upstream(self, core=LOAD_CORE):
        return self.started(Upstream(self.home("upstream"), core))

    def peer(self, make, app, certificates=None, visitors=None, **more):
        """`make` is one of `peers`; it gets the requests of these visitors."""
        subject = self.started(make(self.home(make.__name__), app, certificates, **more))
        subject.visitors = visitors
        return subject

    def gateway(self, build, app, people=PEOPLE, certificates=None, **more):
        """One gateway of this build, where nobody has signed in yet."""
        made = Gateway(self.home(build), self.binaries[build], app, usernames(people), certificates, **more)
        return self.started(made)

    def gateways(self, app, people=PEOPLE, certificates=None, suffix=None, redis=None, **more):
        """A gateway of each build with its people signed in, as subjects."""
        subjects = []
        for build in self.binaries:
            if redis:
                # Nothing is shared: to one build the people of another would be known.
                more["store"] = {"redis": {"url": redis, "prefix": f"{build}:"}}
            gateway = self.gateway(build, app, people, certificates, **more)
            visitors = Visitors.signed_in(gateway, usernames(people))
            subjects.append(gateway.subject(self.named(build, suffix), visitors))
        return subjects

    def named(self, build, suffix):
        return f"{build}, {suffix}" if suffix else build

    def redis(self):
        """Keeps nothing on disk. It runs on the proxy's core: it is a part of what a session costs."""
        home, port = self.home("redis"), free_port()
        command = ["redis-server", "--bind", HOST, "--port", port, "--dir", home, "--save", "", "--appendonly", "no"]
        process = Process(pinned(PROXY_CORE, *command), home, "redis").start()
        process.wait_for_port(port)
        return self.started(process), f"redis://{HOST}:{port}/0"

    def certificates(self):
        """ECDSA P-256, for `localhost`, from an authority of their own."""
        return Certificates(self.home("certificates"), "localhost")

    def home(self, name):
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder))

    def requests_file(self, subject):
        """What wrk sends, in the form that requests.lua reads."""
        target = self.home("requests") / "requests"
        target.write_bytes(b"\0".join(subject.visitors.requests(subject.host)))
        return target

    def started(self, started):
        """Whatever has a `stop`."""
        self._stack.callback(started.stop)
        return started

    # -- what is told -------------------------------------------------------------------------------------------

    def report(self, results, ours, heading=None, **units):
        """Prints the table, and keeps every round for --json."""
        self.keep({name: [vars(round) for round in rounds] for name, rounds in results.items()}, heading)
        if heading:
            self.say(f"-- {heading}")
        self.say(*table.costs(results, [subject.name for subject in ours], **units))

    def keep(self, figures, heading=None):
        if heading:
            self.figures[heading] = figures
        else:
            self.figures.update(figures)

    def say(self, *lines):
        print("\n".join(lines), flush=True)
