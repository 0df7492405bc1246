"""JupyterLab in a browser: its WebSockets, its polling, its large uploads, and what is left when the visitor signs out."""

import hashlib
import re

import pytest

from rig.browser import LOGIN
from rig.gateway import app
from rig.jupyter import Jupyter
from rig.process import eventually

ADMIT = [{"policy": "two_factor"}]
KERNEL = re.compile(r"/api/kernels/[^/]+/channels")
SIZE = 30 * 1024 * 1024
# The contract's five seconds.
CUT = 5_000
DIGEST = """async (path) => {
    const answer = await fetch(path);
    const digest = await crypto.subtle.digest("SHA-256", await answer.arrayBuffer());
    return [answer.status, Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("")];
}"""


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory):
    server = Jupyter(tmp_path_factory.mktemp("jupyter")).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def site(make_gateway, jupyter):
    return make_gateway([app("jupyter", jupyter.url, access=ADMIT)])


class Traffic:
    """What a page of JupyterLab asks for: answers that are failures, and its WebSockets."""

    def __init__(self, page):
        self.failures, self.sockets, self.polls = [], [], 0
        page.on("response", self._note)
        page.on("websocket", self._meet)

    def _meet(self, socket):
        self.sockets.append(socket)

    def _note(self, response):
        self.polls += "/api/kernels" in response.url or "/api/sessions" in response.url
        if response.status >= 400:
            self.failures.append(f"{response.status} {response.request.method} {response.url}")

    def kernel(self):
        """The channel to the kernel."""
        found = [socket for socket in self.sockets if KERNEL.search(socket.url)]
        assert found, [socket.url for socket in self.sockets]
        return found[-1]


def run(page, code, shows):
    """Types into the notebook's last cell, runs it, and awaits what it prints."""
    page.locator(".jp-Notebook .jp-Cell .cm-content").last.click()
    page.keyboard.type(code)
    page.keyboard.press("Shift+Enter")
    page.locator(".jp-OutputArea-output", has_text=shows).wait_for()


def test_a_notebook_runs_and_a_large_file_goes_up_and_the_sign_out_ends_it(site, jupyter, chromium, account, mails, tmp_path):
    large = tmp_path / "large.bin"
    large.write_bytes(bytes(range(256)) * (SIZE // 256 - 1) + b"x" * 256)
    digest = hashlib.sha256(large.read_bytes()).hexdigest()
    with chromium.person() as person:
        page = person.page
        # It is a large program, and starts another.
        page.set_default_timeout(30_000)
        traffic = Traffic(page)
        person.sign_in(account, mails, site.url("jupyter", "/lab/tree/first.ipynb"))

        # The kernel talks over a WebSocket: what it prints, while it runs, and what it is asked in between.
        page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
        run(page, "6 * 7", shows="42")
        run(page, "print('one'); answer = input('And then? '); print('it was ' + answer)", shows="one")
        page.locator(".jp-Stdin-input").fill("two")
        page.locator(".jp-Stdin-input").press("Enter")
        page.locator(".jp-OutputArea-output", has_text="it was two").wait_for()
        kernel = traffic.kernel()
        assert not kernel.is_closed()

        # Uploaded by JupyterLab itself, in pieces; downloaded in one.
        with page.expect_file_chooser() as chooser:
            page.get_by_title(re.compile("^Upload Files")).click()
        chooser.value.set_files(large)
        page.get_by_role("dialog").get_by_role("button", name="Upload").click()
        page.locator(".jp-DirListing-item", has_text="large.bin").wait_for()
        arrived = jupyter.files / "large.bin"
        eventually(lambda: arrived.stat().st_size == SIZE, 30, "the whole file")
        assert hashlib.sha256(arrived.read_bytes()).hexdigest() == digest
        assert page.evaluate(DIGEST, "/files/large.bin") == [200, digest]
        assert traffic.polls and not traffic.failures

        # Signed out in another tab: the channel to the kernel ends, and so does everything else.
        other = page.context.new_page()
        other.goto(site.url("auth", "/_vestibule/logout"))
        with kernel.expect_event("close", timeout=CUT):
            other.locator("form[action*='/_vestibule/logout'] button").click()
        other.wait_for_url(LOGIN)
        page.reload()
        page.wait_for_url(LOGIN)
    assert "Traceback" not in jupyter.output(), jupyter.output()
