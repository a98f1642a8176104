"""Reports to senders: what became of the messages that they have sent (RFC 3461 §5.2, RFC 3464)."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import Callable
from typing import Final

from mailkeep import telemetry
from mailkeep.formats.dsn import Action, Status, compose
from mailkeep.formats.dsn import Report as Written
from mailkeep.formats.submitted import MAX_HEADER, Malformed, read_head
from mailkeep.model.envelope import Return
from mailkeep.service.delivery import Delivery
from mailkeep.service.queue import Report, Reported
from mailkeep.service.spool import Octets
from mailkeep.store.contract import Blob

MAX_RETURNED: Final = 256 * 1024  # octets; of a larger message the header comes back (RFC 3461 §6.2)

log = telemetry.logger(part="reports")


class Reports:
    """Writes reports, and puts them into the INBOX of the sender, who has an account here."""

    def __init__(self, delivery: Delivery, *, hostname: str, clock: Callable[[], float] = time.time) -> None:
        self._delivery = delivery
        self._hostname = hostname
        self._clock = clock

    async def report(self, report: Report) -> None:
        """Tell a sender; it is on disk when this returns, and comes once however often it is asked for.

        Nobody is told of what has no sender (RFC 3461 §5.2).
        Raises: OverQuota (of the sender), Unavailable, NotFound (the account has gone): what is not told is still owed.
        """
        to = report.envelope.reverse_path
        if not to:
            log.warning("reports.nobody_to_tell", id=report.queue_id, account=report.account)
            return
        message = await asyncio.to_thread(self._write, report)
        octets = Octets(len(message), hashlib.sha256(message).digest(), message, None)
        await self._delivery.deliver(report.account, to, "", octets, once=report.once)
        log.info("reports.told", id=report.queue_id, account=report.account, recipients=len(report.recipients))

    def _write(self, report: Report) -> bytes:
        """In a thread: it reads the message, and a long list of recipients takes time."""
        statuses = tuple(_status(reported, report.until) for reported in report.recipients)
        whole = _comes_back_whole(report, statuses)
        return compose(
            Written(
                hostname=self._hostname,
                to=report.envelope.reverse_path,
                token=secrets.token_hex(16),
                made_at=int(self._clock()),
                arrived_at=report.arrived_at,
                recipients=statuses,
                returned=report.message.read() if whole else _header(report.message),
                whole=whole,
                envelope_id=report.envelope.envelope_id,
                held_until=report.envelope.hold_until,
            )
        )


def _status(reported: Reported, until: int | None) -> Status:
    outcome = reported.outcome
    action = _action(reported, until)
    return Status(
        address=reported.recipient.address,
        original=reported.recipient.original,
        action=action,
        status=outcome.enhanced,
        # a success here needs no explanation
        text="" if action is Action.DELIVERED else outcome.text,
        code=0 if action is Action.DELIVERED else outcome.code,
        host=outcome.host,
        tried_at=reported.at,
        retried_until=until if action is Action.DELAYED else None,
    )


def _action(reported: Reported, until: int | None) -> Action:
    """RFC 3461 §5.2.2 (b), §5.2.3 (a), §5.2.5, §5.2.6."""
    outcome = reported.outcome
    if outcome.is_delivered:
        return Action.RELAYED if outcome.host else Action.DELIVERED
    return Action.FAILED if outcome.is_final or until is None else Action.DELAYED


def _comes_back_whole(report: Report, statuses: tuple[Status, ...]) -> bool:
    """With a failure only (RFC 3461 §4.3), and not where it must not travel in the clear (RFC 8689 §5)."""
    return (
        any(status.action is Action.FAILED for status in statuses)
        and report.envelope.returns is not Return.HDRS
        and not report.envelope.require_tls
        and report.message.size <= MAX_RETURNED
    )


def _header(message: Blob) -> bytes:
    start = message.read(0, MAX_HEADER + 2)
    try:
        return start[: read_head(start, whole=message.size <= MAX_HEADER).body_at]
    except Malformed:
        return start
