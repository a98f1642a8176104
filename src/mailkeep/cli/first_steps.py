"""What whoever has set a server up is told: what there is now, and what to do next."""

from __future__ import annotations

import pwd
import socket
import sys
from pathlib import Path

from mailkeep.cli.guide import STDOUT, Source
from mailkeep.cli.plan import Plan
from mailkeep.cli.program import program, words
from mailkeep.cli.systemd import SYSTEM_UNITS, UNIT_NAME
from mailkeep.config import Config
from mailkeep.doctor.ports import KINDS
from mailkeep.doctor.rights import ENTER, READ, who_bars


def what_there_is(plan: Plan, config: Config, zone: str) -> str:
    """Files, DNS records and the settings of clients."""
    port = plan.ports
    return f"""\
Configuration  {plan.file}
Data           {config.data_dir}
Certificate    {_certificate(plan)}
Account        {plan.address}, postmaster as well
{_about_ports(plan)}
DNS records for {plan.domain} (put this machine's address for ADDRESS; the name here is {socket.gethostname()}).
Once they are there: {program()} domain check {plan.domain} --config {plan.file}

{zone}
Client settings:

  user name  {plan.address}
  IMAP       {config.hostname}, port {port["imaps"]}, SSL/TLS   (or port {port["imap"]}, STARTTLS)
  POP3       {config.hostname}, port {port["pop3s"]}, SSL/TLS   (or port {port["pop3"]}, STARTTLS)
  SMTP       {config.hostname}, port {port["submissions"]}, SSL/TLS   (or port {port["submission"]}, STARTTLS)

Links and a QR code that set a mail program up: {program()} account setup {plan.address} --config {plan.file}

Mail comes in on port {port["smtp"]}; or by LMTP, from a mail transfer agent on this machine: 127.0.0.1
port {port["lmtp"]}, or the socket {config.lmtp_socket}.
"""


def _certificate(plan: Plan) -> str:
    if plan.certificate.files is not None:
        return str(plan.certificate.files.certificate)
    own = f"{plan.directory / 'certificate.pem'} (self-signed"
    if plan.certificate.source is Source.ACME:
        return f"{own}, until Let's Encrypt has given one: {program()} certificate show --config {plan.file})"
    return f"{own}; better: one from a public authority, by tls.acme = true)"


def _about_ports(plan: Plan) -> str:
    port = plan.ports
    high = f"""
The server takes the ports {port["imap"]}, {port["imaps"]} and so on instead of 143 and 993; clients find only the
standard ones by themselves, and other mail servers know port 25 alone.  Change [listen] in {plan.file}
when it may have them.
"""
    warnings = "".join(f"{listener.warning}\n" for listener in plan.layout if listener.warning)
    return (high if port["smtp"] != KINDS["smtp"].port else "") + (f"\n{warnings}" if warnings else "")


def how_to_start(plan: Plan, unit: str) -> str:
    """The last lines; `unit`: the text of it, "" where there is none."""
    by_hand = f"  {program()} serve --config {plan.file}"
    if plan.unit is None:
        return f"Start the server:\n\n{by_hand}"
    if plan.unit == STDOUT:
        start = f"Unit for systemd, as {SYSTEM_UNITS / UNIT_NAME}:\n\n{unit}\nOr start the server by hand:\n\n{by_hand}"
    else:
        start = (
            "Start the server, now and with each start of the machine:\n\n"
            f"  systemctl daemon-reload\n  systemctl enable --now {plan.unit.name}"
        )
    return start + _about_program(plan.user)


def _about_program(user: str) -> str:
    """Whether `user` may run what we are: the command, Python, and the code."""
    uid = pwd.getpwnam(user).pw_uid
    needed = ((Path(words()[0]), READ), (Path(sys.executable), ENTER), (Path(__file__), READ))
    barred = next((bar for path, mode in needed if (bar := who_bars(path.resolve(), uid, mode))), None)
    if barred is None:
        return ""
    return (
        f"\n\nBut the user {user} cannot run this program, because of {barred}: install it elsewhere, such as in\n"
        "/opt/mailkeep with the system's Python, and put its path into the unit."
    )
