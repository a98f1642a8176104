"""python -m tests.differential --commands 20000 --seed N: the long run, beside Dovecot and Cyrus."""

from __future__ import annotations

import argparse
import random
import sys
import time
from contextlib import ExitStack

from tests import cyrus, dovecot
from tests.differential import servers
from tests.differential.run import STEPS, Referee, Unlisted


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
    with ExitStack() as stack:
        accounts = 2 + 3 * chosen.commands // STEPS + chosen.findings * STEPS
        parties = [stack.enter_context(servers.ours(accounts))]
        parties += [
            stack.enter_context({"dovecot": servers.dovecots, "cyrus": servers.cyruses}[name]()) for name in beside
        ]
        referee = Referee(parties)
        episode = 0
        while referee.report.commands < chosen.commands and len(found) < chosen.findings:
            episode += 1
            try:
                referee.random_episode(random.Random(f"{chosen.seed}/{episode}"))
            except Unlisted as unlisted:
                if unlisted.key not in found:
                    found[unlisted.key] = unlisted
                    print(f"\nseed {chosen.seed}, episode {episode}: {unlisted}", flush=True)
    report = referee.report
    print(f"seed {chosen.seed}: {report.episodes} episodes, {report.commands} commands, {report.compared} comparisons")
    print("\n".join(f"  {count:6} {name}" for name, count in sorted(report.met.items())))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
