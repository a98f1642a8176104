import json

from bench.comparison import HEADINGS, cells, compare, read
from bench.page import DOCS, KEPT, more, page
from bench.picture import svg
from bench.servers import HERE, PROCESSES, Profile

from mailkeep.bench.result import Row, Unit, plain


def row(value: float, unit: Unit = Unit.PER_S, server_us: float = 10.0) -> Row:
    return Row(name="noop", value=value, unit=unit, count=1, server_us=server_us, client_cpu=0.9, spread=0.5)


def test_a_row_is_compared_with_the_better_peer() -> None:
    (one,) = compare([row(100)], {"slow": [row(10)], "fast": [row(50, server_us=30)]})
    assert (one.peer_name, one.ratio, one.cpu_ratio) == ("fast", 2, 3)


def test_less_time_and_less_memory_are_better() -> None:
    (time_,) = compare([row(5, Unit.MS)], {"peer": [row(20, Unit.MS)]})
    (memory,) = compare([row(-3, Unit.KB)], {"peer": [row(20, Unit.KB)]})
    assert (time_.ratio, memory.ratio) == (4, 40)


def test_a_comparison_survives_json() -> None:
    compared = compare([row(100)], {"dovecot shared": [row(50)]})
    assert read(plain(tuple(compared))) == compared


def test_notes_say_what_makes_a_ratio_doubtful() -> None:
    (one,) = compare([row(100)], {"dovecot shared": [row(50)]})
    shown = dict(zip(HEADINGS, cells(one), strict=True))
    assert shown["notes"] == "shared; client 90%; spread 50% / 50%"
    assert shown["floor, aim"] == "1.2×, 2×"


def test_the_page_has_every_row_and_every_failure() -> None:
    about = dict.fromkeys(
        ("mailkeep", "commit", "dovecot", "cores", "cpu", "memory_gb", "system", "file_system", "fdatasync_ms",
         "python", "sqlite"), "?"
    ) | {"load": 3.5}  # fmt: skip
    peer = {
        "machine": about, "started_at": 0, "messages": 1, "seconds": 1, "rounds": 1,
        "compared": plain(tuple(compare([row(100)], {"peer": [row(50)]}))),
        "failures": [{"name": "list", "why": "wrong UID"}],
    }  # fmt: skip
    curves = {"messages": {"10": {"open, ms": 1.0}, "100": {"open, ms": 2.0}}}
    text = page(peer, curves)
    assert "| NOOP, 8 connections | 100/s | 50.0/s | 2.00 |" in text
    assert "The machine was busy" in text
    assert "No figure for list: wrong UID" in text
    assert "| open, ms | 1.00 | 2.00 |" in text


def test_the_page_in_the_docs_is_current() -> None:
    kept = json.loads(KEPT.read_text("utf-8"))
    text = (DOCS / "benchmark.md").read_text("utf-8")
    assert text == page(kept["peer"], kept.get("scale", {}).get("curves", {}), more(kept)), (
        "python -m bench.page writes it anew"
    )


def test_a_picture_has_a_line_for_each_figure() -> None:
    drawn = svg({"messages": {10: {"open, ms": 1.0, "peak, MB": 5}, 100: {"open, ms": 20.0, "peak, MB": 5}}})
    assert drawn.count("<polyline") == 1
    assert ">open: 20<" in drawn


def test_the_peer_has_a_configuration_for_each_profile() -> None:
    assert set(PROCESSES) == set(Profile)
    assert "mail_fsync = $fsync" in (HERE / "dovecot.conf").read_text("utf-8")
