"""The page as a real browser shows it: on a phone and on a desk, in light and dark, to eyes and to screen readers."""

import itertools
from pathlib import Path

import pytest

from tests.bench.report.browser import CHROMIUM, tab

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")

LOOKS = [(390, "light"), (390, "dark"), (1400, "light"), (1400, "dark")]
CONTRAST = (Path(__file__).parent / "page.js").read_text()
OPENED = "document.querySelectorAll('details').forEach(each => each.open = true)"
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
SMALLEST = """Math.min(...[...document.querySelectorAll('svg text')].filter(each => each.getClientRects().length).map(
    each => {
        const {a, b, c, d} = each.getScreenCTM();
        return parseFloat(getComputedStyle(each).fontSize) * Math.sqrt(Math.abs(a * d - b * c));
    }))"""
LEVELS = "[...document.querySelectorAll('h1, h2, h3, h4')].map(each => Number(each.tagName[1]))"
WITHOUT = """[
    [...document.querySelectorAll('th:not([scope])')].length,
    [...document.querySelectorAll('svg:not([aria-label]), img:not([alt])')].length,
    [...document.querySelectorAll('section:not([aria-label])')].filter(each => !each.querySelector('h2')).length,
    2 - document.querySelectorAll('main, header').length,
]"""
OUTLINED = """(() => {
    const found = document.querySelector('summary');
    found.focus({focusVisible: true});
    return document.activeElement === found && getComputedStyle(found).outlineStyle;
})()"""


@pytest.fixture(scope="module")
def page(reported):
    return reported / "report.html"


async def test_the_page_can_be_read_at_every_width_and_in_both_schemes(page, tmp_path):
    async with tab(tmp_path / "profile") as browser:
        for width, scheme in LOOKS:
            look = f"{width} pixels, {scheme}"
            await browser.look(page, width, scheme)
            await browser.evaluate(OPENED)
            assert await browser.evaluate(OVERFLOW) <= 0, look
            assert await browser.evaluate(SMALLEST) >= 8, look
            found = await browser.evaluate(CONTRAST)
            assert found["count"] > 200, look
            assert found["bad"] == [], look
            assert wrong(browser.events) == [], look
            assert fetched(browser.events) == [page.as_uri()], look
        levels = await browser.evaluate(LEVELS)
        assert levels[0] == 1
        assert all(2 <= level <= before + 1 for before, level in itertools.pairwise(levels))
        assert await browser.evaluate(WITHOUT) == [0, 0, 0, 0]
        assert await browser.evaluate(OUTLINED) == "solid"


async def test_the_checks_find_what_is_wrong(tmp_path):
    page = tmp_path / "bad.html"
    page.write_text(
        "<body style='background: #fff'><p style='color: #999'>pale</p><p>plain</p><div style='width: 999px'>wide</div>"
        "<svg><path d='M0 0H99V99H0Z' fill='#000'/><text x='9' y='30' fill='#333'>hidden</text></svg>"
        "<th>no</th><img src='absent.png'><script>undefined.x</script>"
    )
    async with tab(tmp_path / "profile") as browser:
        await browser.look(page, 390, "light")
        assert await browser.evaluate(OVERFLOW) > 0
        found = await browser.evaluate(CONTRAST)
        assert [text.split(":")[0] for text in found["bad"]] == ["pale", "hidden"]
        assert any("TypeError" in text for text in wrong(browser.events))
        assert len(fetched(browser.events)) == 2


def wrong(events):
    """What a console would show."""
    told = [
        event["params"]
        for event in events
        if event["method"] in ("Runtime.exceptionThrown", "Log.entryAdded")
    ]
    said = [event["params"] for event in events if event["method"] == "Runtime.consoleAPICalled"]
    return [str(each) for each in told + said]


def fetched(events):
    sent = [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]
    return [url for url in sent if not url.startswith("data:")]
