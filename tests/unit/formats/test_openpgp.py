"""OpenPGP keys as a Web Key Directory serves them."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.formats.openpgp import MAX_KEY, MAX_PACKETS, Unusable, directory_hash, serve_key

ARMORED = (Path(__file__).parents[2] / "golden/openpgp/ann.asc").read_bytes()  # two user IDs, one subkey
WHOLE = base64.b64decode(b"".join(line for line in ARMORED.splitlines()[2:-1] if not line.startswith(b"=")))
PRIVATE = b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlFgE\n-----END PGP PRIVATE KEY BLOCK-----\n"


def is_(address: str) -> Callable[[str], bool]:
    return lambda other: other.lower() == address


def packets(octets: bytes) -> list[tuple[int, bytes]]:
    """(type, body) of packets in the legacy format with lengths of one or two octets."""
    found, at = [], 0
    while at < len(octets):
        size = 1 << (octets[at] & 3)
        length = int.from_bytes(octets[at + 1 : at + 1 + size], "big")
        found.append(((octets[at] >> 2) & 15, octets[at + 1 + size : at + 1 + size + length]))
        at += 1 + size + length
    return found


def new_format(tag: int, body: bytes) -> bytes:
    return bytes((0xC0 | tag, 255)) + len(body).to_bytes(4, "big") + body


def test_the_example_of_the_draft_has_its_hash() -> None:
    assert directory_hash("Joe.Doe") == "iy9q119eutrkn8s1mk4r39qejnbu3n5q"


def test_other_user_ids_and_their_signatures_are_not_served() -> None:
    served = packets(serve_key(ARMORED, is_("ann@example.org")))
    assert [tag for tag, _ in served] == [6, 13, 2, 14, 2]
    assert served[1][1] == b"Ann Example <Ann@example.org>"
    assert b"home.example" not in serve_key(WHOLE, is_("ann@example.org"))
    other = packets(serve_key(WHOLE, is_("ann@home.example")))
    assert other[1][1] == b"Ann at home <ann@home.example>"
    assert served[0] == other[0]


def test_what_is_served_is_served_the_same_once_more() -> None:
    served = serve_key(WHOLE, is_("ann@example.org"))
    assert serve_key(served, is_("ann@example.org")) == served


def test_packets_in_the_new_format_are_read_and_photographs_and_trust_left_out() -> None:
    user_id = b"ann@example.org"
    for header in (bytes((0xC0 | 13, len(user_id))), bytes((0xC0 | 13, 255, 0, 0, 0, len(user_id)))):
        key = new_format(6, b"k" * 200) + header + user_id + new_format(2, b"s") + new_format(17, b"photo")
        rest = new_format(2, b"of the photo") + new_format(12, b"trust") + new_format(14, b"sub") + new_format(2, b"b")
        served = serve_key(key + rest, is_("ann@example.org"))
        assert b"photo" not in served
        assert b"trust" not in served
        assert served.endswith(new_format(14, b"sub") + new_format(2, b"b"))
    two_octets = bytes((0xC6, 192, 8)) + b"k" * 200 + bytes((0xC0 | 13, len(user_id))) + user_id
    assert serve_key(two_octets, is_("ann@example.org")) == two_octets


@pytest.mark.parametrize(
    ("octets", "says"),
    [
        (b"", "no user ID"),
        (b"plain text", "no OpenPGP key"),
        (PRIVATE, "private key"),
        (b"Here:\n" + PRIVATE, "private key"),
        (new_format(5, b"secret"), "private key"),
        (WHOLE + new_format(7, b"secret"), "private key"),
        (WHOLE + WHOLE, "one public key"),
        (WHOLE[:-1], "cut off"),
        (WHOLE[:1], "cut off"),
        (b"\xc6\xff", "no length|cut off|user ID"),
        (bytes((0xC6, 230)) + b"x", "no length"),
        (bytes((0x9B,)) + b"x", "no length"),
        (new_format(13, b"ann@example.org"), "one public key"),
        (new_format(6, b"k") + new_format(12, b"") * MAX_PACKETS, "too many"),
        (b"\0" * (MAX_KEY + 1), "at most"),
        (ARMORED.replace(b"-----END", b""), "armor"),
        (ARMORED.replace(b"\n\n", b"\n", 1), "armor"),
        (ARMORED.replace(b"\n\n", b"\n\n!!!!\n", 1), "armor"),
    ],
)
def test_what_cannot_be_served_is_refused_with_a_reason(octets: bytes, says: str) -> None:
    with pytest.raises(Unusable, match=says):
        serve_key(octets, is_("ann@example.org"))


def test_a_key_of_another_address_is_refused() -> None:
    with pytest.raises(Unusable, match="no user ID"):
        serve_key(WHOLE, is_("ben@example.org"))


@given(st.binary(max_size=300) | st.binary(max_size=50).map(lambda cut: WHOLE[: len(cut) * 9] + cut))
def test_no_octets_bring_the_reader_down(octets: bytes) -> None:
    try:
        served = serve_key(octets, lambda _: True)
    except Unusable:
        return
    assert len(served) <= len(octets)
