"""A new server on trial: it is started for a moment, and its first account used as a mail program would."""

from __future__ import annotations

import asyncio
import dataclasses
import imaplib
import smtplib
import ssl
import time
from typing import Final

from mailkeep import telemetry
from mailkeep.cli.program import program
from mailkeep.config import FREE_PORTS, KEEP_IN, Config, Metrics
from mailkeep.doctor import Area, Finding, Level
from mailkeep.loop import run_loop
from mailkeep.server import Endpoints, Server

STEP_S: Final = 10.0  # for each answer of the server
ARRIVES_S: Final = 20.0
PAUSE_S: Final = 0.02

Where = tuple[str, int] | None


def try_out(config: Config, address: str, password: str, sender: str) -> Finding:
    """Start the server on free ports of this machine, log in to `address`, and have a message go round.

    Nothing leaves the machine.  The message stays in INBOX: it says what to do next.
    """
    if not address.isascii():
        text = "not tried: the programs at hand cannot log in as somebody who is not written in ASCII"
        return Finding(Area.SERVER, Level.UNKNOWN, "trial", text)
    telemetry.configure("error")
    found: list[Finding] = []
    run_loop(_run(config, address, password, _welcome(address, sender, config.hostname), found))
    return found[0]


async def _run(config: Config, address: str, password: str, message: str, found: list[Finding]) -> None:
    here = dataclasses.replace(
        config,
        listen=FREE_PORTS,
        relay=KEEP_IN,
        workers=1,
        metrics=Metrics(),
        tls=dataclasses.replace(config.tls, acme=False),
    )
    async with Server.open(here) as server:
        found.append(await asyncio.to_thread(_use, server.endpoints, address, password, message))


def _use(endpoints: Endpoints, address: str, password: str, message: str) -> Finding:
    try:
        took = _round(endpoints, address, password, message)
    except (OSError, smtplib.SMTPException, imaplib.IMAP4.error) as error:
        text = f"a message to {address} did not go round: {error}"
        return Finding(Area.SERVER, Level.FAULT, "trial", text, f"{program()} check, and the log of `serve`")
    text = f"{address} logs in, sends over SMTP, and reads it over IMAP {took * 1000:.0f} ms later"
    return Finding(Area.SERVER, Level.GOOD, "trial", text)


def _round(endpoints: Endpoints, address: str, password: str, message: str) -> float:
    """Seconds from sending to reading."""
    assert endpoints.submissions is not None
    assert endpoints.imaps is not None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = (
        False,
        ssl.CERT_NONE,
    )  # it is us; the certificate is looked at elsewhere
    host, port = endpoints.submissions
    with smtplib.SMTP_SSL(host, port, timeout=STEP_S, context=context) as smtp:
        smtp.login(address, password)
        smtp.sendmail(address, [address], message.encode())
    sent = time.monotonic()
    host, port = endpoints.imaps
    with imaplib.IMAP4_SSL(host, port, ssl_context=context, timeout=STEP_S) as imap:
        imap.login(address, password)
        while imap.select("INBOX", readonly=True)[1] == [b"0"]:
            if time.monotonic() > sent + ARRIVES_S:
                raise TimeoutError(f"it has not arrived within {ARRIVES_S:.0f} s")
            time.sleep(PAUSE_S)
    return time.monotonic() - sent


def _welcome(address: str, sender: str, hostname: str) -> str:
    return (
        f"From: mailkeep <{sender}>\r\nTo: {address}\r\nSubject: This server works\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
        f"This message was sent over SMTP to {hostname}, stored, and read over IMAP when the server was set up.\r\n\r\n"
        "What may still be missing, and what is to be done, says\r\n\r\n    mailkeep doctor\r\n"
    )
