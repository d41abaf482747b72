"""The report of a simulation in a real browser: on a desk and on a phone, in light and in dark, and on paper."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gemma4_operator.sim.report.page import page
from gemma4_operator.sim.report.shown import Shown
from tests.cluster.chromium import Screen, Tab, browsing
from tests.unit.sim.report.runs import about, minute, played, result

pytestmark = pytest.mark.engine

DESK = Screen(width=1280, height=900)
DESK_AT_NIGHT = Screen(width=1280, height=900, is_dark=True)
PHONE = Screen(width=390, height=844, is_phone=True)
PHONE_AT_NIGHT = Screen(width=390, height=844, is_phone=True, is_dark=True)
SMALL_PHONE = Screen(width=320, height=640, is_phone=True)
PAPER = Screen(width=720, height=1000, media="print")
SCREENS = {
    "desk": DESK,
    "desk-at-night": DESK_AT_NIGHT,
    "phone": PHONE,
    "phone-at-night": PHONE_AT_NIGHT,
    "small-phone": SMALL_PHONE,
    "paper": PAPER,
}

POLICIES = ("gemma4", "hpa:target=40", "hpa:target=8", "keda:running=true,target=20", "static:replicas=1", "knative")

# How many colours a picture has, how much of it is the most frequent one, and how bright that is from 0 to 255.
COLOURS = """
(async data => {
  const image = new Image();
  image.src = `data:image/png;base64,${data}`;
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height), context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const pixels = new Uint32Array(context.getImageData(0, 0, image.width, image.height).data.buffer);
  const counts = new Map();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  const [ground, most] = [...counts].reduce((one, other) => one[1] >= other[1] ? one : other);
  return {width: image.width, height: image.height, colours: counts.size, share: most / pixels.length,
          brightness: ((ground & 255) + (ground >> 8 & 255) + (ground >> 16 & 255)) / 3};
})
"""

# Texts of a drawing that lie on each other or reach over its edge, of those drawings that are shown.
CROWDED = """
[...document.querySelectorAll("svg[role=img]")].filter(svg => svg.getBoundingClientRect().width).flatMap(svg => {
  const room = svg.getBoundingClientRect();
  const texts = [...svg.querySelectorAll("text")].map(text => [text.textContent, text.getBoundingClientRect()]);
  const over = texts.filter(([, box]) => box.left < room.left - 1 || box.right > room.right + 1
                                         || box.top < room.top - 1 || box.bottom > room.bottom + 1);
  const pairs = texts.flatMap(([name, one], index) => texts.slice(index + 1).filter(([, other]) =>
    Math.min(one.right, other.right) - Math.max(one.left, other.left) > 1 &&
    Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > 4).map(([other]) => `${name} / ${other}`));
  return [...over.map(([name]) => `${name} over the edge`), ...pairs];
})
"""

# The height in pixels of the smallest letters that are shown.
SMALLEST = """
Math.min(...[...document.querySelectorAll("svg[role=img] text")].filter(text => text.getBoundingClientRect().width)
  .map(text => parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a))
"""


@pytest.fixture
async def tab(tmp_path: Path) -> AsyncIterator[Tab]:
    async with browsing(tmp_path / "browser") as one:
        yield one


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a page of six policies on forty minutes that rise and fall."""
    reference, *policies = played("clairvoyant", *POLICIES)
    facts = (("Traffic", "forty minutes that rise and fall"), ("Seed", "1"))
    where = about(facts=facts, duration_seconds=2400.0)
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(page(where, policies, reference=reference.result), encoding="utf-8")
    return path


async def look(tab: Tab, path: Path, screen: Screen) -> tuple[bytes, Any]:
    """Return a picture of the page, and what its pixels say."""
    await tab.open(path, screen)
    picture = await tab.picture()
    encoded = await tab.call("Page.captureScreenshot", captureBeyondViewport=True)
    return picture, await tab.value(f"{COLOURS}({encoded['data']!r})")


