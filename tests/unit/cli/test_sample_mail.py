import datetime as dt
from email import message_from_bytes
from email.policy import default

from mailkeep.cli.sample_mail import sample_mail

NOW = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
SAMPLES = sample_mail("demo@example.org", NOW)


def test_sample_mail_is_two_dozen_messages_in_several_mailboxes_oldest_first() -> None:
    assert 20 <= len(SAMPLES) <= 30
    assert {"INBOX", "Sent", "Drafts", "Trash", "Junk", "Archive", "Projects/Garden"} == {s.mailbox for s in SAMPLES}
    assert [s.at for s in SAMPLES] == sorted(s.at for s in SAMPLES)


def test_sample_mail_has_only_lines_of_mail() -> None:
    for sample in SAMPLES:
        assert b"\n" not in sample.octets.replace(b"\r\n", b"")


def test_sample_mail_has_html_attachments_threads_and_many_scripts() -> None:
    parsed = [message_from_bytes(sample.octets, policy=default) for sample in SAMPLES]
    types = {part.get_content_type() for message in parsed for part in message.walk()}
    assert {"text/html", "image/png", "text/csv", "text/calendar", "message/rfc822"} <= types
    ids = {message["Message-ID"] for message in parsed}
    assert len(ids) == len(parsed)
    assert all(message["In-Reply-To"] in ids for message in parsed if message["In-Reply-To"])
    assert any("写真" in message["Subject"] for message in parsed)
    assert all(not message.defects for message in parsed)
