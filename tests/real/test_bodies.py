"""Bodies of any size pass through and leave nothing behind; whoever stops, or stops listening, is noticed at the other end."""

import json
import os
import re
import signal
import socket
import subprocess
import threading

import pytest

from rig.curl import curl, curling
from rig.flow import Flow
from rig.gateway import DOMAIN, app
from rig.node import NODE_APP
from rig.process import HOST, eventually
from rig.visitor import Visitor

ADMIT = [{"policy": "two_factor"}]
BOTH = ["--http1.1", "--http2"]
MIB = 1024 * 1024
LARGE = 2048 * MIB
# More than this much is not on its way at any time: in the gateway, and in the buffers of four sockets.
UNDER_WAY = 64 * MIB
GROWTH = 8 * MIB
SOON = 1.0
# How long nothing may move before it has stopped.
STILL = 0.5


@pytest.fixture(scope="module")
def flow():
    server = Flow().start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def site(make_gateway, flow, recorder):
    return make_gateway([app("second", flow.url, access=ADMIT), app("recorder", recorder.url, access=ADMIT)])


@pytest.fixture(scope="module")
def member(site, people, mails):
    person = Visitor(site)
    person.sign_in(people.fresh(), site.url("auth", "/_vestibule/"), mails)
    for name in ("second", "recorder"):
        person.ask(site.url(name, "/1"))
        person.visit(site.url(name, "/1"))
        assert person.session(name), name
    return person


@pytest.fixture(autouse=True)
def _fresh(flow):
    flow.reset()
    yield
    flow.go_on.set()


class Memory:
    """Of a process, in bytes: what it takes now, and the most that it took since `watch`."""

    def __init__(self, pid):
        self.place = f"/proc/{pid}"

    def _value(self, name):
        with open(f"{self.place}/status") as status:
            return int(re.search(rf"{name}:\s+(\d+) kB", status.read()).group(1)) * 1024

    def watch(self):
        with open(f"{self.place}/clear_refs", "w") as peak:
            peak.write("5")
        return self._value("VmRSS")

    def most(self):
        return self._value("VmHWM")


# -- size -------------------------------------------------------------------------------------------------------


@pytest.mark.timeout(300)
@pytest.mark.parametrize("option", BOTH)
def test_gigabytes_go_down_and_up_and_the_gateway_does_not_grow(site, flow, member, option, tmp_path):
    def down(size):
        told = curl(site, "second", f"/{size}", option, "--output", "/dev/null", person=member, within=120)
        assert (told.status, flow.ended) == (200, "whole")

    def up(size):
        file = tmp_path / "zeros"
        with open(file, "wb") as made:
            made.truncate(size)
        flow.moved = 0
        told = curl(site, "second", "/", option, "--upload-file", file, person=member, within=120)
        assert told.body == b"%d" % size

    memory = Memory(site.pid)
    for way in (down, up):
        # What is kept for the next connection is there after the first.
        way(64 * MIB)
        before = memory.watch()
        way(LARGE)
        growth = memory.most() - before
        assert growth < GROWTH, f"{growth / MIB:.1f} MiB more to carry {LARGE / MIB:.0f} MiB"


# -- back-pressure ----------------------------------------------------------------------------------------------


def stands_still(read):
    """Waits until what `read` counts has moved and then stopped; gives its last value."""
    seen = []

    def still():
        seen.append(read())
        # As many looks as are between two that far apart.
        looks = int(STILL / 0.02)
        return len(seen) > looks and seen[-1] > 0 and seen[-1] == seen[-looks]

    eventually(still, 20, "nothing to move any more")
    return seen[-1]


@pytest.mark.parametrize("option", BOTH)
def test_a_visitor_who_does_not_read_holds_the_app_up(site, flow, member, option):
    before = Memory(site.pid).watch()
    with curling(site, "second", f"/{512 * MIB}", option, "--output", "/dev/null", person=member) as reader:
        eventually(lambda: flow.moved > 0, 10, "the first bytes")
        reader.send_signal(signal.SIGSTOP)
        assert stands_still(lambda: flow.moved) < 512 * MIB
        held = flow.moved
        reader.send_signal(signal.SIGCONT)
        assert reader.wait(60) == 0
    assert flow.moved == 512 * MIB and held < flow.moved
    assert Memory(site.pid).most() - before < 2 * GROWTH


