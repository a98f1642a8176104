"""Numbers that must not be mixed up."""

from __future__ import annotations

from typing import NewType

AccountId = NewType("AccountId", int)
MailboxId = NewType("MailboxId", int)  # unique within an account, never reused
MessageId = NewType("MessageId", int)  # unique within an account, never reused
Uid = NewType("Uid", int)  # unique within a mailbox, ascending, 1 … 2**32-1
ModSeq = NewType("ModSeq", int)  # one counter per account; 1 … 2**63-1
