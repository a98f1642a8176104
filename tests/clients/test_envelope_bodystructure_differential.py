"""ENVELOPE, BODYSTRUCTURE and BODY beside Dovecot's, for mail of every kind.

Where the two differ, a row of `tests.structure.ALLOWED` or `ALLOWED_ODD` says why, with the RFC's word on who is right;
any other difference fails.
"""

from __future__ import annotations

import pytest
from tests.corpus import ODD, messages
from tests.dovecot import Ports, fetch_all
from tests.structure import ALLOWED_ODD, Row, row_of, unexplained

from mailkeep.formats.mime.scan import scan
from mailkeep.imap.derive import DERIVERS, LIST, listing

COUNT = 400
_list = next(deriver.function for deriver in DERIVERS if deriver.kind == LIST)


def ours(data: bytes) -> Row:
    row = listing(_list(scan(data), data))
    return row_of(b"(%b BODY %b)" % (row.both, row.body))


@pytest.mark.rfc("9051", "7.5.2")
def test_ordinary_messages_look_as_they_do_in_dovecot(dovecot: Ports) -> None:
    mail = messages(COUNT, seed=20_251)
    rows = fetch_all(dovecot, "Ordinary", mail)
    differences = {
        number: left
        for number, (data, row) in enumerate(zip(mail, rows, strict=True))
        if (left := unexplained(ours(data), row_of(row)))
    }
    assert differences == {}


@pytest.mark.rfc("9051", "7.5.2")
def test_odd_messages_look_as_they_do_in_dovecot_but_where_the_rfc_says_otherwise(dovecot: Ports) -> None:
    mail = {name: data for name, data in ODD.items() if data}  # an empty message cannot be appended there
    rows = fetch_all(dovecot, "Odd", list(mail.values()))
    differences = {
        name: left
        for (name, data), row in zip(mail.items(), rows, strict=True)
        if (left := unexplained(ours(data), row_of(row), name))
    }
    assert differences == {}


def test_every_allowed_difference_names_a_message_of_the_corpus() -> None:
    assert ALLOWED_ODD.keys() <= ODD.keys()
