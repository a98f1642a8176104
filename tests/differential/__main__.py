"""python -m tests.differential --commands 20000 --seed N: the long run, beside Dovecot and Cyrus."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import random
import sys
import time
from contextlib import ExitStack

from tests import cyrus, dovecot
from tests.differential import servers
from tests.differential.run import STEPS, Referee, Unlisted

ACCOUNTS = 200  # of one server of ours; each takes a moment to make
EPISODES = ACCOUNTS - 2 * STEPS  # on it, so that some are left to make steps fewer


def main() -> int:
    """Run; print what is not listed, in as few steps as show it; end with 1 if there was anything."""
    arguments = argparse.ArgumentParser(prog="python -m tests.differential", description=__doc__)
    arguments.add_argument("--commands", type=int, default=20_000)
    arguments.add_argument("--seed", type=int, default=int(time.time()))
    arguments.add_argument("--beside", choices=["dovecot", "cyrus"], action="append")
    arguments.add_argument("--findings", type=int, default=1, help="after so many, end")
    chosen = arguments.parse_args()
    beside = chosen.beside or ["dovecot", "cyrus"]
    if reasons := [
        why for name, why in (("dovecot", dovecot.missing()), ("cyrus", cyrus.missing())) if why and name in beside
    ]:
        print("; ".join(reasons))
        return 2
    found: dict[tuple[str, str, str], Unlisted] = {}
    referee = Referee(())
    with ExitStack() as stack:
        peers = [
            stack.enter_context({"dovecot": servers.dovecots, "cyrus": servers.cyruses}[name]()) for name in beside
        ]
        while referee.report.commands < chosen.commands and len(found) < chosen.findings:
            first = next(referee.accounts)
            referee.accounts = iter(range(first, first + ACCOUNTS))
            with servers.ours(ACCOUNTS, first) as ours:
                referee.servers = (ours, *peers)
                with contextlib.suppress(StopIteration):  # no account is left
                    for _ in range(EPISODES):
                        if referee.report.commands >= chosen.commands or len(found) >= chosen.findings:
                            break
                        episode(referee, chosen.seed, found)
            referee.accounts = itertools.count(first + ACCOUNTS)
    report = referee.report
    print(f"seed {chosen.seed}: {report.episodes} episodes, {report.commands} commands, {report.compared} comparisons")
    print("\n".join(f"  {count:6} {name}" for name, count in sorted(report.met.items())))
    return 1 if found else 0


def episode(referee: Referee, seed: int, found: dict[tuple[str, str, str], Unlisted]) -> None:
    """One more; what it finds is printed, once."""
    number = referee.report.episodes
    try:
        referee.random_episode(random.Random(f"{seed}/{number}"))
    except Unlisted as unlisted:
        if unlisted.key not in found:
            found[unlisted.key] = unlisted
            print(f"\nseed {seed}, episode {number}: {unlisted}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
