"""How the gateway starts and stops."""

import json
import re
import signal
import socket
import threading
import time

import pytest

from rig import wire
from rig.browser import VERIFY
from rig.gateway import DOMAIN, PROJECT, app, program
from rig.process import HOST, Process, eventually
from rig.visitor import Visitor

ADMIT = [{"policy": "two_factor"}]


def test_a_port_in_use_is_one_clear_line_and_exit_1(make_gateway, recorder):
    gateway = make_gateway([app("recorder", recorder.url)], start=False)
    with socket.create_server((HOST, gateway.port)):
        process = Process([program(), "serve", "--config", gateway.file], gateway.folder, "second").start()
        assert process.wait(20) == 1
    said = [line for line in process.output().splitlines() if str(gateway.port) in line]
    assert len(said) == 1 and "in use" in said[0], process.output()


def test_a_second_gateway_on_the_same_port_ends_too(gateway):
    process = Process([program(), "serve", "--config", gateway.file], gateway.folder, "second").start()
    assert process.wait(20) == 1
    assert gateway.health("/healthz").status == 200


def test_a_unix_socket_can_be_listened_on(make_gateway, recorder):
    gateway = make_gateway([app("recorder", recorder.url)], start=False)
    place = gateway.folder / "gateway.sock"
    gateway.settings["listen"].append({"address": f"unix:{place}"})
    gateway.write()
    for _ in range(2):  # a socket left over from the last run is no hindrance
        gateway.start()
        with socket.socket(socket.AF_UNIX) as connected:
            connected.connect(str(place))
            connected.sendall(f"GET /x HTTP/1.1\r\nHost: {gateway.host('recorder')}\r\nConnection: close\r\n\r\n".encode())
            assert wire.status_of(wire.read_to_end(connected)) == 308
        gateway.kill()


def test_a_broken_configuration_is_not_served(make_gateway, recorder):
    gateway = make_gateway([app("recorder", recorder.url)], start=False)
    gateway.settings["apps"][0]["upstrem"] = "x"
    gateway.write()
    process = Process([program(), "serve", "--config", gateway.file], gateway.folder, "broken").start()
    assert process.wait(20) == 2
    assert "upstrem" in process.output()


def test_the_embedded_state_is_for_its_owner_alone(gateway):
    folder = gateway.folder / "data"
    assert folder.stat().st_mode & 0o077 == 0
    assert all(file.stat().st_mode & 0o077 == 0 for file in folder.iterdir())


def test_sigterm_lets_a_request_finish_and_takes_no_new_one(make_gateway, recorder):
    gateway = make_gateway([app("recorder", recorder.url, access=[{"policy": "bypass"}])])
    answer_now = threading.Event()

    def slow(request, connected):
        answer_now.wait(20)
        return recorder.ORDINARY

    recorder.answering(slow)
    with wire.open_socket(gateway.port, gateway.trust, f"recorder.{DOMAIN}") as connected:
        connected.sendall(f"GET / HTTP/1.1\r\nHost: {gateway.host('recorder')}\r\n\r\n".encode())
        recorder.wait_for(1)
        gateway.signal(signal.SIGTERM)

        def refuses():
            try:
                socket.create_connection((HOST, gateway.port), 1).close()
            except ConnectionRefusedError:
                return True

        eventually(refuses, 5, "no new connections")
        answer_now.set()
        assert connected.recv(4096).startswith(b"HTTP/1.1 200")
    assert gateway.wait() == 0


def test_a_second_signal_ends_it_at_once(make_gateway, recorder):
    gateway = make_gateway([app("recorder", recorder.url, access=[{"policy": "bypass"}])])
    recorder.answering(lambda request, connected: None if connected.recv(1) else None)
    with wire.open_socket(gateway.port, gateway.trust, f"recorder.{DOMAIN}") as connected:
        connected.sendall(f"GET / HTTP/1.1\r\nHost: {gateway.host('recorder')}\r\n\r\n".encode())
        recorder.wait_for(1)
        gateway.signal(signal.SIGTERM)
        eventually(lambda: not _accepts(gateway.port), 5, "no new connections")
        gateway.signal(signal.SIGTERM)
        before = time.monotonic()
        gateway.wait(5)
        assert time.monotonic() - before < 3


