"""python -m tests.stress --seconds 600 --sessions 50 --seed N [--workers N]: the long run, on a server of its own."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.soundness import assert_sound
from tests.live import PASSWORD, Account, Demo
from tests.stress.run import Failure, Plan, Report, stress


def main() -> int:
    """Run, say what was found, end with 1 if anything was."""
    arguments = argparse.ArgumentParser(prog="python -m tests.stress", description=__doc__)
    arguments.add_argument("--seconds", type=float, default=600)
    arguments.add_argument("--sessions", type=int, default=50)
    arguments.add_argument("--seed", type=int, default=int(time.time()))
    arguments.add_argument("--steps", type=int, default=20, help="of each client in a round, on average")
    arguments.add_argument("--workers", type=int, default=1, help="processes of the server")
    arguments.add_argument("--guest", action="store_true", help="every second session is another user's")
    arguments.add_argument("--log", type=Path, help="a directory for what each client heard, when something is wrong")
    chosen = arguments.parse_args()
    if chosen.log:
        chosen.log.mkdir(parents=True, exist_ok=True)
    account, guest = Account("stress@example.org", PASSWORD), Account("guest@example.org", PASSWORD)
    with tempfile.TemporaryDirectory() as directory:
        data = Path(directory) / "data"
        demo = Demo(data, [account, guest], "--workers", str(chosen.workers))
        plan = Plan(
            address=demo.service.imap,
            user=account.user,
            password=account.password,
            guest=guest.user if chosen.guest else "",
            sessions=chosen.sessions,
            seconds=chosen.seconds,
            seed=chosen.seed,
            steps=chosen.steps,
        )
        print(f"seed {chosen.seed}, {chosen.sessions} sessions, {chosen.seconds:g} s", flush=True)
        try:
            report = asyncio.run(stress(plan, progress, chosen.log))
        except Failure as failure:
            print(f"\nFAILED: {failure}\nserver: {errors(demo)}")
            return 1
        finally:
            demo.stop()
        assert_sound(data)
    print(f"\n{summary(report)}\nzero inconsistencies, zero dropped connections")
    print("\n".join(f"  {verb:12} {count}" for verb, count in sorted(report.verbs.items())))
    return 0


def errors(demo: Demo) -> str:
    """What the server logged of its own mistakes."""
    text = demo.log.read_text()
    return text[text.find("Traceback") :][:3000] if "Traceback" in text else "no traceback"


def summary(report: Report) -> str:
    """The report as a line."""
    return (
        f"{report.rounds} rounds, {report.commands} commands, {report.responses} responses checked,"
        f" {report.expunges} expunges told, {report.searches} searches checked"
    )


def progress(report: Report) -> None:
    """One line, written over."""
    print(f"\r{summary(report)}", end="", flush=True)


if __name__ == "__main__":
    sys.exit(main())
