"""What the texts say is true: their configurations pass `check`, their links lead somewhere, their promises are honest."""

import re
import shutil

import pytest
import yaml

from rig.gateway import PROJECT, Certificates, vestibule

TEXTS = sorted([PROJECT / "README.md", *PROJECT.glob("docs/*.md"), PROJECT / "certs" / "README.md"])
BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.M | re.S)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#([^)\s]+))?\)")
BASE = """
secret: ${VESTIBULE_SECRET}
portal: { url: https://auth.example.com }
accounts: [{ file: config/users.yaml }]
mail: { from: signin@example.com, outbox: data/outbox }
listen: [{ address: "127.0.0.1:8443", tls: true }]
tls: { certificates: [{ certificate: certs/example.com.pem, key: certs/example.com.key }] }
apps: [{ name: grafana, url: https://grafana.example.com, upstream: http://127.0.0.1:3000 }]
"""


def blocks():
    for text in TEXTS:
        for found in BLOCK.finditer(text.read_text()):
            line = text.read_text()[: found.start()].count("\n") + 1
            yield pytest.param(found.group(1), id=f"{text.relative_to(PROJECT)}:{line}")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder laid out as the texts assume: config/, certs/, and what the samples refer to."""
    folder = tmp_path_factory.mktemp("installed")
    shutil.copytree(PROJECT / "config", folder / "config")
    # In place of the demo account, whose password is public: `check` refuses it on a public address.
    users = next(block for block in BLOCK.findall((PROJECT / "README.md").read_text()) if block.startswith("users:"))
    (folder / "config" / "users.yaml").write_text(users)
    certs = folder / "certs"
    certs.mkdir()
    made = Certificates(certs, "example.com", "*.example.com")
    for name in ("mail-ca.pem", "redis-ca.pem", "internal.pem"):
        shutil.copy(made.authority, certs / name)
    for name in ("logo.svg", "brand.css"):
        if not (folder / "config" / name).exists():
            (folder / "config" / name).write_text("<svg xmlns='http://www.w3.org/2000/svg'/>" if name.endswith("svg") else "")
    (folder / "config" / "locales").mkdir()
    (folder / "config" / "locales" / "en.ftl").write_text("login-heading = Come in\n")
    return folder


ENVIRONMENT = {
    "VESTIBULE_SECRET": "c2l4dHktZm91ciBjaGFyYWN0ZXJzIG9mIG5vdGhpbmcgaW4gcGFydGljdWxhciwgcmVhbGx5",
    "SMTP_PASSWORD": "x",
    "LEGACY_AUTHORIZATION": "x",
    "REDIS_PASSWORD": "x",
}


@pytest.mark.parametrize("block", list(blocks()))
def test_every_configuration_in_the_texts_passes_check(installed, block):
    parts = yaml.safe_load(block)
    if "users" in parts:
        users = installed / "config" / "snippet-users.yaml"
        users.write_text(block)
        parts = {"accounts": [{"file": str(users)}]}
    whole = {"apps", "accounts", "mail"} <= parts.keys()
    text = block if whole else yaml.safe_dump({**yaml.safe_load(BASE), **parts})
    file = installed / "snippet.yaml"
    file.write_text(text)
    ended = vestibule("check", "--config", file, folder=installed, environment=ENVIRONMENT)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_annotated_sample_passes_check(installed):
    ended = vestibule("check", "--config", "config/vestibule.yaml", folder=installed, environment=ENVIRONMENT)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def anchors(text):
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", text.read_text(), re.M)
    }


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: str(text.relative_to(PROJECT)))
def test_every_link_within_the_project_leads_somewhere(text):
    for target, anchor in LINK.findall(text.read_text()):
        if target.startswith(("http:", "https:", "mailto:")):
            continue
        place = (text.parent / target).resolve()
        assert place.exists(), f"{text.name}: {target}"
        if anchor:
            assert anchor in anchors(place), f"{text.name}: {target}#{anchor}"


def test_the_readme_names_two_set_up_commands():
    commands = re.findall(r"^```(?:sh|bash|console)\n(.*?)^```", (PROJECT / "README.md").read_text(), re.M | re.S)
    assert commands[0].strip() == "cargo run --release -- serve --config config/quickstart.yaml"
    assert commands[1].strip() == "tests/run"


def test_nobody_is_promised_what_mailed_codes_cannot_give():
    for text in TEXTS:
        words = text.read_text().lower()
        for claim in ("phishing-resistant", "phishing-proof"):
            for found in re.finditer(claim, words):
                before = words[max(0, found.start() - 30) : found.start()]
                assert re.search(r"\b(not|no|nor|never)\b", before), f"{text.name}: …{before}{claim}"
        assert "mfa compliant" not in words and "mfa-compliant" not in words
    assert "not phishing-resistant" in (PROJECT / "README.md").read_text()


def test_the_ten_line_configuration_has_ten_lines():
    whole = [block for block in BLOCK.findall((PROJECT / "README.md").read_text()) if "apps:" in block]
    lines = [line for line in whole[0].splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert len(lines) <= 10


def test_every_key_of_the_annotated_sample_is_documented():
    reference = (PROJECT / "docs" / "configuration.md").read_text()
    sample = (PROJECT / "config" / "vestibule.yaml").read_text()
    keys = set(re.findall(r"^(?:# ?)? *(?:- )?([a-z_]+):(?: |$)", sample, re.M)) - {"rotates"}  # an ordinary word
    assert len(keys) > 50, keys
    named = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`[^`\n]+`|^ *(?:- )?(?:\{ )?[a-z_]+:", reference, re.M))))
    assert keys <= named, keys - named
