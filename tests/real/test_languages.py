"""Every page and mail speaks its reader's language: what the browser asks for, else English."""

import re

import pytest

from rig.gateway import app, vestibule
from rig.mail import text_of
from rig.process import HOST, free_port
from rig.visitor import Visitor

GERMAN = "de-AT,de;q=0.9,en;q=0.5"


@pytest.fixture(scope="module")
def site(make_gateway, recorder):
    rules = [{"paths": ["/ops/**"], "groups": ["ops"], "policy": "two_factor"}, {"paths": ["/ops/**"], "policy": "deny"},
             {"policy": "two_factor"}]
    return make_gateway([
        app("recorder", recorder.url, access=rules),
        app("gone", f"http://{HOST}:{free_port()}", access=[{"policy": "bypass"}]),
    ])


def language(answer):
    return re.search(r'<html lang="([^"]*)">', answer.text).group(1)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("de", "de"),
        (GERMAN, "de"),
        ("en;q=0.4, de;q=0.5", "de"),
        ("en-GB,en;q=0.9,de;q=0.8", "en"),
        ("fr-FR,fr;q=0.9", "en"),
        ("", "en"),
        ("*", "en"),
        ("de;q=0, *", "en"),
        ("de;q=nonsense", "en"),
        ("de" + ",x" * 4000, "de"),
    ],
)
def test_a_page_speaks_the_language_that_the_browser_asks_for_most(site, asked, expected):
    login = Visitor(site, languages=asked).visit(site.url("recorder"))
    assert (login.status, language(login)) == (200, expected)
    assert login.header("vary") == "Accept-Language"
    assert login.header("cache-control") == "no-store"
    assert login.page.title.startswith({"de": "Anmelden", "en": "Sign in"}[expected])


def test_a_whole_sign_in_is_german_mail_included(site, people, mails):
    person, account = Visitor(site, languages=GERMAN), people.fresh()
    refused = person.submit(person.visit(site.url("recorder")), "/_vestibule/login", username=account.username, password="wrong")
    assert refused.status == 422 and refused.page.alerts == ["Benutzername oder Passwort ist falsch."]
    code_page = person.ask_for_code(account, site.url("recorder"))
    assert "Wir haben einen 6-stelligen Code an" in code_page.page.words
    mail = mails.wait_for(account.email)
    assert mail["Subject"].startswith("Ihr Anmeldecode für ")
    code = re.match(r"Ihr Anmeldecode lautet (\d{6})\.\n", text_of(mail)).group(1)
    assert "Chrome unter Linux" in text_of(mail) and '<html lang="de">' in text_of(mail, "html")
    landed = person.open(person.enter_code(code_page, code).location)
    assert f"Willkommen zurück, {account.name}" in landed.page.words
    person.follow(landed)
    assert "Ihre Anwendungen" in person.visit(site.url("auth", "/_vestibule/")).page.words


def test_the_gateways_error_pages_speak_it_too(site, people, mails):
    person = Visitor(site, languages=GERMAN)
    for answer, status, said in [
        (person.open(site.url("gone")), 502, "Die Anwendung hat nicht richtig geantwortet"),
        (person.open(site.url("auth", "/_vestibule/nothing")), 404, "Diese Seite gibt es nicht"),
        (site.ask(site.url("recorder"), headers=[("Host", "unknown.example"), *person.navigation]), 421, "gibt es hier nicht"),
    ]:
        assert (answer.status, language(answer), answer.header("vary")) == (status, "de", "Accept-Language")
        assert said in answer.page.words
    account = people.fresh()
    code_page = person.ask_for_code(account, site.url("recorder"))
    mail = text_of(mails.wait_for(account.email))
    person.follow(person.enter_code(code_page, re.search(r"\d{6}", mail).group()))
    forbidden = person.visit(site.url("recorder", "/ops/"))
    assert forbidden.status == 403 and f"Sie sind als {account.username} angemeldet." in forbidden.page.words


def test_what_programs_read_is_not_translated(site):
    person = Visitor(site, languages=GERMAN)
    answer = person.fetch(site.url("gone"), headers=[("Accept-Language", GERMAN)])
    assert answer.status == 502 and answer.json == {"error": "bad_gateway"}
    assert answer.header("vary") is None


def test_an_operators_own_texts_stand_on_pages_and_in_mails_and_add_a_language(make_gateway, recorder, people, mails, tmp_path):
    (tmp_path / "de.ftl").write_text("login-heading = Willkommen bei uns\nmail-code-never = Wir fragen nie danach.\n")
    (tmp_path / "fr.ftl").write_text("login-heading = Se connecter\n")
    gateway = make_gateway(
        [app("recorder", recorder.url, access=[{"policy": "two_factor"}])],
        portal={"locales": str(tmp_path)},
    )
    person, account = Visitor(gateway, languages=GERMAN), people.fresh()
    assert "Willkommen bei uns" in person.visit(gateway.url("recorder")).page.words
    person.ask_for_code(account, gateway.url("recorder"))
    assert "Wir fragen nie danach." in text_of(mails.wait_for(account.email))
    french = Visitor(gateway, languages="fr-FR,fr;q=0.9").visit(gateway.url("recorder"))
    assert language(french) == "fr" and "Se connecter" in french.page.words and "Username or e-mail" in french.page.words


def test_check_says_what_is_wrong_with_an_operators_texts(make_gateway, recorder, tmp_path):
    (tmp_path / "en.ftl").write_text("login-heading = Come in\nlogin-headign = Sign in\n")
    gateway = make_gateway([app("recorder", recorder.url)], start=False, portal={"locales": str(tmp_path)})
    checked = vestibule("check", "--config", gateway.file)
    assert checked.returncode == 2
    assert f"{tmp_path}/en.ftl:2:1: error: no text is called `login-headign`" in checked.stdout
    assert "did you mean `login-heading`?" in checked.stdout
