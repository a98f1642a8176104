"""Base subjects (RFC 5256 §2.1)."""

from __future__ import annotations

import re
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.formats.mime.subject import base_subject

pytestmark = pytest.mark.rfc("5256", "2.1")


@pytest.mark.parametrize(
    ("value", "base", "is_reply"),
    [
        (b"hello", "hello", False),
        (b"Re: hello", "hello", True),
        (b"re:hello", "hello", True),
        (b"RE : hello", "hello", True),
        (b"Re[2]: hello", "hello", True),
        (b"Re [list] : hello", "hello", True),
        (b"Fw: hello", "hello", True),
        (b"Fwd: FW: re: hello", "hello", True),
        (b"[list] Re: hello", "hello", True),
        (b"Re: [list] [more] Re: hello", "hello", True),
        (b"[list] hello", "hello", False),
        (b"[a] [b] hello", "hello", False),
        (b"[a]", "[a]", False),
        (b"[a] [b]", "[b]", False),
        (b"Re: [a]", "[a]", True),
        (b"hello (fwd)", "hello", True),
        (b"hello(FWD) (fwd)  ", "hello", True),
        (b"(fwd)", "", True),
        (b"[fwd: hello]", "hello", True),
        (b"[Fwd: Re: [x] hello (fwd)]", "hello", True),
        (b"[list] [fwd: hello]", "hello", True),
        (b"[fwd: hello", "[fwd: hello", False),
        (b"[fwd:]", "", True),
        (b"Re:", "", True),
        (b"", "", False),
        (b"   ", "", False),
        (b"a\t b \t c", "a b c", False),
        (b"Aw: hello", "Aw: hello", False),
        (b"Reply: hello", "Reply: hello", False),
        (b"=?utf-8?q?Re=3A_gr=C3=BC=C3=9Fe?=", "grüße", True),
        (b"Re: =?iso-8859-1?q?[l]_Stra=DFe?=", "Straße", True),
        (b"] x [", "] x [", False),
        (b"[a[b]] c", "[a[b]] c", False),
    ],
)
def test_artifacts_are_removed(value: bytes, base: str, is_reply: bool) -> None:
    assert base_subject(value) == (base, is_reply)


def naive(text: str) -> tuple[str, bool]:
    """The steps as the RFC has them, with copies and searches at each."""
    text, reply = re.sub(r"[ \t\r\n]+", " ", text), False
    while True:
        while match := re.search(r"(\(fwd\)| )\Z", text, re.IGNORECASE):
            text, reply = text[: match.start()], reply or match[0] != " "
        changed = True
        while changed:
            changed = False
            if match := re.match(r"( |(\[[^\[\]]*\] *)*(re|fwd?) *(\[[^\[\]]*\] *)?:)", text, re.IGNORECASE):
                text, changed, reply = text[match.end() :], True, reply or match[0] != " "
            elif (match := re.match(r"\[[^\[\]]*\] *", text)) and text[match.end() :]:
                text, changed = text[match.end() :], True
        if not (match := re.fullmatch(r"\[fwd:(.*)\]", text, re.IGNORECASE | re.DOTALL)):
            return text, reply
        text, reply = match[1], True


@given(
    st.lists(st.sampled_from(["re", "Fwd", "fw", ":", " ", "[", "]", "[fwd:", "(fwd)", "x", "y", "\t"])).map("".join)
)
def test_the_answer_is_that_of_the_rule(text: str) -> None:
    assert base_subject(text.encode()) == naive(text)


@pytest.mark.parametrize(
    "value",
    [b"Re: " * 50_000, b"[a]" * 60_000, b"(fwd)" * 40_000 + b"x", b"[fwd:" * 30_000 + b"]" * 30_000, b"re [a" * 30_000],
    ids=["replies", "blobs", "trailers", "wrapped", "torn"],
)
def test_thousands_of_artifacts_take_no_time(value: bytes) -> None:
    started = perf_counter()
    base_subject(value)
    assert perf_counter() - started < 1
