"""What was sent and acknowledged, what arrived, and whether the one explains the other."""

from __future__ import annotations

import email
import email.policy
import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import Message
from email.utils import parsedate_to_datetime

from tests.exchange.nodes import Found, Node

NAME = "X-Exchange"
IN_FLIGHT_S = 3.0  # between a copy's stamp (in whole seconds) and the end of its transfer, on a busy machine
CLOCK_S = 0.1
_BY = re.compile(r"\bby\s+([^\s;]+)")


@dataclass(slots=True)
class Sent:
    """A message that a client sent once.

    `recipients`: as they were accepted.  `acknowledged`: None while no answer has come to the data.  `queue_id`: what
    the answer called it, if it did.
    """

    name: str
    domain: str
    sender: str
    body: bytes
    recipients: tuple[str, ...]
    acknowledged: bool | None = None
    queue_id: str = ""


@dataclass(frozen=True, slots=True)
class Lead:
    """To which mailbox an address leads, "" for none; and what a report of failure may call it besides."""

    mailbox: str
    told_as: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hop:
    """A server that took the message: the Received line as it is, the host, and when (UTC seconds)."""

    line: str
    host: str
    at: float


@dataclass(frozen=True, slots=True)
class Copy:
    """A message in a mailbox: `hops` from the sender's server on."""

    name: str
    owner: str
    arrived_at: float
    hops: tuple[Hop, ...]
    whole: bool
    failed: tuple[str, ...] = ()  # addresses, if it is a report
    returned: tuple[Hop, ...] = ()  # of the message that came back with it


Copies = dict[tuple[str, str], list[Copy]]  # of a message: in a mailbox, or the reports on a recipient


@dataclass(slots=True)
class Verdict:
    """What the exchange came to."""

    problems: list[str] = field(default_factory=list)
    explained: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def judge(sent: Iterable[Sent], copies: Sequence[Copy], nodes: Sequence[Node], leads: Mapping[str, Lead]) -> Verdict:
    """Compare all that was sent with all that is in mailboxes."""
    verdict = Verdict()
    known = {one.name: one for one in sent}
    mailboxes = {one.name: {leads[address].mailbox for address in one.recipients} for one in known.values()}
    arrived: Copies = defaultdict(list)
    failed: Copies = defaultdict(list)
    for copy in copies:
        one = known.get(copy.name)
        if one is None:
            verdict.problems.append(f"{copy.owner} has something that nobody sent: {copy.name!r}")
        elif copy.failed:
            verdict.counts["reports"] += 1
            if copy.owner != one.sender:
                verdict.problems.append(f"{copy.owner} has a report on {copy.name}, which is another's")
            for address in copy.failed:
                failed[copy.name, address].append(copy)
        else:
            verdict.counts["messages in mailboxes"] += 1
            arrived[copy.name, copy.owner].append(copy)
            if copy.owner not in mailboxes[copy.name]:
                verdict.problems.append(f"{copy.owner} has {copy.name}, which was for {one.recipients}")
            if not copy.whole:
                verdict.problems.append(f"{copy.name} of {copy.owner} is not whole")
    for one in known.values():
        _compare(one, arrived, failed, leads, verdict)
    for (name, where), same in (*arrived.items(), *failed.items()):
        _explain(name, where, sorted(same, key=lambda copy: copy.arrived_at), nodes, verdict)
    for node in nodes:
        _after_commit(node, known.values(), arrived, leads, verdict)
    return verdict


def _after_commit(
    node: Node, sent: Iterable[Sent], arrived: Copies, leads: Mapping[str, Lead], verdict: Verdict
) -> None:
    """A server writes down once that a recipient was taken, and sends nothing more to him after that."""
    commits = node.commits()
    for (queue_id, recipient), times in commits.items():
        verdict.counts[f"commits of {node.place.hostname}"] += 1
        if len(times) > 1:
            verdict.problems.append(f"{node.place.hostname} settled {queue_id} for {recipient} {len(times)} times")
    for one in sent:
        for address in one.recipients if one.domain == node.place.domain and one.queue_id else ():
            times = commits.get((one.queue_id, address), [])
            for copy in arrived.get((one.name, leads[address].mailbox), []) if times else ():
                # The stamp of the next host is in whole seconds, and not later than its answer.
                if len(copy.hops) > 1 and copy.hops[1].at > times[0] + CLOCK_S:
                    verdict.problems.append(f"{one.name} was sent to {address} again after that had been written down")


