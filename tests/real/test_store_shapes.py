"""Redis behind Sentinel and as a cluster: a machine is lost, another takes over, and two gateways go on by themselves."""

import time

import pytest

from rig.gateway import app
from rig.process import eventually
from rig.redis_fleet import BehindSentinels, Cluster
from rig.visitor import Visitor

RULES = [{"paths": ["/public/**"], "policy": "bypass"}, {"policy": "two_factor"}]

SHAPES = {"sentinel": BehindSentinels, "cluster": Cluster}


@pytest.fixture(params=SHAPES.values(), ids=SHAPES.keys())
def fleet(request, tmp_path):
    fleet = request.param(tmp_path)
    try:
        yield fleet.start()
    finally:
        fleet.stop()


@pytest.fixture
def gateways(fleet, make_gateway, recorder):
    """Two that share everything; `session.cache: 1` has almost every request ask the store."""
    apps = [app("recorder", recorder.url, access=RULES)]
    one = make_gateway(apps, store={"redis": fleet.settings})
    two = make_gateway(apps, store={"redis": fleet.settings}, start=False)
    two.settings["secret"] = one.settings["secret"]
    two.write()
    return one, two.start()


def at(gateway, person):
    """The same browser at another gateway."""
    there = Visitor(gateway)
    there.jar = {host: dict(jar) for host, jar in person.jar.items()}
    return there


def kill(server):
    server.kill()


def freeze(server):
    server.freeze()


@pytest.mark.parametrize("lose", [kill, freeze])
def test_a_lost_machine_signs_nobody_out_and_needs_nobody(fleet, gateways, people, mails, lose):
    one, two = gateways
    persons = []
    for _ in range(6):
        person = Visitor(one)
        assert person.sign_in(people.fresh(), one.url("recorder"), mails).status == 200
        persons.append((person, at(two, person)))
    assert all(there.is_signed_in("recorder") for _, there in persons)
    jars = [{host: dict(jar) for host, jar in person.jar.items()} for person, _ in persons]
    eventually(fleet.replicated, 10, "the replicas have heard it all")

    lose(fleet.primary())
    lost = time.monotonic()
    seen = set()

    def all_are_served():
        answers = [visitor.fetch(visitor.gateway.url("recorder", "/page")) for pair in persons for visitor in pair]
        seen.update(answer.status for answer in answers)
        ready = [gateway.health("/readyz").status for gateway in gateways]
        return {answer.status for answer in answers} | set(ready) == {200}

    # Those whose session was looked up a moment ago are served anyway: it is over when that has run out.
    eventually(lambda: time.monotonic() - lost > 5 and all_are_served(), 60, "everybody is served again")
    assert seen <= {200, 503}, "never signed out, never let in by mistake"
    for (person, _), jar in zip(persons, jars):
        assert person.jar == jar, "cookies are kept"
    newcomer = Visitor(two)
    assert newcomer.sign_in(people.fresh(), two.url("recorder"), mails).status == 200
    assert at(one, newcomer).is_signed_in("recorder")
    for gateway in gateways:
        assert gateway.alive()


def test_how_long_it_takes(fleet, gateways, people, mails):
    """Prints it; only that it ends is asserted."""
    one, _ = gateways
    person = Visitor(one)
    assert person.sign_in(people.fresh(), one.url("recorder"), mails).status == 200
    eventually(fleet.replicated, 10, "the replicas have heard it all")
    begun = time.monotonic()
    fleet.primary().kill()
    eventually(lambda: one.health("/readyz").status == 503, 10, "not ready")
    eventually(lambda: one.health("/readyz").status == 200, 60, "ready again")
    print(f"without a store for {time.monotonic() - begun:.1f} s")
    assert person.is_signed_in("recorder")


def test_a_sign_out_is_heard_at_the_other_gateway_before_trust_would_end(fleet, gateways, people, mails):
    one, two = gateways
    person = Visitor(one)
    assert person.sign_in(people.fresh(), one.url("recorder"), mails).status == 200
    there = at(two, person)
    assert there.is_signed_in("recorder")
    assert person.sign_out().status == 303
    eventually(lambda: not at(two, there).is_signed_in("recorder"), 3, "signed out there too")
