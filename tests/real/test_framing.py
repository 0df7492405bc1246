"""Requests whose framing says this and that: whatever the gateway makes of them, the app sees what was answered and no more."""

import itertools
import re

import pytest

from rig.gateway import app
from rig.node import Node

OPEN = [{"policy": "bypass"}]
FRAMINGS = [
    "Content-Length: {length}", "Content-Length: {length}\r\nContent-Length: {length}", "Content-Length: 0{length}",
    "Content-Length: 0", "Content-Length: +{length}", "Content-Length: {length}, {length}", "Content-Length : {length}",
    "Content-Length: 0\r\nContent-Length: {length}", "Content-Length:\r\n {length}", "Content-Length: {length}\nX: y",
    "Content_Length: {length}", "Content-Length: " + "0" * 120 + "{length}", "Content-Length: 0x{length}",
    "Transfer-Encoding: chunked", "Transfer-Encoding: Chunked", "Transfer-Encoding: chunked\r\nContent-Length: {length}",
    "Content-Length: 0\r\nTransfer-Encoding: chunked", "Transfer-Encoding: xchunked\r\nContent-Length: {length}",
    "Transfer-Encoding: identity, chunked", "Transfer-Encoding: chunked, identity", "Transfer-Encoding : chunked",
    "Transfer-Encoding: \x0bchunked", "Transfer-Encoding:\r\n chunked", "X: y\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "transfer_encoding: chunked", "X: y",
    "Connection: Content-Length\r\nContent-Length: {length}", "Connection: close, Transfer-Encoding\r\nTransfer-Encoding: chunked",
    "Upgrade: x\r\nConnection: upgrade\r\nContent-Length: {length}", "Expect: 100-continue\r\nContent-Length: {length}",
    "X: a\rContent-Length: {length}", "X: a\0\r\nContent-Length: {length}", ": x\r\nContent-Length: {length}",
]
HIDDEN = "GET /hidden HTTP/1.1\r\nHost: {host}\r\n\r\n"
BODIES = [
    HIDDEN, "0\r\n\r\n" + HIDDEN, "{size:x}\r\n" + HIDDEN + "\r\n0\r\n\r\n", "{size:x}\n" + HIDDEN + "\r\n0\r\n\r\n",
    "{size:x} \r\n" + HIDDEN + "\r\n0\r\n\r\n", "{size:x};\0\r\n" + HIDDEN + "\r\n0\r\n\r\n", "0\r\nX: y\n\r\n" + HIDDEN,
    "0\n\n" + HIDDEN, "+{size:x}\r\n" + HIDDEN + "\r\n0\r\n\r\n", "{size:x}\r\n" + HIDDEN + "0\r\n\r\n",
]
LAST = "GET /last HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def site(make_gateway, recorder, tmp_path_factory):
    node = Node(tmp_path_factory.mktemp("framing")).start()
    yield make_gateway([app("recorder", recorder.url, access=OPEN), app("node", node.url, access=OPEN)]), node
    node.stop()


@pytest.mark.parametrize("framing", FRAMINGS)
def test_the_app_sees_as_many_requests_as_it_has_answered(site, recorder, framing):
    gateway, node = site
    for name in ("recorder", "node"):
        host = gateway.host(name)
        for method, body in itertools.product(["POST", "GET"], BODIES):
            recorder.reset()
            before = node.served
            hidden = HIDDEN.format(host=host)
            body = body.format(host=host, size=len(hidden))
            head = f"{method} /first HTTP/1.1\r\nHost: {host}\r\n{framing.format(length=len(body))}\r\n\r\n"
            said = gateway.raw((head + body + LAST.format(host=host)).encode("latin-1"), name=name, timeout=5)
            answered, answers = (len(re.findall(status, said)) for status in (rb"HTTP/1\.1 200 ", rb"HTTP/1\.1 [2-5]"))
            if name == "recorder":
                # It counts requests that have come whole.
                fits = answered == len(recorder.requests)
            else:
                # It counts those that have begun: one whose body goes wrong is refused by the gateway.
                fits = answered <= node.served - before <= answers
            assert fits, (name, head, body, said, [request.target for request in recorder.requests])
