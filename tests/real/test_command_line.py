"""The commands as an operator meets them: what they print, where, and how they end."""

import base64
import json
import re
import ssl

import pytest

from rig.accounts import PASSWORD
from rig.gateway import PROJECT, Certificates, app, vestibule
from rig.redis import Redis

SAMPLES = PROJECT / "config"


def test_a_secret_is_fresh_and_long_enough():
    made = [vestibule("secret").stdout.strip() for _ in range(2)]
    assert made[0] != made[1]
    assert all(len(base64.b64decode(secret)) >= 32 for secret in made)


def test_a_password_hash_is_made_from_a_pipe_and_never_echoed():
    made = vestibule("hash-password", entering=PASSWORD + "\n")
    assert made.returncode == 0
    assert made.stdout.startswith("$argon2id$v=19$m=19456,t=2,p=1$") and made.stdout.count("\n") == 1
    assert PASSWORD not in made.stdout + made.stderr


def test_certificates_are_made_that_a_client_takes(tmp_path):
    made = Certificates(tmp_path, "one.example", "two.example", "127.0.0.1")
    context = ssl.create_default_context(cafile=str(made.authority))
    assert context.get_ca_certs()
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(made.certificate, made.key)
    assert made.key.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("arguments", [[], ["no-such-command"], ["serve", "--no-such-flag"], ["code"]])
def test_wrong_usage_ends_with_2(arguments):
    ended = vestibule(*arguments)
    assert ended.returncode == 2 and ended.stderr and not ended.stdout


def test_a_missing_configuration_is_one_clear_line(tmp_path):
    for command in ("check", "serve"):
        ended = vestibule(command, "--config", tmp_path / "nowhere.yaml")
        assert ended.returncode == 2
        assert "nowhere.yaml" in ended.stderr and len(ended.stderr.strip().splitlines()) == 1


def test_the_configuration_is_also_found_by_the_environment(tmp_path):
    ended = vestibule("check", environment={"VESTIBULE_CONFIG": str(SAMPLES / "quickstart.yaml")}, folder=PROJECT)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.fixture
def right(make_gateway, recorder):
    """A configuration that is right, as an object and a file, with nothing running."""
    return make_gateway([app("recorder", recorder.url)], start=False)


def checked(gateway):
    gateway.write()
    return vestibule("check", "--config", gateway.file)


def test_a_right_configuration_passes(right):
    ended = checked(right)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert right.settings["secret"] not in ended.stdout + ended.stderr


def line_of(gateway, words):
    lines = gateway.file.read_text().splitlines()
    (number,) = [number for number, line in enumerate(lines, 1) if words in line]
    return number


def test_check_names_the_place_of_every_problem_at_once(right):
    right.settings["listn"] = []
    right.settings["session"] = {"idle": "1 fortnight", "lifetime": "12h"}
    right.settings["apps"][0]["access"] = [{"policy": "bypass", "groups": ["ops"]}, {"policy": "two_factors"}]
    right.settings["mail"]["smtp"]["security"] = "none-at-all"
    ended = checked(right)
    said = ended.stdout + ended.stderr
    assert ended.returncode == 2
    for words in ('"listn"', '"idle"', '"two_factors"', '"none-at-all"'):
        place = re.search(rf"vestibule\.yaml:{line_of(right, words)}:\d+: error: ", said)
        assert place, f"no problem is reported at the line of {words}:\n{said}"
    assert "listen" in said, "the nearest known key is suggested"
    assert said.count(": error: ") >= 5
    assert "^" in said


@pytest.mark.parametrize("key", ["certificate", "key"])
@pytest.mark.parametrize("fault", ["missing", "unreadable", "empty", "nonsense", "not matching"])
def test_check_names_the_line_of_a_certificate_that_cannot_be_used(right, tmp_path, key, fault):
    entry = right.settings["tls"]["certificates"][0]
    place = tmp_path / f"faulty-{key}.pem"
    match fault:
        case "missing":
            pass
        case "unreadable":
            place.mkdir()
        case "empty":
            place.write_text("")
        case "nonsense":
            place.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
        case "not matching":
            other = Certificates(tmp_path, "other.example")
            place.write_bytes((other.certificate if key == "certificate" else other.key).read_bytes())
    entry[key] = str(place)
    ended = checked(right)
    said = ended.stdout + ended.stderr
    assert ended.returncode == 2, said
    lines = [int(line) for line in re.findall(r"vestibule\.yaml:(\d+):\d+: error", said)]
    around = line_of(right, f"faulty-{key}.pem")
    assert any(abs(line - around) <= 1 for line in lines), f"not at line {around}:\n{said}"


