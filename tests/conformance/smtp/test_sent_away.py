"""What another server gets of what users send, as independent programs see it."""

from __future__ import annotations

import subprocess

import dkim
import dns.name
import dns.zone
import pytest
from tests.conformance.smtp.scripted import Start, World
from tests.live import eventually, mailkeep
from tests.mail_dkim import need_mail_dkim
from tests.smtp_peer import Taken

HARD = (
    b"Bcc: zoe@example.net\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n  folded\r\nTo:  Bob\t<bob@example.net>\r\n\r\n"
    b".\r\n..dots\r\n  white   space \t\r\n\r\n\xff 8 bit\r\n\r\n\r\n"
)
PERL = """
use Mail::DKIM::Verifier; use Mail::DKIM::PublicKey;
my %records = map { split /\\t/, $_, 2 } @ARGV;
no warnings 'redefine';
*Mail::DKIM::PublicKey::fetch_async = sub {
    my ($class, %p) = @_;
    my $key = $p{Callbacks}{Success}->($class->parse($records{$p{Selector}}));
    return sub { $key };
};
my $v = Mail::DKIM::Verifier->new(); binmode STDIN;
while (read STDIN, my $piece, 4096) { $v->PRINT($piece) } $v->CLOSE;
print join ' ', map { $_->result } grep { $_->algorithm eq 'rsa-sha256' } $v->signatures;
"""


def published(world: World) -> dict[str, str]:
    """The keys that `mailkeep domain dns` has an administrator publish, by name."""
    assert world.service.data
    place = ["--data", str(world.service.data)]
    subprocess.run([mailkeep(), "domain", "add", "example.org", *place], capture_output=True)
    printed = subprocess.run([mailkeep(), "domain", "dns", "example.org", *place], capture_output=True, check=True)
    zone = dns.zone.from_text(
        "$TTL 60\n" + printed.stdout.decode(), origin=dns.name.root, relativize=False, check_origin=False
    )
    return {
        name.to_text(): b"".join(rdata.strings).decode()
        for name, _, rdata in zone.iterate_rdatas("TXT")
        if "._domainkey." in name.to_text()
    }


def sent(world: World, message: bytes = HARD) -> Taken:
    """What the other server has got."""
    world.send("bob@example.net", "zoe@example.net", message=message)
    eventually(lambda: world.peer.messages, "the message has been taken")
    return world.peer.messages[0]


@pytest.mark.rfc("6409", "8.5")
def test_signatures_hold_with_the_keys_that_are_published(world: Start) -> None:
    here = world()
    keys = published(here)
    message = sent(here).octets
    assert len(keys) == 2
    for number in range(2):
        verifier = dkim.DKIM(message)
        assert verifier.verify(number, dnsfunc=lambda name, timeout=5: keys[name.decode()].encode())


def test_mail_dkim_agrees(world: Start) -> None:
    need_mail_dkim()
    here = world()
    records = [f"{name.partition('.')[0]}\t{record}" for name, record in published(here).items()]
    run = subprocess.run(["perl", "-e", PERL, *records], input=sent(here).octets, capture_output=True, check=True)
    assert run.stdout == b"pass", run.stderr


def test_all_recipients_get_it_and_nobody_sees_the_blind_one(world: Start) -> None:
    taken = sent(world())
    assert set(taken.recipients) == {"bob@example.net", "zoe@example.net"}
    header, _, body = taken.octets.partition(b"\r\n\r\n")
    assert b"zoe" not in header
    assert body == HARD.partition(b"\r\n\r\n")[2]


def test_octets_beyond_ascii_are_announced(world: Start) -> None:
    here = world()
    sent(here)
    assert any("BODY=8BITMIME" in command for command in here.peer.commands)


def test_smtputf8_that_nothing_needs_is_not_asked_for(world: Start) -> None:
    here = world()
    here.send("bob@example.net", parameters=" SMTPUTF8 BODY=8BITMIME")
    eventually(lambda: here.peer.messages, "the message has been taken")
    assert not any("SMTPUTF8" in command for command in here.peer.commands)
