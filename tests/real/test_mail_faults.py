"""The mail server refuses, stalls, hangs up or is not there: the page says so, nothing is lost, and a retry works."""

import socket

import pytest

from conftest import smtp
from rig.gateway import app, vestibule
from rig.mail import MailServer
from rig.process import HOST, eventually
from rig.visitor import Visitor

FAILED = "We could not send your code. Please try again."
ADMIT = [{"policy": "two_factor"}]


@pytest.fixture(scope="module")
def moody(certificates):
    server = MailServer(certificates.certificate, certificates.key).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def gateway(make_gateway, certificates, recorder, moody):
    return make_gateway(
        [app("recorder", recorder.url, access=ADMIT)], mail=smtp(moody, certificates, timeout="2s")
    )


@pytest.mark.parametrize("mood", ["refuse", "later", "stall", "hang up"])
def test_a_failed_mail_says_so_keeps_the_sign_in_and_can_be_retried_at_once(gateway, account, moody, mood):
    person = Visitor(gateway)
    moody.mood = mood
    try:
        failed = person.enter_password(account, gateway.url("recorder", "/deep"))
        assert failed.status == 503, failed.page.words
        assert FAILED in failed.page.words
        assert failed.page.form("/_vestibule/verify")
        again = person.submit(failed, "/_vestibule/verify/resend")
        assert again.status == 503, "a failure is not counted towards the waiting time"
    finally:
        moody.mood = "accept"
    sent = person.submit(again, "/_vestibule/verify/resend")
    assert sent.status == 303, sent.page.words
    done = person.follow(person.enter_code(person.follow(sent), moody.code_for(account.email)))
    assert (done.status, done.url) == (200, gateway.url("recorder", "/deep"))


def test_a_mail_server_that_is_down_stops_nobody_who_is_in(gateway, account, moody, people):
    person = Visitor(gateway)
    assert person.sign_in(account, gateway.url("recorder"), moody).status == 200
    moody.stop()
    try:
        assert person.open(gateway.url("recorder")).status == 200
        stranger = Visitor(gateway)
        failed = stranger.enter_password(people.fresh(), gateway.url("recorder"))
        assert failed.status == 503 and FAILED in failed.page.words
    finally:
        moody.start()
    assert stranger.submit(failed, "/_vestibule/verify/resend").status == 303


def test_the_gateway_starts_while_the_mail_server_is_down(make_gateway, certificates, recorder, account, people):
    server = MailServer(certificates.certificate, certificates.key)
    gateway = make_gateway(
        [app("recorder", recorder.url, access=ADMIT)], mail=smtp(server, certificates, timeout="2s")
    )
    person = Visitor(gateway)
    failed = person.enter_password(account, gateway.url("recorder"))
    assert failed.status == 503
    # The break-glass way in needs no mail at all.
    printed = vestibule("code", account.username, "--config", gateway.file)
    assert printed.returncode == 0, printed.stderr
    assert person.enter_code(failed, printed.stdout.split()[-1]).status == 303
    server.start()
    assert Visitor(gateway).sign_in(people.fresh(), gateway.url("recorder"), server).status == 200
    server.stop()


def test_a_server_that_never_greets_is_given_up_in_time(make_gateway, certificates, recorder, account):
    with socket.create_server((HOST, 0)) as silent:
        mail = {
            "from": "signin@example.com",
            "smtp": {"host": "localhost", "port": silent.getsockname()[1], "timeout": "1s",
                     "ca": str(certificates.authority)},
        }
        gateway = make_gateway([app("recorder", recorder.url, access=ADMIT)], mail=mail)
        failed = Visitor(gateway).enter_password(account, gateway.url("recorder"))
        assert failed.status == 503 and FAILED in failed.page.words


