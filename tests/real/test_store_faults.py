"""Redis goes away: nobody is let in, nobody is signed out, and everything goes on when it is back."""

import re
import time

import pytest

from rig.accounts import PASSWORD, Account
from rig.gateway import PROJECT, app, vestibule
from rig.process import HOST, eventually
from rig.redis import Redis
from rig.visitor import FETCH, Visitor

RULES = [{"paths": ["/public/**"], "policy": "bypass"}, {"policy": "two_factor"}]


@pytest.fixture(scope="module")
def gateway(make_gateway, recorder, redis):
    return make_gateway(
        [app("recorder", recorder.url, access=RULES), app("second", recorder.url, access=RULES)],
        store={"redis": {"url": redis.url}},
    )


def break_by_killing(redis):
    redis.kill()
    return redis.start


def break_by_freezing(redis):
    redis.freeze()
    return redis.thaw


def break_by_demoting(redis):
    """Of nobody: it answers what it knows, and lets nobody write."""
    redis.command("REPLICAOF", HOST, "1")
    return lambda: redis.command("REPLICAOF", "NO", "ONE")


def break_by_refusing(redis):
    """It has come back with another password."""
    redis.kill()
    redis.start("--requirepass", "another")
    return redis.restart


def break_by_loading(redis):
    """It has come back, and reads its data for longer than the test takes."""
    redis.command("EVAL", f"for i = 1, {FILLER} do redis.call('SET', 'filler:' .. i, 'x', 'EX', 600) end", "0")
    redis.command("BGREWRITEAOF")
    eventually(lambda: "aof_rewrite_in_progress:0" in redis.info("persistence"), 20, "written")
    redis.kill()
    redis.start("--key-load-delay", 2000, "--loading-process-events-interval-bytes", 1024)

    def heal():
        redis.restart()
        redis.command("EVAL", f"for i = 1, {FILLER} do redis.call('DEL', 'filler:' .. i) end", "0")

    return heal


FILLER = 30_000

WAYS = {
    "killed": break_by_killing,
    "frozen": break_by_freezing,
    "read-only": break_by_demoting,
    "refusing": break_by_refusing,
    "loading": break_by_loading,
}


@pytest.mark.parametrize("broken", WAYS.values(), ids=WAYS.keys())
def test_while_the_store_is_away_nobody_is_let_in_and_nobody_is_signed_out(
    gateway, redis, signed_in, recorder, account, broken
):
    assert signed_in.open(gateway.url("recorder", "/page")).status == 200
    heal = broken(redis)
    jar = {host: dict(cookies) for host, cookies in signed_in.jar.items()}
    try:
        # Looked up a moment ago: served for up to 5 s more.
        assert signed_in.open(gateway.url("recorder", "/page")).status == 200

        def refused():
            answer = signed_in.open(gateway.url("recorder", "/page"))
            assert answer.status in (200, 503)
            return answer if answer.status == 503 else None

        answer = eventually(refused, 15, "503 once the last look is 5 s old")
        assert int(answer.header("retry-after")) > 0
        assert not answer.all("set-cookie") and signed_in.jar == jar, "cookies are kept"
        assert answer.header("x-request-id") in answer.text

        recorder.requests.clear()
        assert signed_in.fetch(gateway.url("recorder", "/page")).status == 503
        assert not recorder.requests

        public = signed_in.ask(gateway.url("recorder", "/public/page"), headers=[*FETCH, ("Remote-User", "forged")])
        assert public.status == 200
        assert not recorder.last.all("remote-user"), "a bypass path is forwarded without identity"

        # A stranger without a cookie needs no look-up, and can at least see where to sign in; nobody gets further.
        stranger = Visitor(gateway)
        assert stranger.fetch(gateway.url("recorder", "/page")).status in (401, 503)
        assert eventually(lambda: gateway.health("/readyz").status == 503, 15, "not ready")
        assert gateway.health("/healthz").status == 200
        login = stranger.open(gateway.url("auth", "/_vestibule/login"))
        if login.status == 200:
            entered = stranger.submit(
                login, "/_vestibule/login", username=account.username, password=account.password
            )
            assert entered.status == 503 and not entered.all("set-cookie")
    finally:
        heal()
    eventually(lambda: signed_in.open(gateway.url("recorder", "/page")).status == 200, 20, "in again, with the same cookie")
    eventually(lambda: gateway.health("/readyz").status == 200, 20, "ready")
    assert signed_in.jar == jar


