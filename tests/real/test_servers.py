"""Several servers of Node behind one app: one dies, all die, they come back; and names whose addresses change."""

import json
import subprocess
import time

import pytest

from rig.gateway import app
from rig.names import Names
from rig.node import Node
from rig.process import HOST, eventually, free_port
from rig.visitor import NAVIGATION, Visitor

ADMIT = [{"policy": "two_factor"}]
ALL = [{"policy": "bypass"}]
REQUESTS = 6000
AT_ONCE = 1.0
CHECKS = {"path": "/healthz", "interval": "1s", "timeout": "2s", "unhealthy_after": 2, "healthy_after": 1}


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    servers = [Node(tmp_path_factory.mktemp(name), name).start() for name in ("one", "other")]
    yield servers
    for server in servers:
        server.stop()


@pytest.fixture(autouse=True)
def _all_well(request):
    """Each test finds both servers as they were."""
    if "pair" not in request.fixturenames:
        return
    for server in request.getfixturevalue("pair"):
        try:
            server.ask("/recover")
        except ConnectionRefusedError:
            server.start()


@pytest.fixture(scope="module")
def site(make_gateway, pair):
    def balanced(how, **more):
        return {"servers": [server.url for server in pair], "balance": how, **more}

    return make_gateway(
        [
            app("node", balanced("least_requests"), access=ALL),
            app("second", balanced("round_robin"), access=ALL),
            app("recorder", balanced("sticky"), access=ADMIT),
            app("secure", balanced("round_robin", health=CHECKS), access=ALL),
        ]
    )


def who_answers(site, name, person=None):
    """The process that answered, through the gateway."""
    url = site.url(name, "/said")
    answer = person.fetch(url) if person else site.ask(url)
    assert answer.status == 200, f"{answer.status} {answer.text[:200]}"
    return answer.json["pid"]


@pytest.mark.parametrize("name", ["node", "second"], ids=["least requests", "in turn"])
def test_a_server_that_is_killed_under_load_costs_nobody_an_answer(site, pair, name):
    victim, survivor = pair
    before, survived = victim.served, survivor.served
    load = subprocess.Popen(
        ["h2load", f"--requests={REQUESTS}", "--clients=4", "--max-concurrent-streams=8", f"--connect-to={HOST}:{site.port}",
         site.url(name, "/said")],
        stdout=subprocess.PIPE, text=True,
    )
    with load:
        eventually(lambda: victim.served >= before + REQUESTS // 20, 20, "its share of the requests")
        victim.kill()
        assert load.poll() is None, "it was to be killed midway"
        said = load.stdout.read()
    assert f"{REQUESTS} succeeded, 0 failed, 0 errored, 0 timeout" in said, said
    assert f"status codes: {REQUESTS} 2xx" in said, said
    assert survivor.served - survived > REQUESTS // 2
    # Back where it was, it is tried again after a pause.
    victim.start()
    eventually(lambda: who_answers(site, name) == victim.pid, 20, "an answer of the one that came back")


def test_a_session_stays_with_its_server_as_long_as_that_lives(site, pair, people, mails):
    def settle():
        """Somebody new, and who answers them."""
        person = Visitor(site)
        person.sign_in(people.fresh(), site.url("recorder"), mails)
        return person, who_answers(site, "recorder", person)

    settled = [settle()]
    while len({pid for _, pid in settled}) < 2:
        assert len(settled) < 30, "all of them come to the same server"
        settled.append(settle())
    for person, pid in settled:
        assert [who_answers(site, "recorder", person) for _ in range(4)] == [pid] * 4
    victim, survivor = pair
    lost = victim.pid
    victim.kill()
    for person, _ in settled:
        assert [who_answers(site, "recorder", person) for _ in range(4)] == [survivor.pid] * 4
    victim.start()
    # Whoever was there is there again, and nobody else.
    for person, pid in settled:
        home = victim.pid if pid == lost else survivor.pid
        eventually(lambda person=person, home=home: who_answers(site, "recorder", person) == home, 20, "the old server")


def test_a_server_that_says_it_is_not_well_is_spared_until_it_is(site, pair):
    sick, sound = pair
    eventually(lambda: {who_answers(site, "secure") for _ in range(4)} == {sick.pid, sound.pid}, 20, "both to be asked")
    sick.ask("/sicken")
    eventually(lambda: {who_answers(site, "secure") for _ in range(4)} == {sound.pid}, 20, "one to be spared")
    spared = sick.served
    assert {who_answers(site, "secure") for _ in range(20)} == {sound.pid}
    assert sick.served == spared
    sick.ask("/recover")
    eventually(lambda: {who_answers(site, "secure") for _ in range(4)} == {sick.pid, sound.pid}, 20, "both to be asked")


def test_with_no_server_left_the_answer_is_503_at_once_until_a_check_finds_one(site, pair):
    for server in pair:
        server.kill()
    url = site.url("secure", "/said")
    eventually(lambda: site.ask(url).status == 503, 20, "503")
    for headers in ([], NAVIGATION):
        began = time.monotonic()
        answer = site.ask(url, headers=headers)
        assert time.monotonic() - began < AT_ONCE
        assert (answer.status, answer.header("retry-after")) == (503, "5")
        assert answer.header("x-request-id") in answer.text if headers else answer.json == {"error": "unavailable"}
    pair[1].start()
    eventually(lambda: site.ask(url).status == 200, 20, "an answer of the one that came back")
    # From then on without a miss, though the other is still gone.
    assert {who_answers(site, "secure") for _ in range(20)} == {pair[1].pid}


def test_requests_that_fail_by_themselves_close_no_app(site, pair):
    asked = [site.ask(site.url("second", "/hang-up"), "POST").status for _ in range(12)]
    assert asked == [502] * 12
    assert site.output().count("a server is passed over for now") >= len(pair)
    assert who_answers(site, "second") in {server.pid for server in pair}


# -- names ------------------------------------------------------------------------------------------------------


@pytest.fixture
def names(tmp_path):
    return Names(tmp_path)


def test_a_server_that_moves_to_another_address_is_found_there(make_gateway, tmp_path, names):
    port = free_port()
    here, there = (Node(tmp_path, name, f"127.0.0.{number}", port) for name, number in (("here", 2), ("there", 3)))
    names.tell("app.inner", here.host)
    here.start()
    site = make_gateway([app("node", f"http://app.inner:{port}", access=ALL)], environment=names.environment)
    assert who_answers(site, "node") == here.pid
    there.start()
    names.tell("app.inner", there.host)
    here.kill()
    assert who_answers(site, "node") == there.pid
    there.stop()


@pytest.mark.parametrize("dead", ["::1", "127.0.0.2"], ids=["of the other family", "of the same"])
def test_of_several_addresses_one_that_listens_is_enough(make_gateway, tmp_path, names, dead):
    server = Node(tmp_path, host="127.0.0.3").start()
    for addresses in ([dead, server.host], [server.host, dead]):
        names.tell("app.inner", *addresses)
        site = make_gateway([app("node", f"http://app.inner:{server.port}", access=ALL)], environment=names.environment)
        for _ in range(3):
            began = time.monotonic()
            assert who_answers(site, "node") == server.pid
            assert time.monotonic() - began < AT_ONCE
    server.stop()


def test_a_name_without_an_address_gets_502(make_gateway, names):
    site = make_gateway([app("node", f"http://app.inner:{free_port()}", access=ALL)], environment=names.environment)
    assert site.ask(site.url("node")).status == 502
