"""DKIM (RFC 6376): which domains take responsibility for a message, as signatures in it say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from mailkeep.smtp.verify.header import Header
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

MAX_SIGNATURES: Final = 10  # of a message that are looked at, the first ones (RFC 6376 §6.1 lets us choose)
NEEDED: Final = (b"v", b"a", b"b", b"bh", b"d", b"h", b"s")


@dataclass(frozen=True, slots=True, kw_only=True)
class DkimResult:
    """`result`: a word of RFC 8601 §2.7.1.  `domain` and `selector` are "" where the signature cannot be read.

    `start`: the first octets of `b=`, which tell signatures of one domain apart (RFC 6008).
    """

    result: str
    domain: str = ""
    selector: str = ""
    algorithm: str = ""
    start: str = ""
    reason: str = ""


def read_signatures(header: Header) -> tuple[list[Signature], list[DkimResult]]:
    """The signatures of a message that can be checked, and what is to be said of the others."""
    signatures, results = [], []
    places = [at for at, (name, _) in enumerate(header.fields) if name.lower() == b"dkim-signature"]
    for at in places[:MAX_SIGNATURES]:
        try:
            signature = read_signature(header, at, NEEDED, arc=False)
        except Refused as refused:
            results.append(DkimResult(result=refused.result, reason=refused.reason))
        else:
            signatures.append(signature)
    return signatures, results


def verify(header: Header, signatures: Iterable[Signature], hashes: Hashes, keys: Keys) -> list[DkimResult]:
    """What is to be said of each signature.  Blocks for milliseconds: to be run in a thread."""
    return [_verify(header, signature, hashes, keys) for signature in signatures]


def _verify(header: Header, signature: Signature, hashes: Hashes, keys: Keys) -> DkimResult:
    result, reason = "pass", ""
    try:
        names = names_in(signature.tags)
        if b"from" not in names:  # RFC 6376 §6.1.1
            raise Refused("permerror", "From is not signed")
        verifier = Verifier(header, keys)
        check_body(signature, hashes)
        verifier.verify_header(signature, names, header.fields[signature.at])
    except Refused as refused:
        result, reason = refused.result, refused.reason
    return DkimResult(
        result=result,
        reason=reason,
        domain=signature.domain,
        selector=signature.selector,
        algorithm=signature.algorithm,
        start=signature.tags[b"b"][:8].decode("ascii", "replace"),
    )
