"""Items of the queue: read, and let go when nothing of them is left to do."""

from __future__ import annotations

from collections import defaultdict

from mailkeep.model.envelope import Body, Envelope, Notify, Outcome, Recipient, Return
from mailkeep.model.errors import NotFound
from mailkeep.model.ids import AccountId
from mailkeep.model.queued import QueuedItem, QueuedLeg, QueuedRecipient, State
from mailkeep.model.uidset import UidSet
from mailkeep.store.contract import Op, Row, Sql
from mailkeep.store.steps.blobs import bury_blobs

RECIPIENT = "leg, number, address, notify, original, state, owed, outcome_at, enhanced, text, code, host, reports"


def read_item(account: AccountId, item: int, leg: int | None) -> Op[QueuedItem]:
    """An item with all of its recipients, or those of one leg.  Raises: NotFound (it, or the leg, is over)."""
    rows = yield Sql(
        "SELECT blob, size, queued_at, held, reverse_path, body, smtputf8, require_tls, returns, envelope_id,"
        " hold_until FROM queue_item WHERE account = ? AND item = ?",
        (account, item),
    )
    one = "" if leg is None else " AND leg = ?"
    args = (account, item) if leg is None else (account, item, leg)
    legs = yield Sql(
        f"SELECT leg, domain, attempts, due_at, warned FROM queue_leg WHERE account = ? AND item = ?{one}",  # noqa: S608  our constants
        args,
    )
    if not (rows and legs):
        raise NotFound("There is no such message in the queue")
    recipients = yield Sql(
        f"SELECT {RECIPIENT} FROM queue_recipient WHERE account = ? AND item = ?{one} ORDER BY number",  # noqa: S608  our constants
        args,
    )
    of_leg: defaultdict[int, list[QueuedRecipient]] = defaultdict(list)
    for row in recipients:
        of_leg[row[0]].append(_recipient(row))
    blob, size, queued_at, held, *envelope = rows[0]
    return QueuedItem(
        account=account,
        number=item,
        blob=blob,
        size=size,
        queued_at=queued_at,
        held=bool(held),
        envelope=_envelope(*envelope),
        legs=tuple(_leg(row, of_leg.pop(row[0], [])) for row in legs),
        finished=tuple(recipient for leg in of_leg.values() for recipient in leg),
    )


def _leg(row: Row, recipients: list[QueuedRecipient]) -> QueuedLeg:
    number, domain, attempts, due_at, warned = row
    return QueuedLeg(
        number=number,
        domain=domain,
        attempts=attempts,
        due_at=due_at,
        warned=bool(warned),
        recipients=tuple(recipients),
    )


def _recipient(row: Row) -> QueuedRecipient:
    _, number, address, notify, original, state, owed, outcome_at, enhanced, text, code, host, reports = row
    outcome = None
    if outcome_at is not None:
        outcome = Outcome(enhanced=enhanced, text=text, code=code, host=host, reports=bool(reports))
    return QueuedRecipient(
        number=number,
        recipient=Recipient(address, None if notify is None else Notify(notify), original),
        state=State(state),
        owed=bool(owed),
        outcome=outcome,
        outcome_at=outcome_at,
    )


def _envelope(
    reverse_path: str,
    body: str,
    smtputf8: int,
    require_tls: int,
    returns: str | None,
    envelope_id: str | None,
    hold_until: int | None,
) -> Envelope:
    return Envelope(
        reverse_path=reverse_path,
        recipients=(),
        body=Body(body),
        smtputf8=bool(smtputf8),
        require_tls=bool(require_tls),
        returns=None if returns is None else Return(returns),
        envelope_id=envelope_id,
        hold_until=hold_until,
    )


def end_leg(account: AccountId, item: int, leg: int, now: int) -> Op[bool]:
    """Remove a leg of which nothing is left to do; whether the item went with it."""
    if (
        yield Sql(
            "SELECT 1 FROM queue_recipient WHERE account = ? AND item = ? AND leg = ? AND (state = ? OR owed) LIMIT 1",
            (account, item, leg, State.WAITING.value),
        )
    ):
        return False
    yield Sql("DELETE FROM queue_leg WHERE account = ? AND item = ? AND leg = ?", (account, item, leg))
    if (yield Sql("SELECT 1 FROM queue_leg WHERE account = ? AND item = ? LIMIT 1", (account, item))):
        return False
    yield from remove_item(account, item, now)
    return True


def remove_item(account: AccountId, item: int, now: int) -> Op[bool]:
    """All rows of an item; its octets too if nothing else names them.  False: there was none."""
    yield Sql("DELETE FROM queue_recipient WHERE account = ? AND item = ?", (account, item))
    yield Sql("DELETE FROM queue_leg WHERE account = ? AND item = ?", (account, item))
    rows = yield Sql("DELETE FROM queue_item WHERE account = ? AND item = ? RETURNING blob", (account, item))
    if rows:
        yield bury_blobs(account, UidSet(blob for (blob,) in rows), now)
    return bool(rows)
