"""The app: an nginx on the load's core that answers 1 KiB, and 500 to whoever is not the person in the address."""

import re

from rig import wire
from rig.process import HOST, free_port

from .peers import start_nginx

BODY = "x" * 1024


class Upstream:
    def __init__(self, home, core):
        self.home = home
        self.checked, self.unchecked, self._status = free_port(), free_port(), free_port()
        self._asked = 0
        self.process = start_nginx(
            home, "upstream.conf", core,
            port=self.checked, checked=self.checked, unchecked=self.unchecked, status=self._status, body=BODY,
        )

    @property
    def url(self):
        return f"http://{HOST}:{self.checked}"

    def requests(self):
        """How many have arrived so far; those of this very question are left out."""
        said = wire.exchange(f"http://{HOST}:{self._status}/").text
        self._asked += 1
        return int(re.search(r"requests\s+\d+ \d+ (\d+)", said).group(1)) - self._asked

    def stop(self):
        self.process.stop()
