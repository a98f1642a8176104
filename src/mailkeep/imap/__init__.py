"""IMAP4rev1 and IMAP4rev2 (RFC 3501, RFC 9051): a window on the account.

- `wire` turns octets into values and back; `commands` holds one small function per command, listed in one table.
- Sequence numbers exist only in `selected.py`.
- A session never computes untagged data about messages itself: it asks its `SelectedView` what to say.
"""
