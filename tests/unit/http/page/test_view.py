from __future__ import annotations

import re
from html.parser import HTMLParser
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.http.page.guides import GUIDES
from mailkeep.http.page.view import MAX_CODE, Page, render
from mailkeep.service.wellknown import Site

SITE = Site(hostname="mail.example.org", imaps=993, imap=143, pop3s=995, submissions=465, submission=587, https=443)
VOID = {"meta", "link", "input", "img"}


class Reader(HTMLParser):
    """Elements with their attributes, and the text; everything that is opened must be closed."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(document)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def shown(site: Site = SITE, **values: str) -> Reader:
    return Reader(render(Page(site=site, style="page.css", script="page.js", **values)))


def test_without_an_address_there_is_only_the_question() -> None:
    page = shown()
    assert "Your mail address" in page.text
    assert "Incoming mail" not in page.text
    assert page.all("details") == []


def test_the_best_way_in_and_out_is_shown_first_and_the_others_folded() -> None:
    text = shown(typed="ann@example.org", address="ann@example.org").text
    best, _, others = text.partition("Other ways to connect")
    assert "993" in best
    assert "465" in best
    assert "995" not in best
    assert all(port in others for port in ("143", "995", "587"))


def test_every_program_has_its_steps() -> None:
    page = shown(address="ann@example.org")
    assert [guide["id"] for guide in page.all("details") if "id" in guide] == [guide.key for guide in GUIDES]


def test_profiles_are_left_out_where_they_could_not_say_how_to_connect() -> None:
    page = shown(Site(hostname="mail.example.org", imap=143, submission=587, https=443), address="ann@example.org")
    assert {guide.get("id") for guide in page.all("details")}.isdisjoint({"iphone", "mac"})
    assert "Install" not in page.text


def test_an_address_that_no_code_can_hold_gets_its_steps_without_one() -> None:
    page = shown(address=f"{'a' * MAX_CODE}@example.org")
    assert page.all("img") == []
    assert "scan this code" not in page.text
    assert "Thunderbird and K-9 Mail on Android" in page.text


def test_a_problem_is_said_to_screen_readers_and_belongs_to_the_field() -> None:
    page = shown(typed="nonsense", problem="This is no mail address.")
    (field,) = page.all("input")
    assert field["aria-invalid"] == "true"
    assert {"class": "problem", "id": field["aria-describedby"], "role": "alert"} in page.all("p")


def test_the_field_has_a_label_and_keeps_what_was_typed() -> None:
    page = shown(typed='"><script>', problem="No.")
    (field,) = page.all("input")
    assert field["value"] == '"><script>'
    assert page.all("label") == [{"for": field["id"]}]


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=30))
def test_no_text_from_elsewhere_becomes_markup(typed: str, address: str, name: str) -> None:
    names = (("example.org", name),) if name else ()
    site = Site(hostname="mail.example.org", imaps=993, submissions=465, https=443, names=names)
    page = shown(site, typed=typed, address=f"{address}@example.org", problem=typed, example=typed)
    plain = shown(SITE, typed="x", address="ann@example.org", problem="x")
    tags = {tag for tag, _ in page.elements}
    assert tags <= {tag for tag, _ in plain.elements}
    assert len(page.all("script")) == 1


def test_nothing_comes_from_another_place() -> None:
    page = shown(address="ann@example.org")
    links = [value for _, attributes in page.elements for key, value in attributes.items() if key in ("src", "href")]
    assert links
    assert not any(":" in str(link) or str(link).startswith("/") for link in links)
    assert not any(attributes.keys() & {"style", "onclick", "onload"} for _, attributes in page.elements)


# What stands on what, of the colours of the style.
ON = [
    ("ink", "ground"),
    ("ink", "sheet"),
    ("faint", "ground"),
    ("faint", "sheet"),
    ("bad", "sheet"),
    ("on-accent", "accent"),
    ("accent", "soft"),
]


def palettes() -> list[dict[str, str]]:
    """Colours by name: of the light theme, of the dark one."""
    style = resources.files("mailkeep.http.page").joinpath("page.css").read_text()
    blocks = re.findall(r":root \{([^}]*)\}", style)
    return [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block)) for block in blocks]


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), ON)
def test_text_stands_out_from_its_ground(theme: int, text: str, ground: str) -> None:
    colours = palettes()[theme]
    high, low = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)
    assert (high + 0.05) / (low + 0.05) >= 4.5
