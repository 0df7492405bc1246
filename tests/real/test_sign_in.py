"""The sign-in as a person meets it, without a browser: messages, codes, limits, sessions, several tabs."""

import base64
import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from rig import wire
from rig.accounts import Account
from rig.gateway import DOMAIN, app, vestibule
from rig.mail import text_of
from rig.process import eventually
from rig.visitor import NAVIGATION, Visitor

ADMIT = [{"policy": "two_factor"}]
INVALID_LOGIN = "Invalid username or password."
INVALID_CODE = "Invalid or expired code."
EXPIRED = "Your sign-in has expired. Please start over."


def another(code, step=1):
    """A code of the same length that is wrong for sure."""
    return f"{(int(code) + step) % 10 ** len(code):0{len(code)}}"


def device_of(visitor):
    return visitor.cookies(visitor.gateway.url("auth")).get("__Host-vestibule-device")


# -- the password step ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("username", "message"),
    [
        ("pending", "Your account is pending administrator approval."),
        ("rejected", "Your account has been disabled. Contact your administrator."),
        ("disabled", "Your account has been disabled. Contact your administrator."),
    ],
)
def test_an_account_that_may_not_enter_is_told_so_only_with_its_password(gateway, people, mails, username, message):
    person = Visitor(gateway)
    refused = person.enter_password(people[username], gateway.url("recorder"))
    assert refused.status == 422 and message in refused.page.words

    wrong = Account(username, people[username].email, "", "wrong password")
    refused = Visitor(gateway).enter_password(wrong, gateway.url("recorder"))
    assert refused.status == 422 and INVALID_LOGIN in refused.page.words and message not in refused.page.words
    assert not mails.to(people[username].email)
    assert not person.is_signed_in()


def test_an_unknown_name_and_a_wrong_password_look_the_same(gateway, account):
    answers = [
        Visitor(gateway).enter_password(Account(name, "", "", "wrong password"), gateway.url("recorder"))
        for name in (account.username, "nobody-by-this-name", "nobody@nowhere.example")
    ]
    assert [answer.status for answer in answers] == [422, 422, 422]
    assert {answer.page.alerts[0] for answer in answers} == {answers[0].page.alerts[0]}
    assert {tuple(sorted(name for name, _ in answer.headers)) for answer in answers} == {
        tuple(sorted(name for name, _ in answers[0].headers))
    }


def test_name_and_address_are_both_good_in_any_case(gateway, people, mails, recorder):
    for spell in (
        lambda account: account.username.upper(),
        lambda account: account.email.title(),
    ):
        account = people.fresh()
        typed = Account(spell(account), account.email, account.name)
        assert Visitor(gateway).sign_in(typed, gateway.url("recorder"), mails).status == 200
        assert recorder.last.header("remote-user") == account.username


def test_a_failed_form_keeps_what_was_typed_but_the_password(gateway, account):
    refused = Visitor(gateway).enter_password(
        Account(account.username, "", "", "wrong & <b>password"), gateway.url("recorder", "/deep?x=1&y=2")
    )
    form = refused.page.form("/_vestibule/login")
    assert form.fields["username"] == account.username
    assert form.fields["password"] == ""
    assert "rd=" in form.action
    assert "wrong &amp;" not in refused.text and "<b>password" not in refused.text


def test_markup_in_a_name_is_only_text(gateway):
    refused = Visitor(gateway).enter_password(
        Account('"><script>alert(1)</script>', "", "", "x"), gateway.url("recorder")
    )
    assert refused.status == 422 and "<script>alert" not in refused.text


def test_five_wrong_passwords_lock_the_pair_and_not_the_neighbour(gateway, people):
    account = people.fresh()
    here, elsewhere = Visitor(gateway), Visitor(gateway, source="127.0.0.77")
    wrong = Account(account.username, "", "", "wrong password")
    statuses = [here.enter_password(wrong, gateway.url("recorder")).status for _ in range(6)]
    assert statuses == [422] * 4 + [statuses[4], 429] and statuses[4] in (422, 429)

    locked = here.enter_password(account, gateway.url("recorder"))
    assert locked.status == 429, "while locked even the right password is not looked at"
    assert 0 < int(locked.header("retry-after")) <= 300
    assert re.search(r"Too many attempts\. Try again in \d+ minutes?\.", locked.page.words)
    assert locked.page.form("/_vestibule/login")

    assert elsewhere.enter_password(account, gateway.url("recorder")).status == 303


