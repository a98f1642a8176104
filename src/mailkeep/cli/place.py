"""Which data directory and which configuration a command is about."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from mailkeep.config import CONFIG_NAME, Config, ConfigError, default_data_dir, load

DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        envvar="MAILKEEP_DATA",
        metavar="DIR",
        help=f"The data directory; {CONFIG_NAME} in it is the configuration, unless --config names another.",
        show_default=False,
    ),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", envvar="MAILKEEP_CONFIG", metavar="FILE", help="The configuration file.", show_default=False
    ),
]


@dataclass(frozen=True, slots=True)
class Place:
    """A configuration and the file it came from; None where the defaults serve."""

    config: Config
    file: Path | None

    def must_exist(self) -> Place:
        """Raises: ConfigError (there is no data directory)."""
        if not self.config.data_dir.is_dir():
            raise ConfigError(
                f"there is no data directory {self.config.data_dir}: say --data DIR where your mail lies,"
                " or make one with `mailkeep init ADDRESS`"
            )
        return self


def find_place(data: Path | None, config: Path | None) -> Place:
    """What the two options say together: `data` stands above the data_dir of the configuration.

    Raises: ConfigError.
    """
    directory = (data or default_data_dir()).absolute()
    file = config or directory / CONFIG_NAME
    if config is None and not file.exists():
        return Place(Config(data_dir=directory), None)
    loaded = load(file)
    if data is not None or config is None:
        loaded = dataclasses.replace(loaded, data_dir=directory)
    return Place(loaded, file)
