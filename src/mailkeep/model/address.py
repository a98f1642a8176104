"""Mail addresses as keys: two spellings of one address give one value."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from mailkeep.model.errors import Invalid

MAX_LOCAL_OCTETS: Final = 255  # RFC 5321 asks for 64; longer ones exist (VERP) and cost nothing
MAX_TYPED: Final = 3 * MAX_LOCAL_OCTETS  # characters, before composing: NFC makes one of at most three
MAX_DOMAIN_OCTETS: Final = 255
MAX_ENCODED: Final = 59  # octets of a label behind "xn--"
DETAIL: Final = "+"
_DEVIATING: Final = re.compile("[ßẞς]")
_DOTS: Final = re.compile("[.\u3002\uff0e\uff61]")  # RFC 3490 §3.1


@dataclass(frozen=True, slots=True)
class Address:
    """A normalised address: `local` in NFC and lower case, `domain` in lower-case A-labels (RFC 5890 §2.3.2.1)."""

    local: str
    domain: str

    @property
    def base(self) -> Address:
        """The address without its ``+detail`` (RFC 5233); itself when there is none."""
        base, plus, _ = self.local.partition(DETAIL)
        return Address(base, self.domain) if plus and base else self

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"


def fold(address: str) -> str:
    """An address as a key: letter case does not matter."""
    return address.casefold()


def parse_address(text: str) -> Address:
    """Normalise ``local@domain``; the local part may be quoted as in RFC 5321 §4.1.2.

    Case never distinguishes two addresses here, and U-labels and A-labels of a domain are the same domain.
    Raises: Invalid.
    """
    local, at, domain = text.rpartition("@")
    if not at:
        raise Invalid("An address has the form user@domain")
    if len(local) > MAX_TYPED:  # bounded first: the work of `normalize` can grow with the square of its text
        raise Invalid("The part before @ is too long")
    local = unicodedata.normalize("NFC", unicodedata.normalize("NFC", _unquote(local)).lower())
    if not local or len(local.encode(errors="replace")) > MAX_LOCAL_OCTETS or not local.isprintable():
        raise Invalid("The part before @ is empty, too long or has forbidden characters")
    return Address(local, parse_domain(domain))


def _unquote(local: str) -> str:
    if not (len(local) >= 2 and local.startswith('"') and local.endswith('"')):
        return local
    return re.sub(r"\\(.)", r"\1", local[1:-1])


def parse_domain(domain: str) -> str:
    """Lower-case A-labels of a domain, or an address literal, which stays one.  Raises: Invalid."""
    domain = domain.removesuffix(".")
    if domain.startswith("[") and domain.endswith("]") and domain.isascii() and domain.isprintable():
        return domain.lower()
    # Bounded first: the codec's work grows faster than the text.
    if not domain or len(domain) > MAX_DOMAIN_OCTETS:
        raise Invalid("The domain is empty or too long")
    try:
        ascii_form = to_ascii(domain)
    except UnicodeError as error:
        raise Invalid("The domain is not valid") from error
    if len(ascii_form) > MAX_DOMAIN_OCTETS or not all(_is_label(label) for label in ascii_form.split(".")):
        raise Invalid("The domain is not valid")
    return ascii_form


def to_ascii(domain: str) -> str:
    """A domain in lower-case A-labels, and nothing more is looked at.  Raises: UnicodeError."""
    if _DEVIATING.search(domain) is None:
        return domain.encode("idna").decode("ascii").lower()
    return ".".join(map(_deviating_label, _DOTS.split(domain)))


def _deviating_label(label: str) -> str:
    """Python's codec makes "ss" and "σ" of these: another domain, which may be another's (RFC 5891; UTS 46 §7)."""
    plain = label.replace("ß", "ss").replace("ẞ", "ss").replace("ς", "σ").encode("idna").decode("ascii")
    if _DEVIATING.search(label) is None:
        return plain.lower()
    lowered = unicodedata.normalize("NFKC", label.lower())
    encoded = lowered.encode("punycode").decode("ascii")
    if len(encoded) > MAX_ENCODED or not lowered.isprintable() or "-" in (lowered[0], lowered[-1]):
        raise UnicodeError("no label")
    return f"xn--{encoded}"


def _is_label(label: str) -> bool:
    return bool(label) and label.replace("-", "").replace("_", "").isalnum() and label[0] != "-" and label[-1] != "-"
