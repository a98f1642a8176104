"""The command line, one file per command.

- A command finds its data by --data or MAILKEEP_DATA, and its options by --config or MAILKEEP_CONFIG.
- Exit status: 0 done, 1 it could not be done, 2 wrong usage or configuration.
- What a command prints on standard output is for the user; errors and log lines go to standard error.
"""

from mailkeep.cli.main import main

__all__ = ["main"]
