"""The second step: the mail, the code, its limits, sending it again, giving up, and the way in when mail is down."""

import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from rig import wire
from rig.gateway import DOMAIN, app, vestibule
from rig.mail import text_of
from rig.process import eventually
from rig.visitor import NAVIGATION, Visitor

ADMIT = [{"policy": "two_factor"}]
INVALID_CODE = "Invalid or expired code."
EXPIRED = "Your sign-in has expired. Please start over."


def another(code, step=1):
    """A code of the same length that is wrong for sure."""
    return f"{(int(code) + step) % 10 ** len(code):0{len(code)}}"


def test_the_mail_says_what_it_must(gateway, account, mails):
    Visitor(gateway).ask_for_code(account, gateway.url("recorder"))
    mail = mails.wait_for(account.email)
    text, html = text_of(mail), text_of(mail, "html")
    code = mails.code_for(account.email)
    assert text.splitlines()[0] == f"Your sign-in code is {code}."
    assert mail["subject"] == "Your sign-in code for Example Corp"
    assert mail["auto-submitted"] == "auto-generated"
    assert mail["to"].addresses[0].addr_spec == account.email
    assert mail["from"].addresses[0].addr_spec == "signin@example.com"
    assert code in html or " ".join((code[:3], code[3:])) in html
    assert "5 minutes" in text and "127.0.0.1" in text and "recorder" in text
    for part in (text, html):
        assert "http" not in part.replace("http-equiv", "").replace("http://www.w3.org", ""), "a code mail holds no link"
    assert "<img" not in html and "<script" not in html


def test_the_code_is_never_logged(gateway, account, mails):
    person = Visitor(gateway)
    person.sign_in(account, gateway.url("recorder"), mails)
    assert mails.code_for(account.email) not in gateway.output()
    assert account.password not in gateway.output()
    assert person.session("recorder") not in gateway.output()


def test_nobody_is_in_before_the_code(gateway, account, mails, recorder):
    person = Visitor(gateway)
    person.ask_for_code(account, gateway.url("recorder"))
    assert not person.is_signed_in() and not person.is_signed_in("recorder")
    pending = person.cookies(gateway.url("auth"))["__Host-vestibule-login"]
    for name in ("auth", "recorder"):
        person.cookies(gateway.url(name))["__Host-vestibule"] = pending
        assert not person.is_signed_in(name)
    assert person.open(gateway.url("recorder")).status == 302
    assert not recorder.requests


def test_a_code_works_once(gateway, account, mails):
    person = Visitor(gateway)
    code_page = person.ask_for_code(account, gateway.url("recorder"))
    before = dict(person.cookies(gateway.url("auth")))
    code = mails.code_for(account.email)
    assert person.enter_code(code_page, code).status == 303
    again = Visitor(gateway)
    again.jar = {f"auth.{DOMAIN}": before}
    refused = again.enter_code(code_page, code)
    assert refused.status == 422 and EXPIRED in refused.page.words
    assert not again.is_signed_in()


def test_spaces_and_hyphens_in_a_code_are_ignored(gateway, people, mails):
    for form in ("{} {}", "{}-{}", " {}{} ", "{} - {}"):
        account = people.fresh()
        person = Visitor(gateway)
        code_page = person.ask_for_code(account, gateway.url("recorder"))
        code = mails.code_for(account.email)
        assert person.enter_code(code_page, form.format(code[:3], code[3:])).status == 303, form


def test_a_code_is_good_only_in_the_browser_that_asked(gateway, account, mails):
    person, thief = Visitor(gateway), Visitor(gateway)
    code_page = person.ask_for_code(account, gateway.url("recorder"))
    code = mails.code_for(account.email)
    refused = thief.enter_code(code_page, code)
    assert refused.status == 422 and EXPIRED in refused.page.words
    assert person.enter_code(code_page, code).status == 303


def test_the_code_of_one_sign_in_is_wrong_for_another_of_the_same_person(gateway, account, mails):
    here, there = Visitor(gateway), Visitor(gateway)
    page_here = here.ask_for_code(account, gateway.url("recorder"))
    code_here = mails.code_for(account.email, 1)
    page_there = there.ask_for_code(account, gateway.url("recorder"))
    code_there = mails.code_for(account.email, 2)
    assert code_here != code_there
    assert INVALID_CODE in here.enter_code(page_here, code_there).page.words
    assert here.enter_code(page_here, code_here).status == 303
    assert there.enter_code(page_there, code_there).status == 303


def test_the_fifth_wrong_code_ends_the_sign_in(gateway, account, mails):
    person = Visitor(gateway)
    code_page = person.ask_for_code(account, gateway.url("recorder"))
    code = mails.code_for(account.email)
    for step in range(1, 5):
        refused = person.enter_code(code_page, another(code, step))
        assert refused.status == 422 and INVALID_CODE in refused.page.words
    over = person.enter_code(code_page, another(code, 5))
    assert over.status == 429 and "Too many attempts." in over.page.words
    assert over.page.form("/_vestibule/login")
    late = person.enter_code(code_page, code)
    assert late.status in (422, 429) and not person.is_signed_in()


