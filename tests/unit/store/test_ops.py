"""The table of operations."""

from __future__ import annotations

import inspect
from pathlib import Path

from mailkeep.store import ops


def test_every_file_of_an_operation_is_in_the_table() -> None:
    files = {path.stem for path in Path(ops.__file__).parent.glob("*.py")} - {"__init__"}
    assert files <= set(ops.OPS)


def test_operations_are_generators_with_the_account_first() -> None:
    for name, op in ops.OPS.items():
        assert inspect.isgeneratorfunction(op), name
        assert next(iter(inspect.signature(op).parameters)) == "account", name


def test_the_list_of_signatures_names_every_operation() -> None:
    assert ops.__doc__ is not None
    for name in ops.OPS:
        assert f"{name}(account" in ops.__doc__, name
