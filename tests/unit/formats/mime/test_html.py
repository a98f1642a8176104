"""HTML as it reads."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.formats.mime.html import html_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("plain", "plain"),
        ("wo<b>r</b>d <i class='x'>and</I\n>more", "word andmore"),
        ("one<br>two<p>three</p>four", "one two three four"),
        ("<bracket>x<article>y", " x y"),
        ("a&amp;b &lt;tag&gt; &eacute;&#x4f1a;", "a&b <tag> é会"),
        ("a<style>p { color: red }</style>b<SCRIPT>if (a<b) {}</SCRIPT >c", "a b c"),
        ("a<!-- no <b> -->b", "a b"),
        ("a \r\n\t&nbsp; b", "a b"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("cut <a href='x", "cut "),
        ("cut <!-- x", "cut "),
        ("<!DOCTYPE html><?xml?>x", " x"),
    ],
)
def test_tags_go_and_characters_come(html: str, text: str) -> None:
    assert html_text(html) == text


@given(st.text("<>!-/abspcrit &;#x'\n\x00", max_size=60))
def test_anything_has_a_text(html: str) -> None:
    assert isinstance(html_text(html), str)


@pytest.mark.parametrize("piece", ["<", "<!--", "<script>", "<a", "<a ", "&", "&#", "<style></script>", " \n"])
def test_time_grows_with_length_whatever_is_in_it(piece: str) -> None:
    started = time.process_time()
    html_text(piece * (400_000 // len(piece)))
    assert time.process_time() - started < 2
