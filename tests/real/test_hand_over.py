"""From the portal to the apps' hosts: several tabs, several hosts, tickets that are good once."""

from rig.visitor import Visitor


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