async def test_it_is_drawn_on_every_screen(tab: Tab, report: Path, tmp_path: Path):
    for name, screen in SCREENS.items():
        picture, seen = await look(tab, report, screen)
        (tmp_path / f"{name}.png").write_bytes(picture)
        assert picture.startswith(b"\x89PNG"), name
        assert seen["width"] == screen.width, "nothing reaches over the right edge"
        assert seen["height"] > 2 * screen.height, "the whole page is on it"
        assert seen["colours"] > 50, "it is not blank"
        assert 0.4 < seen["share"] < 0.97, "there is ground, and there is something on it"
        assert seen["brightness"] < 60 if screen.is_dark else seen["brightness"] > 230, name


async def test_nothing_must_be_scrolled_sideways_but_tables(tab: Tab, report: Path):
    for name, screen in SCREENS.items():
        await tab.open(report, screen)
        assert await tab.value("document.documentElement.scrollWidth") == screen.width, name


async def test_the_browser_has_nothing_to_complain_of_and_fetches_nothing(tab: Tab, report: Path):
    await tab.open(report, DESK)
    await tab.open(report, PHONE_AT_NIGHT)
    assert tab.complaints == []
    assert set(tab.asked) == {report.as_uri()}


async def test_names_and_figures_do_not_lie_on_each_other(tab: Tab, report: Path):
    for name, screen in SCREENS.items():
        await tab.open(report, screen)
        assert await tab.value(CROWDED) == [], name


async def test_letters_are_large_enough_on_a_phone(tab: Tab, report: Path):
    for screen in (PHONE, DESK):
        await tab.open(report, screen)
        assert await tab.value(SMALLEST) >= 9


async def test_paper_needs_no_click(tab: Tab, report: Path):
    await tab.open(report, PAPER)
    seen = "[...document.querySelectorAll('details table')].map(one => one.checkVisibility())"
    assert set(await tab.value(seen)) == {True}
    await tab.open(report, DESK)
    assert set(await tab.value(seen)) == {False}


async def test_each_screen_has_one_frontier(tab: Tab, report: Path):
    shown = "[...document.querySelectorAll('.wide, .narrow')].filter(one => one.getBoundingClientRect().width).length"
    for screen in SCREENS.values():
        await tab.open(report, screen)
        assert await tab.value(shown) == 1


async def test_who_listens_hears_what_each_drawing_is(tab: Tab, report: Path):
    await tab.open(report, DESK)
    tree = await tab.call("Accessibility.getFullAXTree")
    images = [node for node in tree["nodes"] if node.get("role", {}).get("value") in ("image", "img")]
    names = [node["name"]["value"] for node in images]
    assert len(names) == 1 + len(POLICIES)
    assert names[0].startswith("Cost against attainment One mark for each policy")
    assert all("over time" in name for name in names[1:])


async def test_figures_open_at_a_click(tab: Tab, report: Path):
    await tab.open(report, DESK)
    height = "document.querySelector('details').getBoundingClientRect().height"
    closed = await tab.value(height)
    await tab.value("document.querySelector('summary').click()")
    assert await tab.value(height) > closed + 200


async def test_a_day_of_hostile_names_is_drawn_too(tab: Tab, tmp_path: Path):
    """The widest figures, the longest names, and each of them meant to break out."""
    minutes = [
        minute(number, wanted=number * 7 % 400, serving=number * 11 % 400, arrived=60000 + number, kept=number * 30)
        for number in range(1440)
    ]
    policies = [
        Shown(
            policy=f"{'<img src=x onerror=console.log(1)>' * 2}{number}:up=0.123456789,down=0.987654321",
            result=result(99.0 + number / 20, 123.0 + number, minutes=minutes),
        )
        for number in range(10)
    ]
    where = about(title="<script>console.log(1)</script>" * 4, duration_seconds=86400.0)
    path = tmp_path / "report.html"
    path.write_text(page(where, policies, reference=policies[0].result), encoding="utf-8")
    for screen in (DESK, PHONE):
        await tab.open(path, screen)
        assert await tab.value("document.documentElement.scrollWidth") == screen.width
    assert tab.complaints == []
    assert set(tab.asked) == {path.as_uri()}
