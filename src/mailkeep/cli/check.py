"""mailkeep check: is the data sound?"""

from __future__ import annotations

from typing import Annotated

import typer

from mailkeep.administration import Check
from mailkeep.cli.perform import perform
from mailkeep.cli.place import ConfigOption, DataOption, find_place


def check(
    address: Annotated[str | None, typer.Argument(metavar="[ACCOUNT]", help="Only this account.")] = None,
    *,
    repair: Annotated[
        bool, typer.Option("--repair", help="Drop damaged data that is derived from mail: it is built anew.")
    ] = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Check the invariants of the stored data; finish what a crash left half-done.  Exit status 1 = faults found."""
    report = perform(find_place(data, config).must_exist().config, Check(address=address, repair=repair))
    for name in report.finished:
        typer.echo(f"{name}: an interrupted creation or removal has been finished, or a move undone")
    for name, fault in report.repaired:
        typer.echo(f"{name}: {fault}; it is built anew")
    for name, fault in report.faults:
        typer.echo(f"{name}: {fault}")
    if report.faults:
        raise typer.Exit(1)
    typer.echo("No faults found.")
