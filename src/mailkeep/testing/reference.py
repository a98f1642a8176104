"""Writes the generated pages of the reference: python -m mailkeep.testing.reference docs/reference."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from mailkeep.config import options, toml
from mailkeep.figures import ROWS, Kind

HEAD: Final = """\
# Configuration

<!-- Generated from src/mailkeep/config.py by `make docs`. -->

One file in [TOML](https://toml.io).  mailkeep reads the file that `--config` or `MAILKEEP_CONFIG` names, else
`mailkeep.toml` in the data directory, which `--data` or `MAILKEEP_DATA` names (default: `/var/lib/mailkeep` for root,
`~/.local/share/mailkeep` for others).  Without a file the defaults are in force.  `--data` stands above `data_dir`.

- `mailkeep config check` reads the file and says file, line, key and what is allowed where it is wrong.
- `mailkeep config show` prints every option as it is in force.
- SIGHUP makes the server read the file and the certificate again, without dropping a connection.  The options of
  `[tls]`, `[log]`, `[imap]`, `[limits]` and `[accounts]` take effect then; others need a restart, and the log says so.
- Relative paths are relative to the file.
"""


def configuration() -> str:
    """The page about the configuration."""
    lines = [HEAD]
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


def main() -> None:
    """Write all pages into the directory that the first argument names."""
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "configuration.md").write_text(configuration(), "utf-8")
    (directory / "figures.md").write_text(figures(), "utf-8")


if __name__ == "__main__":
    main()
