"""ARC (RFC 8617): what those who passed a message on say that they found when it came to them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mailkeep.smtp.verify.header import Field, Header
from mailkeep.smtp.verify.signatures import (
    Hashes,
    Keys,
    Refused,
    Signature,
    Verifier,
    check_body,
    names_in,
    read_signature,
)

MAX_SETS: Final = 50  # RFC 8617 §5.2
RESULTS: Final = b"arc-authentication-results"
MESSAGE: Final = b"arc-message-signature"
SEAL: Final = b"arc-seal"
ORDER: Final = (RESULTS, MESSAGE, SEAL)  # in which a seal signs the fields of a set (RFC 8617 §5.1.1)
NEEDED: Final[Mapping[bytes, tuple[bytes, ...]]] = {
    MESSAGE: (b"i", b"a", b"b", b"bh", b"d", b"h", b"s"),
    SEAL: (b"i", b"a", b"b", b"cv", b"d", b"s"),
}
_INSTANCE: Final = re.compile(rb"\s{0,100}i\s{0,100}=\s{0,100}(\d{1,2})\s{0,100};")


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain whose form is right: `places` of the fields of each set, `seals` of each, from the first (i=1) on.

    `message`: the signature of the last set, which must be of the message as it is.
    """

    places: tuple[Mapping[bytes, int], ...]
    seals: tuple[Signature, ...]
    message: Signature


@dataclass(frozen=True, slots=True)
class ArcResult:
    """`result`: "none", "pass" or "fail" (RFC 8617 §4.4).  `sealers`: the domains that sealed, the first one first.

    `found`: what the first sealer says that it found, as the value of its Authentication-Results.
    """

    result: str
    sealers: tuple[str, ...] = ()
    found: bytes = b""
    reason: str = ""


def read_chain(header: Header) -> Chain | ArcResult:
    """The chain, or the result where there is none, or none that could be right (RFC 8617 §5.2, steps 1 to 3)."""
    fields = [(at, name.lower()) for at, (name, _) in enumerate(header.fields) if name.lower() in ORDER]
    if not fields:
        return ArcResult("none")
    try:
        return _read_chain(header, fields)
    except Refused as refused:
        return ArcResult("fail", reason=refused.reason)


def _read_chain(header: Header, fields: list[tuple[int, bytes]]) -> Chain:
    """Raises: Refused."""
    if len(fields) > MAX_SETS * len(ORDER):
        raise Refused("fail", "there are too many sets")
    sets: dict[int, dict[bytes, int]] = {}
    for at, name in fields:
        instance = _instance(header, at, name)
        if name in sets.setdefault(instance, {}):
            raise Refused("fail", f"set {instance} has a field twice")
        sets[instance][name] = at
    numbers = range(1, len(sets) + 1)
    if sorted(sets) != [*numbers] or any(len(members) != len(ORDER) for members in sets.values()):
        raise Refused("fail", "a set is not complete")
    places = tuple(sets[number] for number in numbers)
    seals = tuple(read_signature(header, members[SEAL], NEEDED[SEAL], arc=True) for members in places)
    for number, seal in zip(numbers, seals, strict=True):
        if b"h" in seal.tags or seal.tags[b"cv"] != (b"none" if number == 1 else b"pass"):
            raise Refused("fail", f"seal {number} says that the chain is broken, or nothing")
    message = read_signature(header, places[-1][MESSAGE], NEEDED[MESSAGE], arc=True)
    return Chain(places, seals, message)


def _instance(header: Header, at: int, name: bytes) -> int:
    """The number of the set that a field belongs to.  Raises: Refused."""
    if name == RESULTS:
        match = _INSTANCE.match(header.fields[at][1])
        text = match[1] if match else b""
    else:
        text = read_signature(header, at, NEEDED[name], arc=True).tags[b"i"]
    if not (text.isdigit() and len(text) < 3 and 1 <= int(text) <= MAX_SETS):
        raise Refused("fail", "a field is of no set")
    return int(text)


def verify(header: Header, chain: Chain, hashes: Hashes, keys: Keys) -> ArcResult:
    """Steps 4 to 7 of RFC 8617 §5.2.  Blocks for milliseconds: to be run in a thread."""
    sealers = tuple(seal.domain for seal in chain.seals)
    try:
        verifier = Verifier(header, keys)
        names = names_in(chain.message.tags)
        if SEAL in names or b"from" not in names:
            raise Refused("fail", "the message's signature is of the wrong fields")
        check_body(chain.message, hashes)
        verifier.verify_header(chain.message, names, header.fields[chain.message.at])
        for count in range(len(chain.seals), 0, -1):
            _verify_seal(header, chain, count, keys)
    except Refused as refused:
        return ArcResult("fail", sealers, reason=refused.reason)
    return ArcResult("pass", sealers, header.fields[chain.places[0][RESULTS]][1])


def _verify_seal(header: Header, chain: Chain, count: int, keys: Keys) -> None:
    """The seal of set `count` is of all fields of the sets up to it, in order (RFC 8617 §5.1.1).  Raises: Refused."""
    seal = chain.seals[count - 1]
    sealed: list[Field] = [
        header.fields[members[name]] for members in chain.places[:count] for name in ORDER if members[name] != seal.at
    ]
    # A signature takes fields of one name from the last to the first: so the first set goes to the end.
    signed = Header(b"", tuple(reversed(sealed)))
    names = [name.lower() for name, _ in sealed]
    tags = {**seal.tags, b"c": b"relaxed/relaxed"}
    relaxed = Signature(seal.at, tags, seal.domain, seal.selector)
    Verifier(signed, keys).verify_header(relaxed, names, header.fields[seal.at])
