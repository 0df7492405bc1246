"""Several Redis servers that stand in for each other: a primary with replicas and sentinels, and a cluster."""

from .process import HOST, Process, eventually, free_port
from .redis import Redis

# How long a server may be silent until the others agree that it is dead, in milliseconds.
DEAD_AFTER = 1000


class BehindSentinels:
    """A primary, two replicas and three sentinels. The first server is the primary at the start."""

    def __init__(self, folder):
        self.servers = [Redis(folder) for _ in range(3)]
        self._sentinels = [_Sentinel(folder, self.servers[0].port) for _ in range(3)]

    @property
    def settings(self):
        return {"sentinel": {"service": "mymaster", "urls": [sentinel.url for sentinel in self._sentinels]}}

    def start(self):
        for server in self.servers:
            server.start()
        for server in self.servers[1:]:
            server.command("REPLICAOF", HOST, str(self.servers[0].port))
        eventually(lambda: self.servers[0].info("replication").count("state=online") == 2, 20, "the replicas follow")
        for sentinel in self._sentinels:
            sentinel.start()
        for sentinel in self._sentinels:
            eventually(lambda: "slaves=2,sentinels=3" in sentinel.info("sentinel"), 30, "the sentinels agree")
        return self

    def primary(self):
        return self.servers[0]

    def replicated(self):
        """Whether the replicas have heard all that the primary has."""
        return _replicated(self.servers[0], 2)

    def stop(self):
        for server in [*self._sentinels, *self.servers]:
            server.stop()


class Cluster:
    """Three primaries with a replica each."""

    def __init__(self, folder):
        def node():
            return Redis(
                folder, "--cluster-enabled", "yes", "--cluster-port", free_port(),
                "--cluster-node-timeout", DEAD_AFTER, "--repl-diskless-sync-delay", 0,
            )

        self.servers = [node() for _ in range(6)]

    @property
    def settings(self):
        return {"cluster": [server.url.removesuffix("/0") for server in self.servers[:2]]}

    def start(self):
        for server in self.servers:
            server.start()
        first = self.servers[0]
        for server in self.servers[1:]:
            bus = str(server.options[3])
            first.command("CLUSTER", "MEET", HOST, str(server.port), bus)
        for server, (start, end) in zip(self.servers, ((0, 5460), (5461, 10922), (10923, 16383))):
            server.command("CLUSTER", "ADDSLOTSRANGE", str(start), str(end))
        self._agree()
        for primary, replica in zip(self.servers[:3], self.servers[3:]):
            replica.command("CLUSTER", "REPLICATE", primary.command("CLUSTER", "MYID"))
        for primary in self.servers[:3]:
            eventually(lambda: "state=online" in primary.info("replication"), 30, "the replicas follow")
        self._agree()
        return self

    def _agree(self):
        for server in self.servers:
            def knows_all():
                said = server.command("CLUSTER", "INFO").decode()
                return "cluster_state:ok" in said and "cluster_known_nodes:6\r" in said

            eventually(knows_all, 30, "the nodes know each other")

    def primary(self):
        """The one of most sessions: any would do."""
        return max(self.servers[:3], key=lambda server: server.command("DBSIZE"))

    def replicated(self):
        return all(_replicated(server, 1) for server in self.servers[:3])

    def stop(self):
        for server in self.servers:
            server.stop()


class _Sentinel(Redis):
    def __init__(self, folder, primary):
        super().__init__(folder)
        self._file = self.folder / "sentinel.conf"
        self._file.write_text(
            f"port {self.port}\nbind {HOST}\ndir {self.folder}\n"
            f"sentinel monitor mymaster {HOST} {primary} 2\n"
            f"sentinel down-after-milliseconds mymaster {DEAD_AFTER}\n"
            "sentinel failover-timeout mymaster 3000\n"
        )

    @property
    def url(self):
        return f"redis://{HOST}:{self.port}"

    def start(self):
        self._process = Process(["redis-server", self._file, "--sentinel"], self.folder, "sentinel").start()
        self._process.wait_for_port(self.port)
        return self


def _replicated(primary, replicas):
    said = primary.info("replication")
    reached = f"offset={_field(said, 'master_repl_offset')},"
    return said.count(reached) == replicas


def _field(said, name):
    return next(line.split(":", 1)[1] for line in said.splitlines() if line.startswith(name + ":"))
