import email
import email.policy

import pytest

from mailkeep.bench import mail
from mailkeep.bench.corpus import Corpus, checksum


def test_a_number_is_always_the_same_message() -> None:
    assert mail.message(17) == mail.message(17) != mail.message(18)
    assert checksum(b"".join(mail.message(number) for number in range(1, 20))) == 2583191016, "raise VERSION"


@pytest.mark.parametrize("number", range(1, 200, 7))
def test_messages_are_well_formed(number: int) -> None:
    octets = mail.message(number)
    parsed = email.message_from_bytes(octets, policy=email.policy.default)
    assert not any(part.defects for part in parsed.walk())
    assert parsed["Message-ID"] == mail.message_id(number)
    assert mail.sender(number)[1] in parsed["From"]
    assert b"\n" not in octets.replace(b"\r\n", b"")


def test_the_rare_word_stands_where_it_is_said_to_stand() -> None:
    for number in (1, mail.RARE_ONE_IN, 2 * mail.RARE_ONE_IN):
        parsed = email.message_from_bytes(mail.message(number), policy=email.policy.default)
        texts = [part.get_content() for part in parsed.walk() if part.get_content_maintype() == "text"]
        assert any(mail.RARE_WORD in str(text) for text in texts) is mail.has_rare_word(number)


def test_a_message_may_have_an_exact_size() -> None:
    assert {len(mail.exactly(number, 4096)) for number in range(1, 100)} == {4096}


def test_a_corpus_knows_its_messages() -> None:
    corpus = Corpus(400)
    assert corpus.with_rare_word == (199, 398)
    assert corpus.from_sender == tuple(n for n in range(1, 401) if mail.sender(n)[1] == mail.SENDER)
    assert corpus.size(400) == len(mail.message(400))
    assert corpus.checksum(1) == checksum(mail.message(1))
