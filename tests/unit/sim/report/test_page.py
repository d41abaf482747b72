"""The page as a whole: word for word, safe against what it quotes, complete in itself, and small."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from gemma4_operator.sim.report.page import page
from gemma4_operator.sim.report.shown import About, Shown
from gemma4_operator.sim.result import Result
from tests.unit.sim.report.runs import ABOUT, about, minute, played, result, shown

SMALL = ("gemma4", "hpa:target=40", "hpa:target=8", "static:replicas=1")
VOID = {"meta", "link", "br", "wbr", "img", "hr", "input", "path", "rect", "circle", "use"}


class HtmlFile(SingleFileSnapshotExtension):
    """A snapshot that a browser opens."""

    file_extension = "html"
    _write_mode = WriteMode.TEXT


class Read(HTMLParser):
    """What a parser makes of a page: its elements, each with its attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == [], "each element that begins also ends"

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def named(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


def made(*policies: Shown, where: About = ABOUT, reference: Result | None = None) -> str:
    return page(where, policies, reference=reference or result(100.0, 2.0))


@pytest.fixture(scope="module")
def small() -> str:
    reference, *policies = played("clairvoyant", *SMALL)
    facts = (("Traffic", "forty minutes that rise and fall"), ("Boot", "60 s"))
    return page(about(facts=facts, duration_seconds=2400.0), policies, reference=reference.result)


def test_a_small_run(small: str, snapshot: SnapshotAssertion):
    assert small == snapshot(extension_class=HtmlFile)


def test_it_says_what_was_played(small: str):
    text = " ".join(" ".join(Read(small).text).split())
    for words in ("chats.csv", "Traffic forty minutes that rise and fall", "Boot 60 s", "Program gemma4 1.2.3"):
        assert words in text


class TestNothingIsAskedOfAnybody:
    def test_no_address_no_script_no_import(self, small: str):
        assert re.findall(r"https?:|//\w|@import|<script|<link|<img|\ssrc=", small) == []

    def test_what_is_referred_to_is_in_the_page(self, small: str):
        assert set(re.findall(r"url\(([^)]*)\)|href=\"([^\"]*)\"", small)) == {
            ("#hatch", ""),
            ("", "#demand"),
            ("", "#need"),
        }


class TestWhatIsQuotedIsTextAndNothingElse:
    EVIL = "<script>alert('x')</script>\"&'<!--"

    @pytest.fixture
    def evil(self) -> Read:
        where = about(title=self.EVIL, facts=((self.EVIL, self.EVIL),), version=self.EVIL)
        return Read(made(shown(f"a:{self.EVIL}", 99.5, 3.0), shown(f"b:{self.EVIL}", 50.0, 4.0), where=where))

    def test_no_element_comes_of_it(self, evil: Read):
        assert evil.named("script") == []

    def test_nor_an_attribute(self, evil: Read):
        harmless = Read(made(shown("a:x", 99.5, 3.0), shown("b:x", 50.0, 4.0), where=about(facts=(("x", "x"),))))
        assert [(tag, sorted(one)) for tag, one in evil.elements] == [
            (tag, sorted(one)) for tag, one in harmless.elements
        ]

    def test_it_can_be_read(self, evil: Read):
        text = "".join(evil.text)
        assert text.count(self.EVIL) > 10


class TestForWhoCannotSeeIt:
    def test_every_drawing_has_a_title_and_a_description(self, small: str):
        read = Read(small)
        ids = [one["id"] for _, one in read.elements if "id" in one]
        assert len(ids) == len(set(ids))
        drawings = [one for one in read.named("svg") if one.get("aria-hidden") != "true"]
        assert len(drawings) == 2 + len(SMALL)
        for one in drawings:
            assert one["role"] == "img"
            title, description = one["aria-labelledby"].split()
            assert {title, description} <= set(ids)

    def test_every_drawing_has_a_table(self, small: str):
        captions = re.findall(r"<caption>(.*?)</caption>", small)
        assert captions == [
            "All policies with their figures",
            "The points of the drawing, by cost",
            *(f"{policy} over time" for policy in ("gemma4", "hpa:target=40", "hpa:target=8", "static:replicas=1")),
        ]

    def test_rows_and_columns_have_heads(self, small: str):
        assert {one.get("scope") for one in Read(small).named("th")} == {"col", "row", "rowgroup"}

    def test_it_has_a_language_and_one_heading_of_the_first_rank(self, small: str):
        read = Read(small)
        assert read.named("html") == [{"lang": "en"}]
        assert len(read.named("h1")) == 1


class TestColours:
    """By the rules of WCAG: text 4.5 to 1, lines that carry meaning 3 to 1, in both themes."""

    @staticmethod
    def themes() -> Iterator[dict[str, str]]:
        text = made(shown())
        light = dict(re.findall(r"--(\w+): (#\w{6})", text.partition("@media")[0]))
        dark = dict(re.findall(r"--(\w+): (#\w{6})", text.partition("@media")[2].partition("* {")[0]))
        assert light.keys() == dark.keys()
        yield from (light, dark)

    @staticmethod
    def contrast(one: str, other: str) -> float:
        def luminance(colour: str) -> float:
            channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
            linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
            return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

        dark, light = sorted((luminance(one), luminance(other)))
        return (light + 0.05) / (dark + 0.05)

    def test_text_can_be_read(self):
        for theme in self.themes():
            for ground in ("paper", "card"):
                for ink in ("ink", "soft", "wanted"):
                    assert self.contrast(theme[ink], theme[ground]) >= 4.5, (ink, ground)

    def test_lines_can_be_seen_on_every_ground(self):
        for theme in self.themes():
            for line in ("serving", "wanted", "ink"):
                for ground in ("paper", "card", "need", "keeps"):
                    assert self.contrast(theme[line], theme[ground]) >= 3, (line, ground)

    def test_what_is_told_by_colour_is_told_by_form_as_well(self, small: str):
        style = small.partition("<style>")[2].partition("</style>")[0]
        for name in ("wanted", "objective"):
            assert "stroke-dasharray" in re.findall(rf"^\.{name} {{(.*?)}}", style, re.MULTILINE)[0]
        assert "url(#hatch)" in re.findall(r"^\.short {(.*?)}", style, re.MULTILINE)[0]


def test_a_day_of_ten_restless_policies_is_less_than_a_megabyte():
    minutes = [
        minute(number, wanted=number * 7 % 40, serving=number * 11 % 40, arrived=60 + number % 50, kept=number % 60)
        for number in range(1440)
    ]
    policies = [shown(f"p{number}:target=1", 90.0, 5.0 + number, minutes=minutes) for number in range(10)]
    text = made(*policies, where=about(duration_seconds=86400.0), reference=policies[0].result)
    assert len(text.encode()) < 600_000


def test_a_day_looks_like_a_day():
    minutes = [minute(number) for number in range(1440)]
    run = result(minutes=minutes)
    text = made(Shown(policy="a", result=run), where=about(duration_seconds=86400.0), reference=run)
    assert re.search(r">hours</text>", text)
    assert '<th scope="row">23:00' in text


def test_a_run_of_one_moment_is_a_page_too():
    run = result(minutes=[minute(0, arrived=1, kept=1)])
    text = made(Shown(policy="a", result=run), where=about(duration_seconds=0.0), reference=run)
    assert "a keeps 99 %" in text
