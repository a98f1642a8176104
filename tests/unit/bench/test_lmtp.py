from __future__ import annotations

import pytest

from mailkeep.bench.connection import Wrong
from mailkeep.bench.lmtp import pipelined, stuffed

MESSAGE = b"Subject: dots\r\n\r\n.first\r\nno . here\r\n..\r\n"


def test_dots_are_doubled_and_the_end_is_marked() -> None:
    assert stuffed(MESSAGE) == b"Subject: dots\r\n\r\n..first\r\nno . here\r\n...\r\n.\r\n"


def test_commands_go_in_one_piece_and_the_message_after_the_go_ahead() -> None:
    script = pipelined("u1@example.org", stuffed(MESSAGE))
    octets, marks = next(script)
    assert octets == b"MAIL FROM:<bench@example.net>\r\nRCPT TO:<u1@example.org>\r\nDATA\r\n"
    answer = b"250 2.1.0 Sender accepted\r\n250 2.1.5 Recipient accepted\r\n354 Go on\r\n"
    assert answer.splitlines()[-1].startswith(marks)
    octets, _ = script.send(answer)
    assert octets == stuffed(MESSAGE)
    with pytest.raises(StopIteration):
        script.send(b"250 2.0.0 Taken\r\n")


@pytest.mark.parametrize(
    "answers",
    [
        (b"250 2.1.0 ok\r\n550 5.1.1 nobody\r\n",),
        (b"250 2.1.0 ok\r\n250 2.1.5 ok\r\n451 4.3.0 later\r\n",),
        (b"250 ok\r\n250 ok\r\n354 go\r\n", b"452 4.2.2 full\r\n"),
    ],
    ids=["recipient", "data", "message"],
)
def test_a_refusal_is_wrong(answers: tuple[bytes, ...]) -> None:
    script = pipelined("u1@example.org", stuffed(MESSAGE))
    next(script)
    *before, last = answers
    for answer in before:
        script.send(answer)
    with pytest.raises(Wrong):
        script.send(last)