def test_a_claimed_address_does_not_help_against_the_lock(gateway, account):
    person = Visitor(gateway, source="127.0.0.79")
    login = person.visit(gateway.url("recorder"))
    statuses = []
    for number in range(6):
        claims = [("X-Forwarded-For", f"203.0.113.{number}"), ("X-Real-IP", f"203.0.113.{number}"),
                  ("Forwarded", f"for=203.0.113.{number}")]
        answer = person.post(login.page.form("/_vestibule/login").action,
                             {"username": account.username, "password": "wrong password"}, headers=claims)
        statuses.append(answer.status)
    assert statuses[-1] == 429


def test_unknown_names_are_counted_like_known_ones(gateway):
    person = Visitor(gateway, source="127.0.0.78")
    nobody = Account("nobody-at-all", "", "", "wrong password")
    statuses = [person.enter_password(nobody, gateway.url("recorder")).status for _ in range(6)]
    assert statuses[-1] == 429


def test_strangers_cannot_hold_up_a_browser_that_has_signed_in_before(gateway, people, mails):
    account = people.fresh()
    person = Visitor(gateway)
    person.sign_in(account, gateway.url("recorder"), mails)
    assert device_of(person)
    person.sign_out()
    wrong = Account(account.username, "", "", "wrong password")
    stranger = Visitor(gateway)
    while stranger.enter_password(wrong, gateway.url("recorder")).status != 429:
        pass
    assert person.enter_password(account, gateway.url("recorder")).status == 303


# -- the code step ----------------------------------------------------------------------------------------------


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


# -- sessions ---------------------------------------------------------------------------------------------------


def test_a_new_session_id_at_each_sign_in_and_another_on_each_host(gateway, account, mails):
    person = Visitor(gateway)
    person.sign_in(account, gateway.url("recorder"), mails)
    person.visit(gateway.url("second"))
    ids = {person.session(name) for name in ("auth", "recorder", "second")}
    assert None not in ids and len(ids) == 3
    person.sign_out()
    person.sign_in(account, gateway.url("recorder"), mails)
    assert person.session("recorder") not in ids


def max_age(answers, name):
    """What the browser is told to keep this cookie for, in seconds; None for as long as it runs."""
    (line,) = [line for answer in answers for line in answer.all("set-cookie")
               if line.startswith(f"{name}=") and "Max-Age=0" not in line]
    found = re.search(r"Max-Age=(\d+)", line)
    return found and int(found.group(1))


@pytest.mark.parametrize(("remember", "kept"), [({}, None), ({"remember": "on"}, 30 * 86400)])
def test_only_those_who_asked_for_it_stay_signed_in_when_the_browser_ends(gateway, account, mails, remember, kept):
    person = Visitor(gateway)
    login = person.visit(gateway.url("recorder"))
    code_page = person.follow(person.submit(
        login, "/_vestibule/login", username=account.username, password=account.password, **remember
    ))
    done = person.enter_code(code_page, mails.code_for(account.email))
    assert max_age([done], "__Host-vestibule") == kept
    assert max_age([done], "__Host-vestibule-device") == 180 * 86400
    entered = person.follow(done)
    assert entered.url == gateway.url("recorder")


def test_a_session_opens_no_other_host(gateway, signed_in, recorder):
    recorder.requests.clear()
    thief = Visitor(gateway)
    for name in ("second", "auth"):
        thief.cookies(gateway.url(name))["__Host-vestibule"] = signed_in.session("recorder")
        assert not thief.is_signed_in(name)
    assert not recorder.requests


