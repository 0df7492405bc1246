"""What every test may ask for. Servers live as long as they are useful: the apps for the whole run, a gateway for a module."""

import pytest

from rig.accounts import PASSWORD, People
from rig.browser import Browser
from rig.gateway import DOMAIN, PORTAL, Certificates, Gateway, app, vestibule
from rig.mail import MailServer
from rig.redis import Redis
from rig.upstreams import Django, Echo, Prometheus, Recorder
from rig.visitor import Visitor

ADMIT_ALL = [{"policy": "two_factor"}]


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    apps = ("django", "prometheus", "echo", "recorder", "second", "gone", "calls", "secure", "jupyter", "node")
    names = [PORTAL, *(f"{name}.{DOMAIN}" for name in apps)]
    return Certificates(tmp_path_factory.mktemp("certificates"), *names, "localhost")


@pytest.fixture(scope="session")
def password_hash():
    made = vestibule("hash-password", entering=PASSWORD + "\n")
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


@pytest.fixture(scope="session")
def people(tmp_path_factory, password_hash):
    return People(tmp_path_factory.mktemp("people"), password_hash)


@pytest.fixture
def account(people):
    """Somebody who has never signed in."""
    return people.fresh()


@pytest.fixture(scope="session")
def mails(certificates):
    server = MailServer(certificates.certificate, certificates.key).start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def django(tmp_path_factory):
    server = Django(tmp_path_factory.mktemp("django")).start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory):
    server = Prometheus(tmp_path_factory.mktemp("prometheus")).start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def echo():
    server = Echo().start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def recorder():
    server = Recorder().start()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def _recorder_is_clean(request):
    """No test may end with something at the app that no app may see."""
    yield
    if "recorder" in request.fixturenames:
        request.getfixturevalue("recorder").reset()


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    server = Redis(tmp_path_factory.mktemp("redis")).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def make_gateway(tmp_path_factory, certificates, people, mails):
    """Makes gateways that end with the module. `mail=` and every other key of the configuration may be given."""
    made = []

    def make(apps, start=True, **sections):
        sections.setdefault("mail", smtp(mails, certificates))
        gateway = Gateway(tmp_path_factory.mktemp("gateway"), certificates, people, apps, **sections)
        made.append(gateway)
        return gateway.start() if start else gateway

    yield make
    problems = []
    for gateway in made:
        try:
            gateway.stop()
        except AssertionError as problem:
            problems.append(str(problem))
    assert not problems, "\n".join(problems)


def smtp(server, certificates, **more):
    return {"from": "Example sign-in <signin@example.com>", "smtp": server.settings(certificates.authority, **more)}


@pytest.fixture(scope="module")
def gateway(make_gateway, recorder):
    """The usual one: embedded store, one recorded app with a public corner. A module with other needs makes its own."""
    rules = [
        {"paths": ["/public/**"], "policy": "bypass"},
        {"paths": ["/light/**"], "policy": "one_factor"},
        {"paths": ["/ops/**"], "groups": ["ops"], "policy": "two_factor"},
        {"paths": ["/ops/**"], "policy": "deny"},
        {"policy": "two_factor"},
    ]
    return make_gateway(
        [app("recorder", recorder.url, access=rules), app("second", recorder.url, access=ADMIT_ALL)],
    )


@pytest.fixture
def visitor(gateway):
    return Visitor(gateway)


@pytest.fixture
def signed_in(gateway, account, mails):
    """Somebody who is signed in at the portal and at the recorded app."""
    person = Visitor(gateway)
    person.account = account
    answer = person.sign_in(account, gateway.url("recorder", "/"), mails)
    assert answer.status == 200, f"{answer.url}: {answer.status} {answer.text[:300]}"
    return person


@pytest.fixture(scope="session")
def chromium():
    browser = Browser()
    yield browser
    browser.close()
