"""HAProxy in front of the gateway: passes TCP through, and says by the PROXY protocol whose connection it is."""

from .process import HOST, Process, free_port

CONFIGURATION = """\
global
  maxconn 200
defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
listen gateway
  bind {host}:{port}
  # Its own checks begin with a header that names nobody.
  server gateway {host}:{to} {words} check inter 200ms
"""


class Haproxy:
    """`words` are those of its `server` line: how it says it."""

    def __init__(self, folder, to, words):
        self.port = free_port()
        settings = folder / "haproxy.cfg"
        settings.write_text(CONFIGURATION.format(host=HOST, port=self.port, to=to, words=words))
        self._process = Process(["/usr/sbin/haproxy", "-db", "-f", settings], folder, "haproxy")

    def start(self):
        self._process.start()
        self._process.wait_for_port(self.port)
        return self

    def output(self):
        return self._process.output()

    def stop(self):
        self._process.stop()