def _compare(one: Sent, arrived: Copies, failed: Copies, leads: Mapping[str, Lead], verdict: Verdict) -> None:
    """An acknowledged message is in a mailbox, or, where it cannot be, a report is at its sender."""
    verdict.counts["acknowledged" if one.acknowledged else "without an answer"] += 1
    for address in one.recipients:
        lead = leads[address]
        there = (one.name, lead.mailbox) in arrived
        reported = any((one.name, told) in failed for told in (address, *lead.told_as))
        if lead.mailbox and reported:
            verdict.problems.append(f"{one.name} to {address} was reported as failed")
        elif one.acknowledged and not (there if lead.mailbox else reported):
            verdict.problems.append(f"LOST: {one.name} from {one.sender} to {address}")


def _explain(name: str, where: str, same: Sequence[Copy], nodes: Sequence[Node], verdict: Verdict) -> None:
    """Each copy after the first: was a server killed while the one before was in flight?"""
    for first, second in itertools.pairwise(same):
        why = _why(first, second, nodes)
        if why is None:
            chains = "\n".join("    " + " | ".join(" ".join(h.line.split()) for h in copy.hops) for copy in same)
            verdict.problems.append(f"DOUBLE, and nothing explains it: {name} for {where}\n{chains}")
        else:
            verdict.explained.append(f"{name} for {where}: {why}")


def _why(first: Copy, second: Copy, nodes: Sequence[Node]) -> str | None:
    if first.failed and first.returned != second.returned:  # two copies of the message, each reported on once
        return _diverged(first.returned, second.returned, first.arrived_at, nodes, report=False)
    return _diverged(first.hops, second.hops, first.arrived_at, nodes, report=bool(first.failed))


def _diverged(
    first: tuple[Hop, ...], second: tuple[Hop, ...], arrived_at: float, nodes: Sequence[Node], *, report: bool
) -> str | None:
    """Between the last server that both copies have in common and the next one a transfer was made twice."""
    common = 0
    while common < min(len(first), len(second)) and first[common].line == second[common].line:
        common += 1
    by_host = {node.place.hostname: node for node in nodes}
    if common == len(first) or common == len(second):  # written twice into the mailbox itself
        involved, at = [by_host[first[-1].host]], arrived_at
        exactly_once = type(involved[0]).__name__ == "MailkeepNode"
    else:
        involved = [by_host[hop.host] for hop in first[max(0, common - 1) : common + 1]]
        at = min(first[common].at, second[common].at)
        exactly_once = not common and (not report or type(involved[0]).__name__ == "MailkeepNode")
        exactly_once |= len({id(node) for node in involved}) == 1 and common > 0
    if exactly_once:  # a client sends once, a report is made once, mail within a server is delivered once
        return None
    for node in involved:
        for kill in node.kills:
            if at - 0.5 <= kill <= at + IN_FLIGHT_S:
                return f"{node.place.hostname} was killed {kill - at:+.1f} s from the first transfer"
    return None


def read(found: Found, owner: str, bodies: dict[str, bytes]) -> Copy:
    """What a message in a mailbox says of itself."""
    message = email.message_from_bytes(found.octets, policy=email.policy.compat32)
    if message.get_content_type() == "multipart/report":
        return _read_report(message, owner, found)
    name = message.get(NAME, "")
    body = found.octets.partition(b"\r\n\r\n")[2]
    return Copy(name, owner, found.arrived_at, _hops(message), body.rstrip() == bodies.get(name, b"").rstrip())


def _read_report(message: Message, owner: str, found: Found) -> Copy:
    name, failed, returned = "", [], ()
    for part in message.walk():
        if part.get_content_type() == "message/delivery-status":
            payload = part.get_payload()
            for block in payload if isinstance(payload, list) else []:
                if block.get("Action", "").strip().lower() == "failed":
                    failed.append(block["Final-Recipient"].partition(";")[2].strip())
        elif name_of(part):
            name, returned = name_of(part), _hops(part)
        elif part.get_content_type() == "text/rfc822-headers":
            inner = email.message_from_string(str(part.get_payload()))
            name, returned = name_of(inner), _hops(inner)
    return Copy(name, owner, found.arrived_at, _hops(message), True, tuple(dict.fromkeys(failed)) or ("?",), returned)


def name_of(message: Message) -> str:
    return str(message.get(NAME, ""))


def _hops(message: Message) -> tuple[Hop, ...]:
    hops = []
    for line in reversed(message.get_all("Received", [])):
        by = _BY.search(str(line))
        at = parsedate_to_datetime(str(line).rpartition(";")[2].strip()).timestamp()
        hops.append(Hop(str(line), by[1] if by else "", at))
    return tuple(hops)
