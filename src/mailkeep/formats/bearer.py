"""SASL mechanisms that carry a bearer token (RFC 6750), server side: OAUTHBEARER (RFC 7628) and XOAUTH2.

XOAUTH2 is what Google had before RFC 7628, and what most clients speak: the same without a GS2 header, with the name as
a pair of its own.  Octets here are the mechanism's own: base64 and "cancelled" belong to the protocol that carries it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

from mailkeep.formats.sasl import SaslError

OAUTHBEARER: Final = "OAUTHBEARER"
XOAUTH2: Final = "XOAUTH2"
MECHANISMS: Final = (OAUTHBEARER, XOAUTH2)
"""The better first."""

MAX_RESPONSE: Final = 24 * 1024  # octets; tokens that tell many groups have some 8000
MAX_PAIRS: Final = 32

# RFC 5801 §4: no channel binding is offered, so a client may say that it has none (n), or that it believes that we have
# none (y); the name it may give has its commas and equals signs written as =2C and =3D.
_GS2: Final = re.compile(r"[ny],(?:a=(?P<user>(?:[^,=\0\x01]|=2C|=3D)+))?,\x01")
_PAIR: Final = re.compile(r"(?P<key>[A-Za-z]+)=(?P<value>[\t\n\r\x20-\x7e\x80-\U0010ffff]*)")
_TOKEN: Final = re.compile(r"bearer +(?P<token>[A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)  # RFC 6750 §2.1: b64token


@dataclass(frozen=True, slots=True, repr=False)
class Bearer:
    """What the client sends: a token, and the account it wants; "" where the token alone says which.

    A token of "" opens nothing: so clients ask what they need (RFC 7628 §4.3).
    """

    user: str
    token: str


def parse(mechanism: str, response: bytes) -> Bearer:
    """The client's first response, of one of `MECHANISMS`.

    `host` and `port`, which OAUTHBEARER may tell, are not compared with anything: a mail server has many names and
    stands behind proxies and NAT, so that it knows nothing better (RFC 7628 §3.2).
    Raises: SaslError.
    """
    if len(response) > MAX_RESPONSE:
        raise SaslError("The token is too long")
    try:
        text = response.decode()
    except UnicodeDecodeError as error:
        raise SaslError("The response is not UTF-8") from error
    return _oauthbearer(text) if mechanism == OAUTHBEARER else _xoauth2(text)


def _oauthbearer(text: str) -> Bearer:
    """RFC 7628 §3.1: a GS2 header, then pairs, each ended by ^A, and a last ^A."""
    header = _GS2.match(text)
    if header is None:
        raise SaslError("An OAUTHBEARER response begins with a GS2 header without channel binding")
    user = (header["user"] or "").replace("=2C", ",").replace("=3D", "=")
    return Bearer(user, _token(_pairs(text[header.end() :])))


def _xoauth2(text: str) -> Bearer:
    """``user=NAME ^A auth=Bearer TOKEN ^A ^A``, as Google describes it."""
    pairs = _pairs(text)
    if not pairs.get("user"):
        raise SaslError("An XOAUTH2 response names a user")
    return Bearer(pairs["user"], _token(pairs))


def _pairs(text: str) -> dict[str, str]:
    """Pairs by name.  Unknown ones are for others (RFC 7628 §3.1); of two of one name nobody knows which counts."""
    if not text.endswith("\x01\x01"):
        raise SaslError("The response is cut off")
    pairs: dict[str, str] = {}
    for piece in text[:-2].split("\x01", MAX_PAIRS - 1):
        found = _PAIR.fullmatch(piece)
        if found is None or found["key"] in pairs:
            raise SaslError("The response does not consist of pairs, each given once")
        pairs[found["key"]] = found["value"]
    return pairs


def _token(pairs: dict[str, str]) -> str:
    """The bearer token; "" for none, and for credentials of another kind."""
    found = _TOKEN.fullmatch(pairs.get("auth", ""))
    return "" if found is None else found["token"]


def refusal(mechanism: str, *, scope: str, configuration: str) -> bytes:
    """What a client is told whose token does not open the account; it answers, and then the exchange fails.

    `scope`: what a token needs, "" for nothing; `configuration`: where the provider describes itself.
    RFC 7628 §3.2.2; XOAUTH2 has a status of HTTP and knows nothing of where.
    """
    told = {"status": "invalid_token"} if mechanism == OAUTHBEARER else {"status": "401", "schemes": "Bearer"}
    if scope:
        told["scope"] = scope
    if mechanism == OAUTHBEARER and configuration:
        told["openid-configuration"] = configuration
    return json.dumps(told, separators=(",", ":")).encode()
