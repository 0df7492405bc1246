"""Every page in every state, as the views write it: nothing that axe-core finds, nothing that sticks out, in both languages.

The pages come from the gallery of the views' own tests, so that those are looked at, too, which take long to get to.
"""

import os
import subprocess

import pytest

from rig.browser import DESKTOP, NARROW, PHONE, assert_accessible, assert_fits
from rig.gateway import PROJECT

SITE = "https://gallery.example"
SHOTS = PROJECT / "target" / "screenshots"
GALLERY = "portal::view::tests::gallery_to_look_at"


@pytest.fixture(scope="module")
def gallery(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gallery")
    made = subprocess.run(
        ["cargo", "test", "--locked", "--quiet", "--lib", "--", "--ignored", "--exact", GALLERY],
        cwd=PROJECT, env={**os.environ, "GALLERY": str(folder)}, capture_output=True, text=True, timeout=900,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    return folder


def names(gallery):
    """All pages but the one that goes on by itself; of the error pages, which are alike, three."""
    found = sorted(file.stem for file in gallery.glob("*.html"))
    shown = ("error-forbidden", "error-badgateway", "error-maintenance-anonymous")
    alike = [name for name in found if name.startswith("error-") and not name.startswith(shown)]
    chosen = [name for name in found if name not in alike and not name.startswith("continue")]
    assert len(chosen) > 40, found
    return chosen


def serve(page, folder):
    """Answers for the gallery's host out of the folder, and for nobody else."""

    def answer(route):
        file = folder / route.request.url.removeprefix(SITE).lstrip("/")
        if route.request.url.startswith(SITE) and file.is_file():
            route.fulfill(path=file)
        else:
            route.abort()

    page.route("**/*", answer)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "viewport"), [("390", PHONE), ("1280", DESKTOP)])
def test_every_page_in_every_state_is_accessible_and_fits(gallery, chromium, width, viewport, scheme):
    SHOTS.mkdir(parents=True, exist_ok=True)
    with chromium.person(scheme=scheme, viewport=viewport) as person:
        page = person.page
        serve(page, gallery)
        for name in names(gallery):
            # The languages differ in length alone, and the accents in colour.
            if name.endswith("-de") == (scheme == "light") and not name.startswith("accent"):
                continue
            page.goto(f"{SITE}/{name}.html")
            assert_accessible(page)
            for summary in page.locator("details > summary").all():
                summary.click()
            assert_fits(page)
            page.screenshot(path=SHOTS / f"gallery-{name}-{width}-{scheme}.png", full_page=True)


def test_every_page_fits_the_narrowest_screen(gallery, chromium):
    with chromium.person(viewport=NARROW) as person:
        serve(person.page, gallery)
        for name in names(gallery):
            person.page.goto(f"{SITE}/{name}.html")
            assert_fits(person.page)


def test_the_keyboard_goes_through_a_page_in_its_order_and_is_seen(gallery, chromium):
    with chromium.person() as person:
        page = person.page
        serve(page, gallery)
        page.goto(f"{SITE}/kit.html")
        page.keyboard.press("Tab")
        skip = page.locator(":focus")
        assert skip.get_attribute("href") == "#main" and skip.bounding_box()["height"] > 20, "the way past the links is seen"
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.name") == "search", "past the links"
        before, unseen = -1, []
        while page.evaluate("document.activeElement !== document.body"):
            place, seen = page.evaluate(
                """() => {
                     const active = document.activeElement, style = getComputedStyle(active);
                     const all = [...document.querySelectorAll('a, button, input, select, textarea, summary')];
                     return [all.indexOf(active), style.outlineStyle !== 'none' || style.boxShadow !== 'none'];
                   }"""
            )
            assert place > before, "the keyboard goes where the eye goes"
            if not seen:
                unseen.append(page.evaluate("document.activeElement.outerHTML"))
            before = place
            page.keyboard.press("Tab")
        assert before > 20 and not unseen, unseen


def test_what_cannot_be_undone_asks_first_without_javascript(gallery, chromium):
    with chromium.person(javascript=False) as person:
        page = person.page
        serve(page, gallery)
        page.goto(f"{SITE}/kit.html")
        really = page.locator("details.confirm button")
        assert not really.is_visible()
        page.locator("details.confirm summary").focus()
        page.keyboard.press("Enter")
        assert really.is_visible()