def test_tls_from_the_start_works_too(make_gateway, certificates, recorder, account):
    server = MailServer(certificates.certificate, certificates.key, implicit=True).start()
    try:
        gateway = make_gateway([app("recorder", recorder.url, access=ADMIT)], mail=smtp(server, certificates))
        assert Visitor(gateway).sign_in(account, gateway.url("recorder"), server).status == 200
    finally:
        server.stop()


def test_a_mail_server_whose_certificate_nobody_vouches_for_gets_no_password(
    make_gateway, certificates, recorder, account, moody
):
    mail = smtp(moody, certificates)
    del mail["smtp"]["ca"]
    gateway = make_gateway([app("recorder", recorder.url, access=ADMIT)], mail=mail)
    before = len(moody.messages)
    assert Visitor(gateway).enter_password(account, gateway.url("recorder")).status == 503
    assert len(moody.messages) == before


def test_a_wrong_mail_password_is_said_in_the_log_without_the_password(
    make_gateway, certificates, recorder, account, moody
):
    mail = smtp(moody, certificates, password="not-the-mail-password")
    gateway = make_gateway([app("recorder", recorder.url, access=ADMIT)], mail=mail)
    assert Visitor(gateway).enter_password(account, gateway.url("recorder")).status == 503
    assert "not-the-mail-password" not in gateway.output()
    assert "535" in gateway.output() or "authentication" in gateway.output().lower()


def test_an_outbox_gets_one_file_a_message(make_gateway, recorder, account, tmp_path):
    outbox = tmp_path / "outbox"
    gateway = make_gateway(
        [app("recorder", recorder.url, access=ADMIT)],
        mail={"from": "signin@example.com", "outbox": str(outbox)},
    )
    person = Visitor(gateway)
    code_page = person.ask_for_code(account, gateway.url("recorder"))
    (message,) = outbox.glob("*.eml")
    from email import message_from_bytes, policy

    from rig.mail import code_in

    code = code_in(message_from_bytes(message.read_bytes(), policy=policy.default))
    assert person.enter_code(code_page, code).status == 303


@pytest.fixture(scope="module")
def with_accounts(make_gateway, certificates, recorder, moody, people):
    """Whose `reset` page mails aside of its answer."""
    sources = [{"file": str(people.file)}, {"database": "sqlite"}]
    return make_gateway([app("recorder", recorder.url)], accounts=sources, mail=smtp(moody, certificates, timeout="2s"))


@pytest.fixture
def ask_for_a_link(with_accounts, account, moody):
    """Has a mail sent that the server turns away, in this mood."""

    def ask(mood):
        before, moody.mood = moody.turned_away, mood
        answer = Visitor(with_accounts).post(with_accounts.url("auth", "/_vestibule/reset"), {"login": account.username})
        assert answer.status == 303
        eventually(lambda: moody.turned_away > before, 10, "the server turns it away")

    yield ask
    moody.mood = "accept"


def test_a_mail_that_nobody_waits_for_is_tried_again(ask_for_a_link, account, moody):
    ask_for_a_link("later")
    moody.mood = "accept"
    moody.wait_for(account.email, subject="Choose a new password")


def test_a_mail_that_the_server_does_not_want_is_not_tried_again(with_accounts, ask_for_a_link, account, moody):
    ask_for_a_link("refuse")
    audit = with_accounts.folder / "data" / "audit.log"

    def given_up():
        lines = audit.read_text().splitlines()
        return [line for line in lines if "mail_not_sent" in line and f"file:{account.username}" in line]

    eventually(given_up, 4, "it is said to be given up, before the time of a second try")


def test_mails_that_wait_for_another_try_get_a_last_one_at_the_end(with_accounts, ask_for_a_link, account, moody):
    """The next would be twenty seconds later, which the end does not wait for."""
    ask_for_a_link("later")
    before = moody.turned_away
    eventually(lambda: moody.turned_away > before, 15, "the second try")
    moody.mood = "accept"
    with_accounts.stop()
    assert [mail["Subject"] for mail in moody.to(account.email)] == ["Choose a new password for Example Corp"]
