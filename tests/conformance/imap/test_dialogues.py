"""Every example of the RFCs that a server can reproduce, against the running server."""

from __future__ import annotations

import pytest
from tests.conformance.imap.dialogue import Dialogue, Runner, load_all
from tests.live import Account, Service


def _parameters() -> list[object]:
    return [
        pytest.param(dialogue, id=dialogue.name, marks=pytest.mark.rfc(dialogue.rfc, dialogue.section))
        for dialogue in load_all()
    ]


@pytest.mark.parametrize("dialogue", _parameters())
def test_example(dialogue: Dialogue, server: Service, fresh_account: Account) -> None:
    if server.foreign and any("IMAP4rev2" in text for kind, _, text in dialogue.lines if kind != "S" or "..." in text):
        pytest.skip("the foreign server does not speak IMAP4rev2")
    Runner(server, fresh_account).run(dialogue)
