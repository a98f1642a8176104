"""python -m tests.exchange --messages 10000 [--seed N]: two mailkeep servers and a Postfix send to each other, and are
killed with -9 at random; nothing that was acknowledged may be lost, and each duplicate must be explained by a kill."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.exchange.run import Plan, exchange, nodes


def main() -> int:
    """Run, say what was found, end with 1 if anything is wrong; then all that the servers wrote stays."""
    arguments = argparse.ArgumentParser(prog="python -m tests.exchange", description=__doc__)
    arguments.add_argument("--messages", type=int, default=10_000)
    arguments.add_argument("--seed", type=int, default=int(time.time()))
    arguments.add_argument("--pause", type=float, default=4.0, help="seconds between kills, at most; 0: none")
    arguments.add_argument(
        "--servers", default="MMP", help="P Postfix, M mailkeep or how many processes; PPP tests the test"
    )
    chosen = arguments.parse_args()
    base = Path(tempfile.mkdtemp(prefix="mk-exchange-", dir="/var/tmp"))
    base.chmod(0o755)
    print(f"seed {chosen.seed}, in {base}", flush=True)
    started = time.monotonic()
    with nodes(base, chosen.servers) as servers:
        plan = Plan(messages=chosen.messages, seed=chosen.seed, pause_s=chosen.pause)
        verdict = exchange(
            plan, servers, lambda text: print(f"{time.monotonic() - started:6.0f} s  {text}", flush=True)
        )
    for what, count in verdict.counts.items():
        print(f"{count:7} {what}")
    print(f"{len(verdict.explained):7} duplicates, each explained by a kill")
    print("\n".join(f"        {why}" for why in verdict.explained))
    print("\n".join(verdict.problems[:50]))
    if verdict.problems:
        print(f"{len(verdict.problems)} problems; what the servers wrote is in {base}")
        return 1
    shutil.rmtree(base)
    return 0


if __name__ == "__main__":
    sys.exit(main())
