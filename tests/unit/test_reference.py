import re
from pathlib import Path

from mailkeep.testing.reference import citations, configuration, figures, marks, rfcs

MARK = "@pytest.mark." + 'rfc("9051", "6.3.2")'
ROOT = Path(__file__).parents[2]


def test_the_page_about_the_configuration_is_current() -> None:
    page = ROOT / "docs/reference/configuration.md"
    assert page.read_text("utf-8") == configuration(), "write it anew with `make docs`"


def test_the_page_about_figures_is_current() -> None:
    assert (ROOT / "docs/reference/figures.md").read_text("utf-8") == figures(), "write it anew with `make docs`"


def test_the_page_about_the_rfcs_is_current() -> None:
    assert (ROOT / "docs/reference/rfc.md").read_text("utf-8") == rfcs(ROOT), "write it anew with `make docs`"


def test_sections_are_found_where_they_are_cited_and_marked(tmp_path: Path) -> None:
    code, tests = tmp_path / "src/mailkeep/a.py", tmp_path / "tests/test_a.py"
    for path, text in ((code, '"""RFC 9051 §6.3.2,\n§7.1; RFC 2180 §4.4, and RFC 5530."""'), (tests, MARK)):
        path.parent.mkdir(parents=True)
        path.write_text(text, "utf-8")
    cited = {(9051, "6.3.2"), (9051, "7.1"), (2180, "4.4")}
    assert citations(tmp_path) == {section: {"src/mailkeep/a.py"} for section in cited}
    assert marks(tmp_path) == {(9051, "6.3.2"): {"tests/test_a.py"}}


def test_what_the_page_about_the_rfcs_names_exists() -> None:
    named = set(re.findall(r"\]\(\.\./\.\./([^)]+)\)", rfcs(ROOT)))
    assert named
    assert [place for place in sorted(named) if not (ROOT / place).exists()] == []