def _accepts(port):
    try:
        socket.create_connection((HOST, port), 1).close()
        return True
    except ConnectionRefusedError:
        return False


def test_the_log_can_be_read_by_machines(make_gateway, recorder, account, mails):
    gateway = make_gateway([app("recorder", recorder.url, access=ADMIT)], log={"format": "json"})
    answer = Visitor(gateway).sign_in(account, gateway.url("recorder", "/page"), mails)
    eventually(lambda: answer.header("x-request-id") in gateway.output(), 10, "the request's line")
    lines = [json.loads(line) for line in gateway.output().splitlines()]
    (line,) = [line for line in lines if answer.header("x-request-id") in str(line) and "200" in str(line)]
    assert account.username in str(line) and "/page" in str(line)


def test_a_user_file_that_changes_is_seen(make_gateway, recorder, tmp_path, password_hash, mails):
    from rig.accounts import People

    folder = tmp_path / "people"
    folder.mkdir()
    own = People(folder, password_hash, size=1)
    gateway = make_gateway([app("recorder", recorder.url, access=ADMIT)], accounts=[{"file": str(own.file)}])
    person = Visitor(gateway)
    assert person.sign_in(own["person000"], gateway.url("recorder"), mails).status == 200
    own.users["person000"]["disabled"] = True
    own.write()
    eventually(lambda: not person.is_signed_in("recorder"), 15, "the end of a disabled account's session")
    refused = Visitor(gateway).enter_password(own["person000"], gateway.url("recorder"))
    assert "Your account has been disabled." in refused.page.words


def test_a_certificate_that_changes_is_shown_without_a_restart(make_gateway, recorder, tmp_path, certificates):
    from rig.gateway import PORTAL, Certificates

    folder = tmp_path / "own"
    folder.mkdir()
    names = [PORTAL, f"recorder.{DOMAIN}"]
    first = Certificates(folder, *names)
    gateway = make_gateway(
        [app("recorder", recorder.url)],
        tls={"certificates": [{"certificate": str(first.certificate), "key": str(first.key)}]},
    )

    def shown():
        with wire.open_socket(gateway.port, wire.trust(first.authority), names[1]) as connected:
            return connected.getpeercert(binary_form=True)

    before = shown()
    later = tmp_path / "later"
    later.mkdir()
    second = Certificates(later, *names)
    first.certificate.write_bytes(second.certificate.read_bytes())
    first.key.write_bytes(second.key.read_bytes())
    first.authority.write_bytes(second.authority.read_bytes())
    eventually(lambda: shown() != before, 20, "the new certificate")


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory):
    """The configuration of the README's first command, on the ports it names."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, 8080))
        except OSError:
            pytest.fail("port 8080, which the quick start listens on, is taken on this machine")
    folder = tmp_path_factory.mktemp("quickstart")
    (folder / "config").symlink_to(PROJECT / "config")
    process = Process([program(), "serve", "--config", "config/quickstart.yaml"], folder, "quickstart").start()
    process.wait_for_port(8080)
    yield process
    process.stop()


def test_the_readmes_first_command_lets_one_in(quickstart, chromium):
    with chromium.person() as person:
        page = person.page
        page.goto("http://whoami.localhost:8080/")
        assert page.url.startswith("http://localhost:8080/_vestibule/login")
        person.enter_password("demo", "correct horse battery")
        page.wait_for_url(VERIFY)
        code = eventually(lambda: re.search(r"Your sign-in code is (\d{6})", quickstart.output()), 10, "the code")
        person.enter_code(code.group(1))
        page.wait_for_url("http://whoami.localhost:8080/")
        assert "demo" in page.inner_text("body")