CHECKS = {
    "a portal on an app's host": (
        lambda settings: settings["apps"][0].update(url=settings["portal"]["url"]), "host"),
    "an account without an address": (
        lambda settings: settings.update(accounts=[{"file": "no-address.yaml"}]), "email"),
    "a duplicate app name": (
        lambda settings: settings["apps"].append({**settings["apps"][0], "url": "https://x.vestibule.test"}), "recorder"),
    "a short secret": (lambda settings: settings.update(secret="c2hvcnQ="), "32"),
    "a missing variable": (lambda settings: settings.update(secret="${NO_SUCH_VARIABLE_HERE}"), "NO_SUCH_VARIABLE_HERE"),
    "plain smtp to another machine": (
        lambda settings: settings["mail"]["smtp"].update(host="mail.example.com", security="none"), "unencrypted"),
    "an http app on a public host": (
        lambda settings: settings["apps"][0].update(url="http://recorder.example.com"), "http"),
    "a code that lives too long": (lambda settings: settings.update(email_code={"lifetime": "11m"}), "10m"),
    "too few digits": (lambda settings: settings.update(email_code={"digits": 4}), "6"),
    "redis without a secret": (
        lambda settings: (settings.pop("secret"), settings.update(store={"redis": {"url": "redis://127.0.0.1"}})), "secret"),
    "trusting everybody": (lambda settings: settings.update(trusted_proxies=["not a network"]), "network"),
}


@pytest.mark.parametrize("case", CHECKS)
def test_check_refuses(right, case):
    (right.folder / "no-address.yaml").write_text(json.dumps({"users": {"a": {"name": "A", "password": "$argon2id$x"}}}))
    change, word = CHECKS[case]
    change(right.settings)
    right.write()
    ended = vestibule("check", "--config", right.file, folder=right.folder)
    said = ended.stdout + ended.stderr
    assert ended.returncode == 2, said
    assert word.lower() in said.lower(), said
    assert "panicked" not in said


def test_two_apps_on_one_host_name_are_a_warning(right):
    first = right.settings["apps"][0]
    right.settings["apps"].append({**first, "name": "two", "url": first["url"].replace(str(right.port), "4443")})
    ended = checked(right)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "warning" in ended.stdout + ended.stderr


def test_a_duplicate_key_is_an_error(right):
    text = right.file.read_text()
    right.file.write_text(text.rstrip().rstrip("}") + ',\n"store": "embedded"\n}')
    ended = vestibule("check", "--config", right.file)
    assert ended.returncode == 2 and "store" in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    "text", ["", "[]", "a: [", "\x00", "&a [*a]", "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b, *b]", "- 1\n- 2", "secret: {}", "\ufeffapps: 3"]
)
def test_a_file_that_is_no_configuration_is_refused_in_words(tmp_path, text):
    file = tmp_path / "odd.yaml"
    file.write_text(text)
    ended = vestibule("check", "--config", file)
    assert ended.returncode == 2 and "odd.yaml" in ended.stdout + ended.stderr
    assert "panicked" not in ended.stderr


def test_check_connects_when_asked_and_says_what_answered(right, redis, recorder):
    right.settings["store"] = {"redis": {"url": redis.url}}
    right.write()
    good = vestibule("check", "--connect", "--config", right.file)
    assert good.returncode == 0, good.stdout + good.stderr
    right.settings["store"] = {"redis": {"url": "redis://127.0.0.1:1/0"}}
    right.write()
    bad = vestibule("check", "--connect", "--config", right.file)
    assert bad.returncode == 1, bad.stdout + bad.stderr
    assert "127.0.0.1:1" in bad.stdout and "app recorder: ok" in bad.stdout


def test_check_connects_to_redis_and_warns_of_what_will_cost_sessions(right, tmp_path):
    redis = Redis(tmp_path).start()
    try:
        right.settings["store"] = {"redis": {"url": redis.url}}
        right.write()
        check = lambda: vestibule("check", "--connect", "--config", right.file)
        assert "store: warning" not in check().stdout, "this one is as it should be"
        redis.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        redis.command("CONFIG", "SET", "appendonly", "no")
        said = check().stdout
        assert said.count("store: warning") == 2 and "allkeys-lru" in said and "appendonly" in said
        redis.command("ACL", "SETUSER", "gate", "on", ">secret", "~*", "&*", "+@all", "-getdel")
        right.settings["store"] = {"redis": {"url": redis.url.replace("//", "//gate:secret@")}}
        right.write()
        lacking = check()
        assert lacking.returncode == 1 and "getdel" in lacking.stdout
        redis.command("ACL", "SETUSER", "gate", "+getdel", "-subscribe")
        deaf = check()
        assert deaf.returncode == 0 and "not heard" in deaf.stdout
    finally:
        redis.stop()


def test_the_samples_are_right():
    ended = vestibule("check", "--config", SAMPLES / "quickstart.yaml", folder=PROJECT)
    assert ended.returncode == 0, ended.stdout + ended.stderr
