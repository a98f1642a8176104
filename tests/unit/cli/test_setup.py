"""What `account setup` draws."""

from __future__ import annotations

import segno

from mailkeep.cli.setup import draw

URL = "https://mail.example.org/mail.mobileconfig?email=ann@example.org"
BLOCKS = {" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}


def test_a_qr_code_in_blocks_has_each_module_in_its_place_and_a_quiet_zone() -> None:
    lines = [line.removeprefix("\x1b[30;107m").removesuffix("\x1b[0m") for line in draw(URL).splitlines()]
    rows = [[BLOCKS[letter][half] for letter in line] for line in lines for half in (0, 1)]
    wanted = [[int(module) for module in row] for row in segno.make(URL, error="l", micro=False).matrix]
    size = len(wanted)
    assert [row[2 : 2 + size] for row in rows[2 : 2 + size]] == wanted
    assert sum(map(sum, rows)) == sum(map(sum, wanted))
    assert {len(row) for row in rows} == {size + 4}
