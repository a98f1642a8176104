"""The test suite of openspf.org for RFC 7208 (release 2014.04), asked over a real name server.

openspf.json is its rfc7208-tests.yml as JSON; see openspf.LICENSE for who wrote it.  Its explanations (`exp=`) are
not compared: they are text of strangers, and we fetch none.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.dns_server import DnsServer, dns_server

from mailkeep.net.resolver import CachingResolver
from mailkeep.smtp.verify.spf import SpfResult, check_helo, check_mail_from

SUITE = json.loads(Path(__file__).with_name("openspf.json").read_text("utf-8"))
KINDS = ("A", "AAAA", "MX", "TXT", "PTR")
CASES = [(number, test) for number, scenario in enumerate(SUITE) for test in scenario["tests"]]


def quoted(text: str) -> str:
    """One TXT record, in strings of at most 255 octets."""
    octets = text.encode("utf-8")
    pieces = [octets[start : start + 255] for start in range(0, len(octets), 255)] or [b""]
    return " ".join('"' + "".join(f"\\{octet:03d}" for octet in piece) + '"' for piece in pieces)


def value(kind: str, data: Any) -> str:
    match kind:
        case "MX":
            return f"{data[0]} {name(data[1])}."
        case "PTR" | "CNAME":
            return f"{name(data)}."
        case "TXT":
            return " ".join(map(quoted, data)) or '""' if isinstance(data, list) else quoted(data)
        case _:
            return str(data)


def name(text: str) -> str:
    labels = text.removesuffix(".").split(".")
    return ".".join("".join(c if c.isalnum() or c in "-_" else f"\\{ord(c):03d}" for c in label) for label in labels)


def zone(data: dict[str, list[Any]]) -> tuple[str, dict[str, str]]:
    """Text for our server, and the faults; SPF records (type 99) stand for TXT ones where there are none."""
    lines, faults = [], {}
    for owner, entries in data.items():
        records = [item for entry in entries if isinstance(entry, dict) for item in entry.items()]
        if not any(kind == "TXT" for kind, _ in records):
            records = [("TXT" if kind == "SPF" else kind, text) for kind, text in records]
        records = [record for record in records if record[0] != "SPF" and record[1] != "NONE"]
        lines += [f"{name(owner)}. {kind} {value(kind, text)}" for kind, text in records]
        if "TIMEOUT" in entries:
            have = {kind for kind, _ in records}
            faults |= {f"{owner.lower()} {kind}": "SERVFAIL" for kind in KINDS if kind not in have}
    return "\n".join(lines), faults


@cache
def zone_of(number: int) -> tuple[str, dict[str, str]]:
    return zone(SUITE[number]["zonedata"])


@pytest.fixture(scope="module")
def server() -> Iterator[DnsServer]:
    with dns_server() as running:
        yield running


@pytest.mark.rfc("7208", "4")
@pytest.mark.parametrize(("number", "test"), CASES, ids=[test["name"] for _, test in CASES])
def test_a_case_of_the_suite_has_its_result(server: DnsServer, number: int, test: dict[str, Any]) -> None:
    text, faults = zone_of(number)
    server.zones(text)
    server.faults = faults
    asking = CachingResolver([(server.host, server.port)])
    helo, sender = test["helo"], test["mailfrom"]

    async def main() -> SpfResult:
        if not sender:
            return await check_helo(asking, test["host"], helo, "mx.example.org")
        return await check_mail_from(asking, test["host"], helo, sender, "mx.example.org")

    found = asyncio.run(main())
    assert found.result in test["result"], (found, test["spec"])