def test_of_fifty_parallel_right_codes_one_opens_a_session(gateway, account, mails):
    person = Visitor(gateway)
    code_page = person.ask_for_code(account, gateway.url("recorder"))
    code = mails.code_for(account.email)
    action = code_page.page.form("/_vestibule/verify").action
    body = f"code={code}".encode()
    head = [
        *person.cookie_header(action),
        ("Origin", gateway.url("auth").rstrip("/")),
        ("Sec-Fetch-Site", "same-origin"),
        ("Content-Type", "application/x-www-form-urlencoded"),
        *NAVIGATION,
    ]
    start = threading.Barrier(50)

    def attempt(_):
        with wire.open_socket(gateway.port, gateway.trust, f"auth.{DOMAIN}", timeout=60) as connected:
            start.wait(60)
            return wire.exchange_on(connected, action, "POST", head, body)

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(attempt, range(50)))
    opened = [answer for answer in answers if answer.status == 303]
    sessions = [line for answer in answers for line in answer.all("set-cookie") if line.startswith("__Host-vestibule=")
                and "Max-Age=0" not in line]
    assert len(opened) == 1 and len(sessions) == 1
    assert {answer.status for answer in answers} <= {303, 422, 429}


def test_wrong_codes_in_parallel_get_no_extra_tries(gateway, account, mails):
    person = Visitor(gateway)
    code_page = person.ask_for_code(account, gateway.url("recorder"))
    code = mails.code_for(account.email)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda step: person.enter_code(code_page, another(code, step)), range(1, 21)))
    assert sum(answer.status == 422 and INVALID_CODE in answer.page.words for answer in answers) <= 4
    assert person.enter_code(code_page, code).status != 303


def test_asking_again_too_early_says_when(gateway, account, mails):
    person = Visitor(gateway)
    code_page = person.ask_for_code(account, gateway.url("recorder"))
    early = person.submit(code_page, "/_vestibule/verify/resend")
    assert early.status == 429 and 0 < int(early.header("retry-after")) <= 60
    assert early.page.form("/_vestibule/verify")
    assert len(mails.to(account.email)) == 1
    assert person.enter_code(early, mails.code_for(account.email)).status == 303


@pytest.fixture(scope="module")
def impatient(make_gateway, recorder):
    """Lets people ask for a new code after a second, and gives each address few mails."""
    return make_gateway(
        [app("recorder", recorder.url, access=ADMIT)],
        email_code={"resend_after": "1s", "hourly": 6},
    )


def resend(person, code_page):
    """Asks until it is not too early any more."""
    def asked():
        answer = person.submit(code_page, "/_vestibule/verify/resend")
        return answer if answer.status != 429 else None

    return eventually(asked, 10, "a resend")


def test_a_second_mail_holds_the_same_code(impatient, account, mails):
    person = Visitor(impatient)
    code_page = person.ask_for_code(account, impatient.url("recorder"))
    assert resend(person, code_page).status == 303
    assert mails.code_for(account.email, 2) == mails.code_for(account.email, 1)
    assert person.enter_code(code_page, mails.code_for(account.email)).status == 303


def test_a_sign_in_sends_three_codes_at_most(impatient, account, mails):
    person = Visitor(impatient)
    code_page = person.ask_for_code(account, impatient.url("recorder"))
    for _ in range(2):
        assert resend(person, code_page).status == 303
    for _ in range(3):
        person.submit(code_page, "/_vestibule/verify/resend")
    assert len(mails.to(account.email)) == 3


def test_use_a_different_account_forgets_the_sign_in(gateway, account, mails):
    person = Visitor(gateway)
    code_page = person.ask_for_code(account, gateway.url("recorder", "/deep"))
    answer = person.submit(code_page, "/_vestibule/verify/cancel")
    assert answer.status == 303
    login = person.follow(answer)
    assert login.page.form("/_vestibule/login")
    refused = person.enter_code(code_page, mails.code_for(account.email))
    assert refused.status == 422 and EXPIRED in refused.page.words


def test_without_a_sign_in_under_way_the_code_page_leads_to_the_login(gateway):
    person = Visitor(gateway)
    answer = person.open(gateway.url("auth", "/_vestibule/verify"))
    assert answer.status == 302 and "/_vestibule/login" in answer.location
    answer = person.post(gateway.url("auth", "/_vestibule/verify"), {"code": "123456"})
    assert answer.status == 422 and EXPIRED in answer.page.words


def test_while_a_code_is_awaited_the_login_page_leads_to_it(gateway, account):
    person = Visitor(gateway)
    person.ask_for_code(account, gateway.url("recorder"))
    answer = person.open(gateway.url("auth", "/_vestibule/login"))
    assert answer.status == 302 and "/_vestibule/verify" in answer.location


def test_the_break_glass_command_prints_a_code_that_works(gateway, account, mails):
    person = Visitor(gateway)
    code_page = person.ask_for_code(account, gateway.url("recorder"))
    printed = vestibule("code", account.username, "--config", gateway.file)
    assert printed.returncode == 0, printed.stderr
    code = re.search(r"\b\d{6}\b", printed.stdout).group()
    assert person.enter_code(code_page, code).status == 303
    trail = (gateway.folder / "data" / "audit.log").read_text().splitlines()
    assert [json.loads(line) for line in trail if account.username in line and '"code_printed"' in line]
    assert code not in "".join(trail)


def test_the_break_glass_command_finds_nothing_where_nothing_waits(gateway, people):
    for name in (people.fresh().username, "nobody-by-this-name"):
        printed = vestibule("code", name, "--config", gateway.file)
        assert printed.returncode == 1
        assert len(printed.stderr.strip().splitlines()) == 1 and not printed.stdout
