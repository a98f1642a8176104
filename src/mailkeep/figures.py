"""What a server counts: the table of its figures, and adding up those of several processes.

- Whoever does something counts it in plain attributes of its own; they are read when somebody asks.
- A figure is a name of the table, the values of its labels, and a number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

Labels = tuple[str, ...]
Figure = tuple[str, Labels, float]
Figures = tuple[Figure, ...]


class Kind(Enum):
    """How a figure moves."""

    COUNTER = "counter"  # it only grows
    GAUGE = "gauge"
    LATEST = "latest"  # a time: of several, the latest counts


@dataclass(frozen=True, slots=True)
class Row:
    """A figure by its name, without the prefix of all of them."""

    name: str
    kind: Kind
    help: str
    labels: Labels = ()


ROWS: Final = (
    Row("processes", Kind.GAUGE, "Processes of this server that answered."),
    Row("start_time_seconds", Kind.LATEST, "When the server was started."),
    Row("certificate_expiry_timestamp_seconds", Kind.GAUGE, "When the first of the certificates in use runs out."),
    Row("cpu_seconds", Kind.COUNTER, "Processor time used."),
    Row("resident_memory_bytes", Kind.GAUGE, "Memory of all processes; what they share is counted in each."),
    Row("worker_restarts", Kind.COUNTER, "Workers that died and were started again."),
    Row("connections", Kind.GAUGE, "Connections that are open.", ("listener", "tls")),
    Row("connections_accepted", Kind.COUNTER, "Connections that were let in.", ("listener",)),
    Row("connections_refused", Kind.COUNTER, "Connections of addresses that had too many.", ("listener",)),
    Row("network_bytes", Kind.COUNTER, "Octets of clients' connections, inside TLS.", ("listener", "direction")),
    Row("commands", Kind.COUNTER, "Commands that were begun.", ("protocol", "command")),
    Row("commands_refused", Kind.COUNTER, "Commands that were not answered OK.", ("protocol", "command", "answer")),
    Row("recipients_turned_away", Kind.COUNTER, "Recipients that the gate of port 25 refused.", ("reason",)),
    Row(
        "messages_filtered", Kind.COUNTER, "What filters have found, or that they were at fault.", ("filter", "outcome")
    ),
    Row(
        "sender_checks",
        Kind.COUNTER,
        "What was found about mail from strangers; of DKIM, for each signature.",
        ("check", "result"),
    ),
    Row("dns_lookups", Kind.COUNTER, "Questions to DNS, those answered from memory too.", ("outcome",)),
    Row("logins", Kind.COUNTER, "Tries to log in.", ("outcome",)),
    Row("messages_taken_in", Kind.COUNTER, "Messages appended or delivered."),
    Row("message_bytes_taken_in", Kind.COUNTER, "Their octets."),
    Row("outbound_recipients", Kind.COUNTER, "Attempts at other hosts, by recipient.", ("outcome",)),
    Row("outbound_connections", Kind.COUNTER, "Connections to other hosts for a message.", ("how",)),
    Row(
        "outbound_tls_sessions",
        Kind.COUNTER,
        "TLS with other hosts: what asked for it, and what came of it, in the words of RFC 8460.",
        ("policy", "result"),
    ),
    Row("queue_messages", Kind.GAUGE, "Messages in the queue."),
    Row("queue_messages_held", Kind.GAUGE, "Those that wait to be released."),
    Row("queue_messages_taken_in", Kind.COUNTER, "Messages queued."),
    Row("queue_attempts_running", Kind.GAUGE, "Attempts to deliver or send a message to one domain."),
    Row("queue_recipients", Kind.COUNTER, "What attempts brought, by recipient.", ("destination", "outcome")),
    Row("queue_reports", Kind.COUNTER, "Reports to senders.", ("kind",)),
    Row("views", Kind.GAUGE, "Mailboxes that are held in memory."),
    Row("view_entries", Kind.GAUGE, "Messages in them."),
    Row("commits", Kind.COUNTER, "Transactions that wrote to a shard."),
    Row("commit_operations", Kind.COUNTER, "Operations in them; divided by the commits, the size of a group."),
    Row("commit_seconds", Kind.COUNTER, "Time that they waited for the disk."),
    Row("wal_pages", Kind.GAUGE, "Pages of write-ahead logs that have not been written back."),
    Row("text_index_backlog_messages", Kind.GAUGE, "Messages whose texts are not indexed yet, as far as is known."),
    Row("text_index_segments", Kind.COUNTER, "Segments of texts written."),
    Row("housekeeping_last_run_timestamp_seconds", Kind.LATEST, "When it was last done.", ("task",)),
    Row("housekeeping_pieces", Kind.COUNTER, "Steps, between which others have their turn.", ("task",)),
    Row("housekeeping_rows", Kind.COUNTER, "Rows that it removed or moved; of checkpoints, pages.", ("task",)),
    Row("housekeeping_reclaimed_bytes", Kind.COUNTER, "Octets of room that it gave back.", ("task",)),
    Row("housekeeping_seconds", Kind.COUNTER, "Time that it took.", ("task",)),
)
BY_NAME: Final[Mapping[str, Row]] = MappingProxyType({row.name: row for row in ROWS})


def add_up(figures: Iterable[Figure]) -> Figures:
    """The figures of several processes as one, in the order of the table.  Names that it does not have are left out."""
    sums: dict[tuple[str, Labels], float] = {}
    for name, labels, value in figures:
        key = (name, labels)
        if name not in BY_NAME:
            continue
        if key not in sums:
            sums[key] = value
        elif BY_NAME[name].kind is Kind.LATEST:
            sums[key] = max(sums[key], value)
        else:
            sums[key] += value
    order = {row.name: at for at, row in enumerate(ROWS)}
    keys = sorted(sums, key=lambda key: (order[key[0]], key[1]))
    return tuple((name, labels, sums[name, labels]) for name, labels in keys)


def only_counters(figures: Iterable[Figure]) -> Figures:
    """What remains true of a process that is no more."""
    return tuple(figure for figure in figures if BY_NAME[figure[0]].kind is not Kind.GAUGE)
