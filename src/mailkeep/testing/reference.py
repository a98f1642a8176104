"""Writes the generated pages of the reference: python -m mailkeep.testing.reference docs/reference."""

from __future__ import annotations

import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from mailkeep.config import options, toml
from mailkeep.figures import ROWS, Kind
from mailkeep.server import RELOADED

HEAD: Final = """\
# Configuration

<!-- Generated from src/mailkeep/config.py by `make docs`. -->

One file in [TOML](https://toml.io).  mailkeep reads the file that `--config` or `MAILKEEP_CONFIG` names, else
`mailkeep.toml` in the data directory, which `--data` or `MAILKEEP_DATA` names (default: `/var/lib/mailkeep` for root,
`~/.local/share/mailkeep` for others).  Without a file the defaults are in force.  `--data` stands above `data_dir`.

- `mailkeep config check` reads the file and says file, line, key and what is allowed where it is wrong.
- `mailkeep config show` prints every option as it is in force.
- SIGHUP makes the server read the file and the certificate again, without dropping a connection.  The options of
  {reloaded} take
  effect then; others need a restart, and the log says so.
- Relative paths are relative to the file.
"""


def configuration() -> str:
    """The page about the configuration."""
    *tables, last = (f"`[{key[:-1]}]`" if key.endswith(".") else f"`{key}`" for key in RELOADED)
    lines = [HEAD.replace("{reloaded}", f"{', '.join(tables)} and {last}")]
    section = None
    for option in options():
        table, _, name = option.key.rpartition(".")
        if table != section:
            section = table
            lines += [f"## [{table}]" if table else "## Before the first table", ""]
        default = toml(option.kind, option.default) if option.key != "data_dir" else "see above"
        lines += [f"### `{name}`", "", option.means, "", f"Allowed: {option.kind.allowed}.  Default: `{default}`.", ""]
    return "\n".join(lines)


FIGURES: Final = """\
# Figures

<!-- Generated from src/mailkeep/figures.py by `make docs`. -->

With `listen = "127.0.0.1:9090"` under `[metrics]`, `http://127.0.0.1:9090/metrics` answers with what all processes of
the server count, in the text format of [Prometheus](https://prometheus.io).  `mailkeep status` says the essentials in
words.  Counters begin anew when the server is started, not when a worker is.

| name | kind | labels | meaning |
|---|---|---|---|
"""


def figures() -> str:
    """The page about what is counted."""
    rows = []
    for row in ROWS:
        counts = row.kind is Kind.COUNTER
        name = f"mailkeep_{row.name}{'_total' if counts else ''}"
        labels = ", ".join(f"`{label}`" for label in row.labels)
        rows.append(f"| `{name}` | {'counter' if counts else 'gauge'} | {labels} | {row.help} |\n")
    return FIGURES + "".join(rows)


RFCS: Final = """\
# RFCs

<!-- Generated from docs/rfc/index.toml, the code and its tests by `make docs`. -->

How far each RFC is followed, where its sections are in the code, and which tests are marked with them.  A section is in
the code where its number is cited.

| RFC | title | followed |
|---|---|---|
"""

# one number, then as many sections as are cited of it
CITED: Final = re.compile(r"RFC ([0-9]{4})((?:,? (?:and )?§§?[0-9]+(?:\.[0-9]+)*)+)")
MARKED: Final = re.compile(r"mark\.rfc\(\"([0-9]+)\", \"([0-9.]+)\"\)")
SECTION: Final = re.compile(r"[0-9]+(?:\.[0-9]+)*")

Places = dict[tuple[int, str], set[str]]
"""(RFC, section) → paths of files, from the root of the repository."""


def citations(root: Path) -> Places:
    """Where the code cites which section."""
    out: Places = defaultdict(set)
    for name, text in _texts(root, "src/mailkeep"):
        for number, sections in CITED.findall(text):
            for section in SECTION.findall(sections):
                out[int(number), section].add(name)
    return out


def marks(root: Path) -> Places:
    """Which tests are marked with which section."""
    out: Places = defaultdict(set)
    for name, text in _texts(root, "tests"):
        for number, section in MARKED.findall(text):
            out[int(number), section].add(name)
    return out


def _texts(root: Path, below: str) -> Iterator[tuple[str, str]]:
    for path in sorted((root / below).rglob("*.py")):
        # a docstring may break anywhere
        yield path.relative_to(root).as_posix(), " ".join(path.read_text("utf-8").split())


def rfcs(root: Path) -> str:
    """The page about the RFCs, of the repository at `root`."""
    index = tomllib.loads((root / "docs/rfc/index.toml").read_text("utf-8"))["rfc"]
    code, tests = citations(root), marks(root)
    overview = [f"| [{row['number']}](#rfc-{row['number']}) | {row['title']} | {row['support']} |" for row in index]
    details = [line for row in index for line in _rfc(row, code, tests)]
    return RFCS + "\n".join([*overview, "", *details])


def _rfc(row: dict[str, Any], code: Places, tests: Places) -> Iterator[str]:
    number = row["number"]
    yield f'<a id="rfc-{number}"></a>'
    yield f"## RFC {number}: {row['title']}"
    yield ""
    yield f"Followed: {row['support']}.  {row.get('why', '')}".strip().removesuffix(":") + "\n"
    for what in ("code", "tests"):
        if row.get(what):
            yield f"- {what}: {_links(row[what])}"
    sections = {section for rfc, section in code.keys() | tests.keys() if rfc == number}
    if sections:
        yield from ("", "| section | code | tests |", "|---|---|---|")
    for section in sorted(sections, key=lambda section: [int(part) for part in section.split(".")]):
        yield f"| {section} | {_links(code.get((number, section), ()))} | {_links(tests.get((number, section), ()))} |"
    yield ""


def _links(places: Iterable[str]) -> str:
    return ", ".join(f"[{_short(place)}](../../{place})" for place in sorted(places))


def _short(place: str) -> str:
    return place.removeprefix("src/mailkeep/").removeprefix("tests/")


def main() -> None:
    """Write all pages into the directory that the first argument names, docs/reference of the repository."""
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "configuration.md").write_text(configuration(), "utf-8")
    (directory / "figures.md").write_text(figures(), "utf-8")
    (directory / "rfc.md").write_text(rfcs(directory.resolve().parents[1]), "utf-8")


if __name__ == "__main__":
    main()
