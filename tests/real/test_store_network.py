"""Redis is well, and the network to it is not: what is lost in silence, what comes late, and who is cut off alone."""

import threading
import time

import pytest

from rig.gateway import app
from rig.process import eventually
from rig.relay import Relay
from rig.visitor import FETCH, Visitor

RULES = [{"paths": ["/public/**"], "policy": "bypass"}, {"policy": "two_factor"}]

# What a session may be served for without a look into the store, in seconds.
TRUSTED = 5


@pytest.fixture(scope="module")
def network(redis):
    relay = Relay(redis.port).start()
    yield relay
    relay.stop()


@pytest.fixture(autouse=True)
def _mended(network):
    yield
    network.mend()


@pytest.fixture(scope="module")
def near(make_gateway, recorder, redis):
    """A gateway that always reaches Redis."""
    return make_gateway([app("recorder", recorder.url, access=RULES)], store={"redis": {"url": redis.url}})


@pytest.fixture(scope="module")
def gateway(make_gateway, recorder, near, network):
    """One that shares everything with it, over the network that fails."""
    return make_gateway(
        [app("recorder", recorder.url, access=RULES)],
        store={"redis": {"url": network.url}},
        secret=near.settings["secret"],
    )


def at(gateway, person):
    """The same browser at another gateway, which nobody tells to forget anything."""
    there = Visitor(gateway)
    there.jar = {host: dict(jar) for host, jar in person.jar.items()}
    return there


def lose(network):
    network.cut()


def slow(network):
    network.delay(5)


@pytest.mark.parametrize("spoil", [lose, slow])
def test_while_nothing_comes_back_nobody_is_let_in_and_nobody_is_signed_out(
    gateway, network, signed_in, recorder, account, spoil
):
    page, public = gateway.url("recorder", "/page"), gateway.url("recorder", "/public/page")
    assert signed_in.open(page).status == 200
    jar = {host: dict(cookies) for host, cookies in signed_in.jar.items()}
    spoil(network)
    spoiled = time.monotonic()
    assert signed_in.open(page).status == 200, "looked up a moment ago"

    def refused():
        asked = time.monotonic()
        answer = signed_in.open(page)
        assert answer.status in (200, 503)
        assert answer.status == 503 or asked - spoiled < TRUSTED, "served for longer than it may be trusted"
        return answer if answer.status == 503 else None

    answer = eventually(refused, 15, "503 once the last look is too old")
    assert int(answer.header("retry-after")) > 0
    assert not answer.all("set-cookie") and signed_in.jar == jar, "cookies are kept"

    recorder.requests.clear()
    took = [timed(lambda: signed_in.fetch(page), 503) for _ in range(5)]
    # The quickest: this machine may have other things to do.
    assert min(took) < 0.25, "the visitor is not kept waiting"
    assert not recorder.requests
    took = [timed(lambda: signed_in.ask(public, headers=[*FETCH, ("Remote-User", "forged")]), 200) for _ in range(5)]
    assert min(took) < 0.25, "a public path goes on"
    assert not recorder.last.all("remote-user")

    eventually(lambda: gateway.health("/readyz").status == 503, 15, "not ready")
    login = Visitor(gateway).open(gateway.url("auth", "/_vestibule/login"))
    if login.status == 200:
        entered = Visitor(gateway).submit(
            login, "/_vestibule/login", username=account.username, password=account.password
        )
        assert entered.status == 503 and not entered.all("set-cookie")

    network.mend()
    eventually(lambda: gateway.health("/readyz").status == 200, 20, "ready")
    eventually(lambda: signed_in.open(page).status == 200, 20, "in again, with the same cookie")
    assert signed_in.jar == jar


def timed(ask, status):
    begun = time.monotonic()
    answer = ask()
    assert answer.status == status
    return time.monotonic() - begun


def test_no_late_answer_is_taken_for_another_s(make_gateway, recorder, near, network, people, mails):
    """Eight people at once at a gateway that remembers one of them, while answers come in time, just in time, and late."""
    gateway = make_gateway(
        [app("recorder", recorder.url, access=RULES)],
        store={"redis": {"url": network.url}},
        secret=near.settings["secret"],
        session={"cache": 1},
    )
    persons = []
    for _ in range(8):
        person = Visitor(near)
        person.sign_in(people.fresh(), near.url("recorder"), mails)
        persons.append((at(gateway, person), person.fetch(near.url("auth", "/_vestibule/whoami")).json["username"]))
    assert len({username for _, username in persons}) == 8
    wrong, statuses, over = [], [], threading.Event()

    def keep_asking(person, username):
        while not over.is_set():
            answer = person.fetch(gateway.url("auth", "/_vestibule/whoami"))
            statuses.append(answer.status)
            if answer.status not in (200, 503) or answer.status == 200 and answer.json["username"] != username:
                wrong.append((username, answer.status, answer.text[:200]))

    threads = [threading.Thread(target=keep_asking, args=person) for person in persons]
    for thread in threads:
        thread.start()
    try:
        for _ in range(3):
            for late in (0.0, 0.15, 0.195, 0.205, 0.4, 5.0):
                network.delay(late)
                asked = len(statuses)
                eventually(lambda asked=asked: len(statuses) - asked >= 40, 30, "some answers, whatever they are")
        network.mend()
        eventually(lambda: gateway.health("/readyz").status == 200, 20, "ready")
    finally:
        over.set()
        for thread in threads:
            thread.join(30)
    assert not wrong
    assert set(statuses) == {200, 503}, "both happened"
    for person, username in persons:
        answer = eventually(lambda: ask_in(person, gateway), 20, "served again")
        assert answer.json["username"] == username


def ask_in(person, gateway):
    answer = person.fetch(gateway.url("auth", "/_vestibule/whoami"))
    assert answer.status in (200, 503)
    return answer if answer.status == 200 else None


def test_who_signs_out_is_refused_at_a_gateway_that_is_cut_off_once_trust_has_run_out(
    near, gateway, network, account, mails
):
    person = Visitor(near)
    person.sign_in(account, near.url("recorder"), mails)
    thief = at(gateway, person)
    assert thief.open(gateway.url("recorder")).status == 200
    network.cut()
    cut = time.monotonic()
    assert person.sign_out().status == 303
    assert not at(near, thief).is_signed_in("recorder")

    def refused():
        asked = time.monotonic()
        status = thief.open(gateway.url("recorder")).status
        assert status in (200, 503), "it cannot know that they have signed out"
        assert status == 503 or asked - cut < TRUSTED
        return status == 503

    eventually(refused, 15, "refused")
    network.mend()

    def signed_out():
        status = thief.open(gateway.url("recorder")).status
        assert status in (503, 302), "never served again"
        return status == 302

    eventually(signed_out, 20, "signed out there too")


def test_a_gateway_that_is_cut_off_for_a_moment_believes_nothing_from_before(near, gateway, network, account, mails):
    """The news of the sign-out was lost: what was remembered is looked up anew as soon as there is somebody to ask."""
    person = Visitor(near)
    person.sign_in(account, near.url("recorder"), mails)
    thief = at(gateway, person)
    assert thief.open(gateway.url("recorder")).status == 200
    network.cut()
    assert person.sign_out().status == 303
    network.mend()

    def signed_out():
        status = thief.open(gateway.url("recorder")).status
        assert status in (200, 302, 503)
        return status == 302

    eventually(signed_out, 3, "signed out there too, though it was trusted for five seconds")