def test_while_the_store_is_full_whoever_is_in_goes_on_and_nobody_gets_in(gateway, redis, signed_in, account, mails):
    redis.command("CONFIG", "SET", "maxmemory", "1")
    try:
        eventually(lambda: gateway.health("/readyz").status == 503, 15, "not ready")
        asked = time.monotonic()
        # Past what is remembered: reading goes on.
        eventually(lambda: not_refused(signed_in, gateway) and time.monotonic() - asked > 6, 20, "served all the time")
        stranger = Visitor(gateway)
        login = stranger.open(gateway.url("auth", "/_vestibule/login"))
        entered = stranger.submit(login, "/_vestibule/login", username=account.username, password=account.password)
        assert entered.status == 503 and int(entered.header("retry-after")) > 0
    finally:
        redis.command("CONFIG", "SET", "maxmemory", "0")
    eventually(lambda: gateway.health("/readyz").status == 200, 20, "ready")
    assert Visitor(gateway).sign_in(account, gateway.url("recorder"), mails).status == 200


def not_refused(person, gateway):
    assert person.open(gateway.url("recorder", "/page")).status == 200
    return True


def test_a_gateway_starts_without_its_store_says_why_it_is_not_ready_and_recovers(
    make_gateway, recorder, tmp_path, account, mails
):
    redis = Redis(tmp_path)
    gateway = make_gateway(
        [app("recorder", recorder.url, access=RULES)], store={"redis": {"url": redis.url}}, start=False
    )
    gateway.start(ready=False)
    answer = gateway.health("/readyz")
    assert answer.status == 503 and "store" in answer.text
    assert gateway.ask(gateway.url("recorder", "/public/x"), headers=FETCH).status == 200
    redis.start()
    try:
        eventually(lambda: gateway.health("/readyz").status == 200, 20, "ready")
        # At whichever worker: each has its own way to the store, and they wake each other.
        assert Visitor(gateway).sign_in(account, gateway.url("recorder"), mails).status == 200
    finally:
        redis.stop()


def test_two_gateways_on_one_redis_share_sessions_and_their_end(make_gateway, recorder, redis, account, mails):
    apps = [app("recorder", recorder.url, access=RULES)]
    store = {"redis": {"url": redis.url}}
    one = make_gateway(apps, store=store)
    two = make_gateway(apps, store=store, start=False)
    two.settings["secret"] = one.settings["secret"]
    two.write()
    two.start()
    person = Visitor(one)
    person.sign_in(account, one.url("recorder"), mails)
    there = Visitor(two)
    there.jar = {host: dict(jar) for host, jar in person.jar.items()}
    assert there.is_signed_in("recorder")
    person.sign_out()

    def signed_out():
        there.jar = {host: dict(jar) for host, jar in there.jar.items()}
        return not there.is_signed_in("recorder")

    eventually(signed_out, 6, "signed out at the other gateway too")


def test_an_account_disabled_while_the_store_hangs_is_said_to_be_and_is_out_once_it_is_back(
    make_gateway, recorder, redis, mails
):
    gateway = make_gateway(
        [app("recorder", recorder.url, access=RULES)],
        accounts=[{"database": "sqlite"}],
        store={"redis": {"url": redis.url, "prefix": "disabled:"}},
    )

    def accounts(*arguments, **more):
        return vestibule("account", *arguments, "--config", gateway.file, **more)

    dora = Account("dora", "dora@people.example", "Dora")
    added = accounts("add", dora.username, "--email", dora.email, "--password-stdin", entering=PASSWORD + "\n")
    assert added.returncode == 0, added.stderr
    person = Visitor(gateway)
    person.sign_in(dora, gateway.url("recorder", "/"), mails)
    redis.freeze()
    try:
        disabled = accounts("disable", dora.username)
        assert disabled.returncode == 1
        assert "that is done, but the account's sessions could not be told" in disabled.stderr
        assert "session revoke --account" in disabled.stderr
    finally:
        redis.thaw()
    page = gateway.url("recorder", "/page")
    eventually(lambda: person.fetch(page).status == 401, 5, "nobody disabled is let in")
    again = accounts("disable", dora.username)
    assert again.returncode == 0, again.stderr


def test_nothing_in_redis_opens_anything(gateway, redis, signed_in, mails):
    keys = redis.command("KEYS", "*")
    assert keys, "the session is in Redis"
    contents = b"\n".join([*keys, *(redis.command("DUMP", key) or b"" for key in keys)])
    for secret in (signed_in.session("recorder"), signed_in.session("auth"), mails.code_for(signed_in.account.email)):
        assert secret.encode() not in contents
    assert signed_in.account.username.encode() not in b"\n".join(keys)


def test_the_access_list_of_the_documentation_suffices(make_gateway, recorder, tmp_path, account, mails):
    redis = Redis(tmp_path).start()
    try:
        documented = re.search(r"ACL SETUSER vestibule .*", (PROJECT / "docs" / "operations.md").read_text()).group()
        redis.command(*documented.split())
        url = redis.url.replace("redis://", "redis://vestibule:PASSWORD@")
        gateway = make_gateway([app("recorder", recorder.url, access=RULES)], store={"redis": {"url": url}})
        person = Visitor(gateway)
        assert person.sign_in(account, gateway.url("recorder"), mails).status == 200
        assert person.sign_out().status == 303
        assert redis.command("ACL", "LOG") == []
    finally:
        redis.stop()
