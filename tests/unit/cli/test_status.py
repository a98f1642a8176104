"""What `mailkeep status` says."""

from __future__ import annotations

from mailkeep.cli.status import lines
from mailkeep.figures import Figures

FIGURES: Figures = (
    ("processes", (), 3),
    ("start_time_seconds", (), 1000.0),
    ("resident_memory_bytes", (), 84_200_000),
    ("worker_restarts", (), 1),
    ("connections", ("imap", "no"), 2),
    ("connections", ("imaps", "yes"), 1500),
    ("connections_accepted", ("imap",), 7000),
    ("network_bytes", ("imap", "in"), 1_234),
    ("network_bytes", ("imap", "out"), 5_000_000_000),
    ("commands", ("imap", "NOOP"), 9),
    ("commands", ("imap", "FETCH"), 1000),
    ("logins", ("ok",), 12),
    ("logins", ("failed",), 3),
    ("queue_messages", (), 7),
    ("queue_messages_held", (), 2),
    ("queue_recipients", ("local", "delivered"), 1000),
    ("queue_recipients", ("remote", "delivered"), 234),
    ("queue_recipients", ("remote", "failed"), 5),
    ("queue_recipients", ("remote", "deferred"), 99),
    ("commits", (), 10),
    ("commit_operations", (), 25),
    ("commit_seconds", (), 0.004),
    ("housekeeping_last_run_timestamp_seconds", ("packs",), 0.0),
    ("housekeeping_last_run_timestamp_seconds", ("tombstones",), 4000.0),
    ("housekeeping_rows", ("tombstones",), 1200),
    ("housekeeping_pieces", ("tombstones",), 4),
    ("housekeeping_reclaimed_bytes", ("tombstones",), 999),
)


def test_it_says_the_essentials_in_words() -> None:
    said = dict(lines(FIGURES, 11_000.0))
    assert said["mailkeep"].endswith("up 2 h, 2 workers (1 restarted), 84.2 MB of memory")
    assert said["connections"] == "1,500 with TLS, 2 without; 7,000 so far, 0 refused"
    assert said["logins"] == "12, and 3 that failed"
    assert said["commands"] == "1,009 (FETCH 1,000, NOOP 9); 0 refused"
    assert said["queue"] == "7 messages, 2 of them held; 1,234 recipients got theirs, 5 never will"
    assert said["network"] == "1.2 kB in, 5.0 GB out"
    assert said["store"] == "10 commits, 2.5 operations and 0.40 ms each; 0 pages of log"
    assert said["tombstones"] == "last 116 min ago; 4 pieces, 1,200 rows, 999 octets given back"
    assert "packs" not in said  # nothing was done yet


def test_a_server_that_has_done_nothing_is_described_too() -> None:
    assert dict(lines((("processes", (), 1),), 0.0))["commands"] == "0; 0 refused"
