"""python -m mailkeep: the same as the command mailkeep."""

from mailkeep.cli import main

main()
