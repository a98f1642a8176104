"""Rules of ARCHITECTURE.md that no other tool checks."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import mailkeep
from mailkeep.administration import VERBS, Verb

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src/mailkeep"
MODULES = sorted(SOURCE.rglob("*.py"))


def calls(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_keeps_the_rules_of_the_house(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    assert ast.get_docstring(tree), "a module opens with a sentence of what it is"
    assert not {"asyncio.create_task", "asyncio.ensure_future"} & set(calls(tree)), "tasks live in a TaskGroup"
    assert not re.search(r"\b(TODO|FIXME|XXX)\b", path.read_text("utf-8")), "an issue, or done"
    assert path.stem not in {"utils", "helpers", "common", "misc", "manager", "base"}, "a name says what it is"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_has_no_mutable_state(path: Path) -> None:
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.List | ast.Dict | ast.Set):
            final = isinstance(node, ast.AnnAssign) and "Final" in ast.unparse(node.annotation)
            targets = {ast.unparse(target) for target in getattr(node, "targets", [])}
            assert final or targets == {"__all__"}, f"line {node.lineno}: a constant is Final"


def test_no_package_is_empty() -> None:
    for directory in {path.parent for path in MODULES}:
        assert any(path.name != "__init__.py" for path in directory.glob("*.py")) or any(
            path.is_dir() for path in directory.iterdir() if path.name != "__pycache__"
        ), directory


def test_the_public_api_is_what_is_promised() -> None:
    assert mailkeep.__all__ == ["Config", "MailError", "Server"]
    assert all(getattr(mailkeep, name).__doc__ for name in mailkeep.__all__)


def test_every_verb_of_administration_is_in_the_table_once() -> None:
    assert {row.verb for row in VERBS} == set(Verb.__subclasses__())
    assert len({row.name for row in VERBS}) == len(VERBS)


def test_every_dependency_has_its_line_in_the_decisions() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    page = (ROOT / "docs/decisions/0001-dependencies.md").read_text("utf-8")
    for requirement in (*project["dependencies"], *project["optional-dependencies"]["test"]):
        name = re.match(r"[A-Za-z0-9-]+", requirement)
        assert name
        assert f"**{name[0]}**" in page, name[0]


def test_locks_name_no_address_and_every_file_by_its_hash() -> None:
    for name in ("runtime", "test"):
        text = (ROOT / f"requirements/{name}.lock").read_text("utf-8")
        assert "://" not in text
        assert text.count("==") <= text.count("--hash=sha256:")


def test_the_readme_names_the_command_that_continuous_integration_runs() -> None:
    command = (ROOT / ".ci/run").read_text("utf-8").splitlines()[-1].rpartition("exec ")[2]
    assert command == "make test"
    assert f"\n    {command}\n" in (ROOT / "README.md").read_text("utf-8")