@pytest.mark.parametrize("option", BOTH)
def test_an_app_that_does_not_read_holds_the_visitor_up(site, flow, member, option):
    memory = Memory(site.pid)
    before = memory.watch()
    given = [0]
    flow.hold()

    def give(pipe, total):
        block = bytes(MIB)
        while given[0] < total:
            given[0] += os.write(pipe, block[: total - given[0]])
        os.close(pipe)

    ours, theirs = os.pipe()[::-1]
    with curling(site, "second", "/", option, "--upload-file", "-", person=member, stdin=theirs) as writer:
        os.close(theirs)
        giving = threading.Thread(target=give, args=(ours, 256 * MIB))
        giving.start()
        assert stands_still(lambda: given[0]) < UNDER_WAY
        flow.go_on.set()
        assert writer.wait(60) == 0
        giving.join()
    assert flow.moved == 256 * MIB
    assert memory.most() - before < 2 * GROWTH


# -- at once ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", BOTH)
def test_an_event_arrives_while_the_app_holds_the_answer_open(site, member, recorder, option):
    go_on = threading.Event()

    def events(request, connected):
        connected.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"d\r\ndata: first\n\n\r\n"
        )
        go_on.wait(20)
        connected.sendall(b"e\r\ndata: second\n\n\r\n0\r\n\r\n")

    recorder.answering(events)
    with curling(site, "recorder", "/", option, person=member) as reader:
        assert reader.stdout.readline() == b"data: first\n"
        go_on.set()
        assert reader.stdout.read() == b"\ndata: second\n\n"
        assert reader.wait(10) == 0


# -- who stops --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["down", "up"])
@pytest.mark.parametrize("option", BOTH)
def test_a_visitor_who_leaves_ends_the_exchange_at_the_app(site, flow, member, option, way):
    ours, theirs = os.pipe()[::-1]
    path, options = ("/10000000000", []) if way == "down" else ("/", ["--upload-file", "-"])
    more = ["--output", "/dev/null", option, *options]
    with curling(site, "second", path, *more, person=member, stdin=theirs) as visitor:
        if way == "up":
            os.write(ours, bytes(65536))
        eventually(lambda: flow.moved > 0, 10, "the first bytes")
        visitor.kill()
        assert flow.over.wait(SOON), "the app goes on for nobody"
    os.close(ours)
    os.close(theirs)
    assert flow.ended == "broken"


@pytest.mark.parametrize("way", ["down", "up"])
def test_a_request_that_is_given_up_ends_at_the_app_and_its_connection_goes_on(site, flow, member, way):
    headers = json.dumps({"cookie": member.cookie_header(site.url("second"))[0][1]})
    visitor = subprocess.Popen(
        ["node", NODE_APP.parent / "leave.mjs", str(site.port), f"second.{DOMAIN}", site.certificates.authority, way, headers],
        stdout=subprocess.PIPE,
    )
    with visitor:
        assert visitor.stdout.readline() == b"left\n"
        assert flow.over.wait(SOON), "the app goes on for nobody"
        assert visitor.stdout.read() == b"200\n"
        assert visitor.wait(10) == 0


BREAKS = {
    "within its length": b"Content-Length: 100\r\n\r\nhalf",
    "without a last chunk": b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    "within a chunk": b"Transfer-Encoding: chunked\r\n\r\n64\r\nhalf",
}


@pytest.mark.parametrize("by_reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("answer", BREAKS.values(), ids=BREAKS.keys())
@pytest.mark.parametrize(("option", "ends"), [("--http1.0", 56), ("--http1.1", 18), ("--http2", 92)])
def test_an_answer_that_breaks_off_is_never_a_whole_one(site, member, recorder, option, ends, answer, by_reset):
    go_on = threading.Event()

    def breaks(request, connected):
        connected.sendall(b"HTTP/1.1 200 OK\r\n" + answer)
        if by_reset:
            # A reset overtakes what was not read yet.
            go_on.wait(10)
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connected.close()

    recorder.answering(breaks)
    with curling(site, "recorder", "/", option, person=member) as reader:
        assert reader.stdout.read(4) == b"half"
        go_on.set()
        assert reader.stdout.read() == b""
        # 56: the connection broke, which is all that HTTP/1.0 has; 18: a partial file; 92: an HTTP/2 stream that was not closed cleanly.
        assert reader.wait(10) == (18 if option == "--http1.0" and answer.startswith(b"Content-Length") else ends)
