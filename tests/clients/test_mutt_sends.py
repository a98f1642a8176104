"""mutt sends by its own SMTP, and stores its copy over IMAP: where the server keeps copies nothing is stored twice."""

from __future__ import annotations

from pathlib import Path

from tests.clients.mail import stored, until_stored
from tests.clients.programs import require_client, run
from tests.imap_client import ImapClient
from tests.live import Account, Service

CONFIG = """\
set imap_user = "{user}"
set imap_pass = "{password}"
set smtp_url = "smtps://{quoted}@localhost:{submissions}/"
set smtp_pass = "{password}"
set ssl_ca_certificates_file = "{ca}"
set certificate_file = "{home}/certificates"
set folder = "imaps://localhost:{imaps}/"
set spoolfile = "+INBOX"
set record = "+Sent"
set from = "{user}"
set use_envelope_from = yes
set charset = utf-8
"""


def send(server: Service, account: Account, home: Path, *arguments: str) -> None:
    """Send one message without a terminal."""
    config = home / "muttrc"
    config.write_text(
        CONFIG.format(
            user=account.user,
            quoted=account.user.replace("@", "%40"),
            password=account.password,
            ca=server.ca,
            home=home,
            submissions=server.submissions[1],
            imaps=server.imaps[1],
        )
    )
    body = "Grüße\n.\nvon hier\n".encode()
    run([require_client("mutt"), "-n", "-F", config, *arguments, account.user], home, stdin=body)


def test_its_copy_is_stored_once(
    server: Service, account: Account, other_account: Account, client: ImapClient, home: Path
) -> None:
    client.ok('SETMETADATA "" (/private/vendor/mailkeep/sent-copy "on")')
    send(server, account, home, "-s", "by mutt", "-b", other_account.user)
    until_stored(client, "INBOX", lambda seen: "by mutt" in seen)
    [(subject, copy)] = stored(client, "Sent").items()
    assert subject == "by mutt"
    assert f"Bcc: {other_account.user}\r\n".encode() in copy.octets
    assert copy.octets.endswith(b".\r\nvon hier\r\n")


def test_otherwise_its_copy_is_its_own(server: Service, account: Account, client: ImapClient, home: Path) -> None:
    send(server, account, home, "-s", "by mutt")
    assert list(stored(client, "Sent")) == ["by mutt"]
