from pathlib import Path

from mailkeep.testing.reference import configuration, figures

ROOT = Path(__file__).parents[2]


def test_the_page_about_the_configuration_is_current() -> None:
    page = ROOT / "docs/reference/configuration.md"
    assert page.read_text("utf-8") == configuration(), "write it anew with `make docs`"


def test_the_page_about_figures_is_current() -> None:
    assert (ROOT / "docs/reference/figures.md").read_text("utf-8") == figures(), "write it anew with `make docs`"
