"""What was found, as header fields: Authentication-Results (RFC 8601) and Received-SPF (RFC 7208 §9.1).

And the fields of that kind that came with the message and bear our name: somebody wants them to be believed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from mailkeep.formats.mime.parameters import strip_comments
from mailkeep.model.address import parse_domain
from mailkeep.model.errors import Invalid
from mailkeep.smtp.verify.arc import ArcResult
from mailkeep.smtp.verify.dkim import DkimResult
from mailkeep.smtp.verify.dmarc import Verdict
from mailkeep.smtp.verify.spf import SpfResult

NAME: Final = "Authentication-Results"
RENAMED: Final = b"X-Not-Ours-Authentication-Results"  # forged ones: kept for the curious, believed by nobody
VERSION: Final = "1"
MAX_VALUE: Final = 255  # characters of a value; the rest is cut
MAX_READ: Final = 2000  # octets of a field that came, in which its service must have said who it is
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]+")  # RFC 2045 §5.1
_ATOM: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_FIELD: Final = re.compile(
    rb"^Authentication-Results[ \t]*:([^\n]*\n?(?:[ \t][^\n]*\n?)*)", re.IGNORECASE | re.MULTILINE
)
_SERVICE: Final = re.compile(r"\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^\s;\"]+))(?:\s+(\d+))?\s*(?:;|\Z)", re.DOTALL)
_QUOTED: Final = re.compile(r"\"(?:[^\"\\]|\\.)*(?:\"|\Z)", re.DOTALL)
_STRUCTURE: Final = re.compile(r"[;=\s]")
_DMARC_PASS: Final = re.compile(r";\s*dmarc\s*=\s*pass\b[^;]*?\bheader\.from\s*=\s*\"?([^\s;\"]+)", re.IGNORECASE)


def authentication_results(
    host: str,
    *,
    spf: Sequence[SpfResult],
    dkim: Sequence[DkimResult],
    dmarc: Sequence[Verdict],
    arc: ArcResult,
) -> bytes:
    """The field of a message that was checked, with CRLF (RFC 8601 §2.2)."""
    said = [_dkim(result) for result in dkim] or ["dkim=none"]
    said += [_spf(result) for result in spf]
    said += [_dmarc(verdict) for verdict in dmarc] or ['dmarc=permerror reason="it is from nobody"']
    said.append(_arc(arc))
    return (f"{NAME}: {_value(host)}" + "".join(f";\r\n\t{one}" for one in said) + "\r\n").encode("ascii")


def no_results(host: str) -> bytes:
    """The field of a message that was not checked, with CRLF."""
    return f"{NAME}: {_value(host)}; none\r\n".encode("ascii")


def received_spf(result: SpfResult, *, host: str, peer: str, helo: str, reverse_path: str) -> bytes:
    """The Received-SPF field, with CRLF (RFC 7208 §9.1)."""
    pairs = [
        ("receiver", host),
        ("identity", result.identity),
        ("client-ip", peer),
        ("helo", helo),
        ("envelope-from", reverse_path),
        ("mechanism", result.mechanism or "default"),
    ]
    if result.problem:
        pairs.append(("problem", result.problem))
    keys = ";\r\n\t".join(f"{key}={_value(text, _ATOM)}" for key, text in pairs if text)
    about = f"{_plain(host)}: {_SAID.get(result.result, '')} {_plain(peer)}, for domain {_plain(result.domain)}"
    return f"Received-SPF: {result.result} ({about})\r\n\t{keys}\r\n".encode("ascii")


_SAID: Final = {
    "pass": "the policy permits",
    "fail": "the policy does not permit",
    "softfail": "the policy probably does not permit",
    "neutral": "the policy says nothing about",
    "none": "there is no policy about",
    "temperror": "a fault of DNS while checking",
    "permerror": "the policy has an error, while checking",
}


def _spf(result: SpfResult) -> str:
    return f"spf={result.result}{_reason(result.problem)} smtp.{result.identity}={_value(result.domain)}"


def _dkim(result: DkimResult) -> str:
    tags = (("d", result.domain), ("s", result.selector), ("a", result.algorithm), ("b", result.start))
    found = "".join(f" header.{name}={_value(text)}" for name, text in tags if text)
    return f"dkim={result.result}{_reason(result.reason)}{found}"


def _dmarc(verdict: Verdict) -> str:
    policy = f" (p={verdict.policy.name.lower()})" if verdict.policy is not None else ""
    return f"dmarc={verdict.result}{policy}{_reason(verdict.reason)} header.from={_value(verdict.author)}"


def _arc(result: ArcResult) -> str:
    count = len(result.sealers)
    by = f" (set {count} is sealed by {_plain(result.sealers[-1])})" if count else ""
    return f"arc={result.result}{by}{_reason(result.reason)}"


def _reason(text: str) -> str:
    return f" reason={_value(text)}" if text else ""


def _value(text: str, bare: re.Pattern[str] = _TOKEN) -> str:
    """A token or atom, or else a quoted string; on one line, in ASCII."""
    text = "".join(c if " " <= c <= "~" else "?" for c in text[:MAX_VALUE])
    if bare.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _plain(text: str) -> str:
    """Text for a comment: nothing that could end it."""
    return "".join(c if "!" <= c <= "~" and c not in '()\\"' else "?" for c in text[:MAX_VALUE])


# --- what came with a message


def rename_forged(header: bytes, host: str) -> bytes:
    """`header` with another name for those results that claim to be ours, or that nobody can read (RFC 8601 §5)."""
    return _FIELD.sub(lambda field: field[0] if _is_foreign(field[1], host) else RENAMED + b":" + field[1], header)


def _is_foreign(value: bytes, host: str) -> bool:
    """Whether a field says plainly that its results are of another service than `host`."""
    match = _SERVICE.match(_text(value))
    if match is None or match[3] not in {None, VERSION}:
        return False
    quoted, bare, _ = match.groups()
    return _key(re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else bare) != _key(host)


def _text(value: bytes) -> str:
    """A value without comments, as far as it is looked at."""
    return strip_comments(value[:MAX_READ]).decode("utf-8", "replace")


def _key(name: str) -> str:
    try:
        return parse_domain(name)
    except Invalid:
        return name.casefold().rstrip(".")


def found_pass(results: bytes, author: str) -> bool:
    """Whether results say that a message from `author` passed DMARC.

    A quoted string is a value, such as the sender's address, who may have put there what looks like a result.
    """
    text = _QUOTED.sub(lambda quoted: _STRUCTURE.sub("_", quoted[0]), _text(results))
    return any(_key(match[1]) == author for match in _DMARC_PASS.finditer(text))
