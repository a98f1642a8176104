#!/usr/bin/env python3
"""How long from the end of a delivery's data to EXISTS at each of many sessions that idle on the mailbox.

    bench/idle_push.py READY.json [--sessions 100] [--deliveries 50]

READY.json is what `mailkeep demo --account … --ready-file` writes: `imap` and `lmtp` as [host, port], `user`,
`password`.  Prints one JSON object; times in milliseconds, from before the delivery's last octets are sent.
"""

from __future__ import annotations

import argparse
import json
import selectors
import smtplib
import socket
import sys
import time
from pathlib import Path


def idle_session(address: tuple[str, int], user: str, password: str) -> socket.socket:
    """A connection that idles on INBOX."""
    connection = socket.create_connection(address, timeout=30)
    for line in (f'a LOGIN "{user}" "{password}"', "b SELECT INBOX", "c IDLE"):
        connection.sendall(line.encode() + b"\r\n")
        answer = b""
        ends = b"+ " if line.endswith("IDLE") else line[:1].encode() + b" OK"
        while not any(got.startswith(ends) for got in answer.split(b"\r\n")):
            answer += connection.recv(65536)
    connection.settimeout(0)
    return connection


def one_delivery(lmtp: smtplib.LMTP, user: str, waiting: selectors.DefaultSelector, sessions: int) -> list[float]:
    """Seconds until each session was told."""
    lmtp.mail("sender@example.net")
    lmtp.rcpt(user)
    begin = time.perf_counter()
    lmtp.data(b"From: sender@example.net\r\nSubject: push\r\n\r\nHello.\r\n")
    taken: dict[object, float] = {}
    while len(taken) < sessions:
        for key, _ in waiting.select(30):
            if b"EXISTS" in key.fileobj.recv(65536):  # type: ignore[union-attr]
                taken[key.fileobj] = time.perf_counter() - begin
    return list(taken.values())


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ready", type=Path)
    parser.add_argument("--sessions", type=int, default=100)
    parser.add_argument("--deliveries", type=int, default=50)
    options = parser.parse_args()
    ready = json.loads(options.ready.read_text())
    waiting = selectors.DefaultSelector()
    for _ in range(options.sessions):
        waiting.register(idle_session(tuple(ready["imap"]), ready["user"], ready["password"]), selectors.EVENT_READ)
    host, port = ready["lmtp"]
    lmtp = smtplib.LMTP(host, port, timeout=30)
    lmtp.ehlo_or_helo_if_needed()
    times: list[float] = []
    for _ in range(options.deliveries):
        times += one_delivery(lmtp, ready["user"], waiting, options.sessions)
    times.sort()
    result = {
        "workload": "idle_push",
        "sessions": options.sessions,
        "deliveries": options.deliveries,
        "p50_ms": round(times[len(times) // 2] * 1000, 2),
        "p99_ms": round(times[len(times) * 99 // 100] * 1000, 2),
        "max_ms": round(times[-1] * 1000, 2),
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