def test_a_forged_session_is_a_stranger(gateway, signed_in, recorder):
    recorder.requests.clear()
    real = signed_in.session("recorder")
    padded = real + "=" * (-len(real) % 4)
    plain = base64.urlsafe_b64decode(padded)
    forgeries = [
        "", "x", "a" * 5000, real[:-2], real + "A", real.swapcase(), "null", "../../etc/passwd", "%00", padded + "=",
        *(base64.urlsafe_b64encode(plain[:i] + bytes([plain[i] ^ 1]) + plain[i + 1 :]).decode().rstrip("=")
          for i in range(len(plain))),
    ]
    for forged in forgeries:
        answer = gateway.ask(
            gateway.url("recorder"), headers=[*NAVIGATION, ("Cookie", f"__Host-vestibule={forged}")]
        )
        assert answer.status == 302, forged
    assert not recorder.requests


def test_a_real_cookie_among_forged_ones_still_counts_or_none_does(gateway, signed_in):
    name = "__Host-vestibule"
    real = signed_in.session("recorder")
    answer = gateway.ask(gateway.url("recorder"), headers=[*NAVIGATION, ("Cookie", f"{name}=forged; {name}={real}")])
    assert answer.status in (200, 302, 400)


def test_signing_out_ends_it_on_every_host(gateway, signed_in, recorder):
    signed_in.visit(gateway.url("second"))
    kept = {host: dict(jar) for host, jar in signed_in.jar.items()}
    out = signed_in.sign_out("second")
    assert out.status == 303 and out.location.startswith(gateway.url("auth", "/_vestibule/login"))
    assert '"cache"' in out.header("clear-site-data")
    recorder.requests.clear()
    thief = Visitor(gateway)
    thief.jar = kept
    for name in ("auth", "recorder", "second"):
        eventually(lambda name=name: not thief.is_signed_in(name), 6, f"signed out at {name}")
    thief.jar = kept
    assert thief.open(gateway.url("recorder")).status == 302
    assert not recorder.requests


def test_signing_out_on_one_device_leaves_the_others_alone(gateway, account, mails):
    laptop, phone = Visitor(gateway), Visitor(gateway)
    for device in (laptop, phone):
        assert device.sign_in(account, gateway.url("recorder"), mails).status == 200
    laptop.sign_out()
    assert not laptop.is_signed_in("recorder")
    assert phone.is_signed_in("recorder")


def test_a_browser_that_keeps_no_cookies_is_told_so_and_not_sent_in_circles(gateway, account):
    person = Visitor(gateway)
    answer = person.enter_password(account, gateway.url("recorder"))
    for _ in range(6):
        if answer.status not in (302, 303):
            break
        person.jar = {}
        answer = person.open(answer.location)
    assert answer.status == 200 and "cookies" in answer.page.words, (answer.url, answer.status)


def test_looking_at_the_sign_out_page_signs_nobody_out(gateway, signed_in):
    assert signed_in.open(gateway.url("recorder", "/_vestibule/logout")).status == 200
    assert signed_in.is_signed_in("recorder")


@pytest.mark.parametrize(
    "headers",
    [
        [("Origin", "https://evil.example")],
        [("Origin", "null")],
        [("Sec-Fetch-Site", "cross-site")],
        [("Sec-Fetch-Site", "same-site"), ("Origin", "https://recorder.vestibule.test")],
        [("Sec-Fetch-Site", "none")],
    ],
)
def test_a_post_from_elsewhere_changes_nothing(gateway, signed_in, people, mails, headers):
    account = people.fresh()
    stranger = Visitor(gateway)
    form = {"username": account.username, "password": account.password}
    answer = stranger.post(gateway.url("auth", "/_vestibule/login"), form, headers=headers)
    assert answer.status in (400, 403) and not stranger.cookies(gateway.url("auth"))
    assert not mails.to(account.email), "nobody is mailed on behalf of a foreign page"

    answer = signed_in.post(gateway.url("auth", "/_vestibule/logout"), {}, headers=headers)
    assert answer.status in (400, 403)
    assert signed_in.is_signed_in()


