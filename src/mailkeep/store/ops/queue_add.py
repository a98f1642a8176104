"""A message for the queue, with whom it is for."""

from __future__ import annotations

from mailkeep.model.envelope import Envelope, Recipient
from mailkeep.model.errors import NotFound
from mailkeep.model.ids import AccountId
from mailkeep.store.contract import NewBlob, Op, Sql
from mailkeep.store.steps.blobs import keep_blob


def queue_add(
    account: AccountId,
    blob: NewBlob,
    envelope: Envelope,
    domains: tuple[str, ...],
    recipients: tuple[tuple[int, Recipient], ...],
    now: int,
) -> Op[int]:
    """Returns the number of the item.  `domains` of its legs, and each recipient with the number of its leg.

    All else is said by `envelope`, whose own recipients are not looked at.

    No modseq: mailboxes do not change.  Raises: NotFound, Unavailable (the account has been moved meanwhile).
    """
    rows = yield Sql(
        "UPDATE account SET next_item = next_item + 1, next_blob = next_blob + 1 WHERE account = ?"
        " RETURNING next_item - 1, next_blob - 1",
        (account,),
    )
    if not rows:
        raise NotFound("No such account")
    [(item, new_blob)] = rows
    number = yield from keep_blob(account, new_blob, blob)
    yield Sql(
        "INSERT INTO queue_item VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(account, item, number, blob.size, now, envelope.reverse_path, envelope.body.value),
            *(int(envelope.smtputf8), int(envelope.require_tls), envelope.returns and envelope.returns.value),
            *(envelope.envelope_id, envelope.hold_until),
        ),
    )
    due_at = max(now, envelope.hold_until or 0)
    for leg, domain in enumerate(domains):
        yield Sql("INSERT INTO queue_leg VALUES (?, ?, ?, ?, 0, ?, 0)", (account, item, leg, domain, due_at))
    for place, (leg, recipient) in enumerate(recipients):
        notify = None if recipient.notify is None else recipient.notify.value
        yield Sql(
            "INSERT INTO queue_recipient (account, item, leg, number, address, notify, original, state, owed)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0)",
            (account, item, leg, place, recipient.address, notify, recipient.original),
        )
    return int(item)
