"""THE TABLE of workloads, in the order in which they run.

- A workload verifies all that comes back; a wrong answer is `Wrong`, and there is no figure.
- It leaves the server as it found it, except for the large mailbox of user 1 and the mixed one of others, which the
  next run finds filled.
"""

from __future__ import annotations

from typing import Final

from mailkeep.bench.stage import Workload
from mailkeep.bench.workloads.append import append, appends
from mailkeep.bench.workloads.bodies import bodies, body
from mailkeep.bench.workloads.idle import idle_append, idle_lmtp
from mailkeep.bench.workloads.listing import flags, full_list, headers, uid_flags
from mailkeep.bench.workloads.login import login, logins
from mailkeep.bench.workloads.memory import idle_memory
from mailkeep.bench.workloads.mixed import mixed, soak
from mailkeep.bench.workloads.noop import noop
from mailkeep.bench.workloads.opening import first_opening, opening
from mailkeep.bench.workloads.order import sort, thread
from mailkeep.bench.workloads.reception import lmtp, smtp
from mailkeep.bench.workloads.search import search_body, search_from, search_fuzzy
from mailkeep.bench.workloads.store import store, stores

WORKLOADS: Final = (
    Workload("noop", "NOOP, 8 connections", noop),
    Workload("login", "login, SELECT, LOGOUT", login),
    Workload("login-4", "login, SELECT, LOGOUT, 4 at once", logins),
    Workload("open", "SELECT of the large mailbox", opening),
    Workload("open-first", "the same, first after a start", first_opening, default=False),
    Workload("list", "full list, warm", full_list),
    Workload("headers", "Thunderbird's header fields", headers),
    Workload("flags", "FLAGS of all", flags),
    Workload("uid-flags", "UID FLAGS of all", uid_flags),
    Workload("body", "bodies one at a time", body),
    Workload("bodies", "bodies in sets of 100", bodies),
    Workload("append", "APPEND 4 kB, 1 connection", append),
    Workload("append-8", "APPEND 4 kB, 8 connections", appends),
    Workload("store", "STORE, 1 connection", store),
    Workload("store-50", "STORE, 50 connections", stores),
    Workload("search-from", "SEARCH FROM", search_from),
    Workload("search-body", "SEARCH BODY", search_body),
    Workload("search-fuzzy", "SEARCH FUZZY TEXT (or else TEXT)", search_fuzzy),
    Workload("sort", "SORT by subject", sort),
    Workload("thread", "THREAD by references", thread),
    Workload("idle", "APPEND to EXISTS, 100 watchers, p99", idle_append),
    Workload("idle-lmtp", "LMTP to EXISTS, 100 watchers, p99", idle_lmtp, needs=("lmtp",)),
    Workload("lmtp", "LMTP, 4 kB, 1 connection", lmtp, needs=("lmtp",)),
    Workload("smtp", "SMTP, 4 kB, 1 connection", smtp, needs=("smtp",)),
    Workload("idle-memory", "memory of an idle connection", idle_memory, needs=("pid",)),
    Workload("mixed", "mixed load, 20 connections", mixed),
    Workload("soak", "mixed load, 50 connections, and deliveries", soak, needs=("lmtp",), default=False),
)

TITLES: Final = {
    **{workload.name: workload.title for workload in WORKLOADS},
    "sort-date": "SORT by date",
    "sort-arrival": "SORT by arrival, reversed",
    "sort-size": "SORT by size",
    "sort-from": "SORT by sender",
    "sort-to": "SORT by recipient",
    "sort-cc": "SORT by copied recipient",
    "sort-display": "SORT by sender's name",
    "sort-two": "SORT by subject, then date reversed",
    "sort-new": "SORT by subject after one APPEND",
    "thread-refs": "THREAD by references alone",
    "thread-subject": "THREAD by subject",
    "thread-new": "THREAD by references after one APPEND",
    **{
        f"{protocol}{size}{count}": f"{protocol.upper()}, {octets} kB, {connections}"
        for protocol in ("lmtp", "smtp")
        for size, octets in (("-", 4), ("-100k-", 100))
        for count, connections in ((1, "1 connection"), (8, "8 connections"), (50, "50 connections"))
    },
    "mixed-noop": "NOOP in the mixed load, p99",
    "soak-noop": "NOOP in the load with deliveries, p99",
    "soak-growth": "growth of memory in the load with deliveries",
}