def test_whoami_says_who_and_how(gateway, signed_in):
    answer = signed_in.fetch(gateway.url("recorder", "/_vestibule/whoami")).json
    account = signed_in.account
    assert (answer["username"], answer["name"], answer["email"]) == (account.username, account.name, account.email)
    assert answer["groups"] == ["staff"] and len(answer["factors"]) == 2 and answer["expires"]
    stranger = Visitor(gateway).fetch(gateway.url("recorder", "/_vestibule/whoami"))
    assert stranger.status == 401


def test_the_signed_in_are_sent_on_from_the_login_page(gateway, signed_in):
    there = signed_in.visit(gateway.url("auth", f"/_vestibule/login?rd={gateway.url('second', '/x')}"))
    assert (there.status, there.url) == (200, gateway.url("second", "/x"))
    home = signed_in.visit(gateway.url("auth", "/"))
    assert home.status == 200 and home.url == gateway.url("auth", "/_vestibule/")
    assert gateway.url("recorder").rstrip("/") in home.text


def test_pages_that_come_later_do_not_exist_yet(gateway, signed_in):
    for path in ("register", "reset", "admin", "account"):
        assert signed_in.open(gateway.url("auth", f"/_vestibule/{path}")).status == 404


def test_several_tabs_do_not_break_each_other(gateway, account, mails):
    person = Visitor(gateway)
    first = person.visit(gateway.url("recorder", "/one"))
    second = person.visit(gateway.url("second", "/two"))
    code_page = person.follow(
        person.submit(first, "/_vestibule/login", username=account.username, password=account.password)
    )
    # The other tab still shows its login form, and its owner types there too.
    other_page = person.follow(
        person.submit(second, "/_vestibule/login", username=account.username, password=account.password)
    )
    newest = len(mails.to(account.email))
    done = person.follow(person.enter_code(other_page, mails.code_for(account.email, newest)))
    assert done.status == 200 and done.url == gateway.url("second", "/two")
    reloaded = person.visit(gateway.url("recorder", "/one"))
    assert reloaded.status == 200 and reloaded.url == gateway.url("recorder", "/one")
    assert code_page.status == 200


def test_two_hosts_opened_at_once_both_finish_their_hand_over(gateway, signed_in):
    for name in ("recorder", "second"):
        signed_in.cookies(gateway.url(name)).clear()
    tabs = [(name, signed_in.open(gateway.url(name, "/tab"))) for name in ("recorder", "second", "recorder")]
    for name, tab in tabs:
        arrived = signed_in.follow(tab)
        assert (arrived.status, arrived.url) == (200, gateway.url(name, "/tab"))


def test_a_ticket_is_good_once_and_only_in_its_own_browser(gateway, signed_in):
    signed_in.cookies(gateway.url("second")).clear()
    step = signed_in.open(gateway.url("second", "/x"))
    while "/_vestibule/enter" not in step.location:
        step = signed_in.open(step.location)
    ticket = step.location
    thief = Visitor(gateway)
    stolen = thief.open(ticket)
    assert stolen.status in (302, 303, 400, 403) and not thief.is_signed_in("second")
    entered = signed_in.visit(gateway.url("second", "/x"))
    assert entered.status == 200
    other = Visitor(gateway)
    other.jar = {host: dict(jar) for host, jar in signed_in.jar.items()}
    other.cookies(gateway.url("second")).pop("__Host-vestibule", None)
    used = other.open(ticket)
    assert not (used.status == 303 and any(line.startswith("__Host-vestibule=") for line in used.all("set-cookie")))


# -- break-glass and restarts -----------------------------------------------------------------------------------


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


def test_the_embedded_store_keeps_sessions_over_a_restart(make_gateway, recorder, account, mails):
    gateway = make_gateway([app("recorder", recorder.url, access=ADMIT)])
    person = Visitor(gateway)
    person.sign_in(account, gateway.url("recorder"), mails)
    gateway.restart()
    assert person.open(gateway.url("recorder")).status == 200
    gateway.kill()
    gateway.start()
    assert person.open(gateway.url("recorder")).status == 200
