"""The set-up page in a browser: as people see it, with a mouse, with the keyboard, on a phone, by day and by night."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import pkcs7
from tests.clients.camera import read_code
from tests.clients.chromium import Chromium
from tests.clients.provider import ANN, HOST, Provider
from tests.live import eventually

PAGE = f"https://{HOST}/"
OF_ANN = f"{PAGE}?address=ann%40example.org"
DESK, PHONE = 1100, 360
FITS = "document.documentElement.scrollWidth <= innerWidth"
TEXT = "document.body.innerText"


@pytest.fixture(scope="module")
def browser(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    home = tmp_path_factory.mktemp("chromium")
    names = f"MAP * 127.0.0.1:{provider.ports['https']}"
    with Chromium(home, names, f"--ignore-certificate-errors-spki-list={provider.pin}") as running:
        yield running


@pytest.fixture
def pictures(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Where screenshots go: under build/pictures, when there is such a directory, for a person to look at."""
    kept = request.config.rootpath / "build" / "pictures"
    return kept if kept.is_dir() else tmp_path


def test_a_person_types_an_address_and_sees_the_settings(browser: Chromium, provider: Provider) -> None:
    tab = browser.open(PAGE)
    assert tab.names("textbox") == ["Your mail address"]
    tab.until("document.activeElement.id == 'address'")  # it waits for him to type
    tab.type(" Ann@Example.org ")
    tab.press("Enter")
    tab.wait_for_next()
    assert tab.run("document.title") == "Mail settings for ann@example.org"
    shown = tab.run(TEXT)
    for value in (HOST, str(provider.ports["imaps"]), str(provider.ports["submissions"]), "ann@example.org"):
        assert value in shown
    assert tab.names("heading")[:3] == ["Set up your mail", "Settings for ann@example.org", "Incoming mail IMAP"]
    assert tab.complaints == []


@pytest.mark.parametrize(("typed", "told"), [("ann@example.com", "not served here"), ("ann", "no mail address")])
def test_what_is_wrong_is_said_where_it_was_typed(browser: Chromium, typed: str, told: str) -> None:
    tab = browser.open(PAGE)
    tab.click("#address")
    tab.type(typed)
    tab.click("button")
    tab.wait_for_next()
    assert any(
        told in alert for alert in tab.run("[...document.querySelectorAll('[role=alert]')].map(e => e.innerText)")
    )
    tab.until("document.activeElement.getAttribute('aria-invalid') == 'true'")
    assert tab.run("document.activeElement.value") == typed


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [DESK, PHONE])
def test_the_code_can_be_scanned_and_nothing_sticks_out(
    browser: Chromium, pictures: Path, width: int, dark: bool
) -> None:
    tab = browser.open(f"{OF_ANN}#android", width=width, height=800, dark=dark, phone=width == PHONE)
    tab.wait_for_images()
    picture = pictures / f"set-up-{width}-{'dark' if dark else 'light'}.png"
    picture.write_bytes(tab.picture())
    assert tab.run(FITS)
    assert read_code(picture.read_bytes(), browser.open("about:blank")).startswith('[1,[1,1],[0,"mail.example.org",')


def test_the_code_for_an_iphone_is_the_address_of_the_profile(browser: Chromium, provider: Provider) -> None:
    tab = browser.open(f"{OF_ANN}#iphone", dark=True)
    tab.wait_for_images()
    url = read_code(tab.picture(), browser.open("about:blank"))
    assert url == f"https://{HOST}:{provider.ports['https']}/mail.mobileconfig?email=ann%40example.org"


def test_the_profile_is_downloaded_and_names_the_servers(browser: Chromium, provider: Provider, tmp_path: Path) -> None:
    tab = browser.open(f"{OF_ANN}#mac")
    tab.command("Page.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    tab.click("#mac .button")
    (file,) = eventually(lambda: [*tmp_path.glob("*.mobileconfig")], "the profile is there")
    signers = pkcs7.load_der_pkcs7_certificates(file.read_bytes())
    assert f"CN={HOST}" in {certificate.subject.rfc4514_string() for certificate in signers}
    assert f"<integer>{provider.ports['imaps']}</integer>".encode() in file.read_bytes()


def test_only_what_lies_beside_it_is_fetched_and_codes_only_when_they_are_unfolded(browser: Chromium) -> None:
    tab = browser.open(f"{OF_ANN}#other")
    assert all(url.startswith(PAGE) for url in tab.asked)
    assert not any("/profile.svg" in url or "/account.svg" in url for url in tab.asked)
    tab.click("#iphone summary")
    tab.wait_for_images()
    assert any("/profile.svg" in url for url in tab.asked)


def test_one_guide_is_unfolded_at_a_time_by_mouse_and_by_keyboard(browser: Chromium) -> None:
    tab = browser.open(f"{OF_ANN}#other")
    opened = "[...document.querySelectorAll('.guide[open]')].map(e => e.id)"
    assert tab.run(opened) == ["other"]
    tab.click("#outlook summary")
    assert tab.run(opened) == ["outlook"]
    tab.press("Tab")  # to the next summary
    tab.press("Enter")
    assert tab.run(opened) == ["iphone"]


def test_values_can_be_copied(browser: Chromium) -> None:
    tab = browser.open(OF_ANN)
    permissions = ["clipboardReadWrite", "clipboardSanitizedWrite"]
    tab.command("Browser.grantPermissions", {"permissions": permissions, "origin": PAGE})
    assert tab.names("button")[1] == "Copy: Server, Incoming mail IMAP"
    tab.click(".copy")
    tab.until("document.querySelector('.copy').innerText == 'Copied'")
    assert tab.names("button")[1] == "Copied: Server, Incoming mail IMAP"
    assert tab.run("navigator.clipboard.readText()") == HOST


def test_a_value_that_may_not_be_copied_is_selected(browser: Chromium) -> None:
    tab = browser.open(OF_ANN)
    tab.run("navigator.clipboard.writeText = async () => { throw new Error() }")
    tab.click(".copy")
    assert tab.run("getSelection().toString()") == HOST
    assert tab.names("button")[1] == "Copy: Server, Incoming mail IMAP"


def test_the_page_works_without_scripts(browser: Chromium) -> None:
    tab = browser.open(PAGE, scripts=False)
    tab.click("#address")
    tab.type(ANN.user)
    tab.press("Enter")
    tab.wait_for_next()
    assert "Thunderbird on a computer finds the settings by itself" in tab.names("DisclosureTriangleGrouped")
    assert "Copy" not in str(tab.names("button"))


def test_a_script_that_somebody_smuggled_in_would_not_run(browser: Chromium) -> None:
    tab = browser.open(PAGE)
    script = "document.createElement('script')"
    tab.run(f"(s => {{ s.textContent = 'window.smuggled = 1'; document.body.append(s) }})({script})")
    assert tab.run("window.smuggled") is None
    assert any("Content Security Policy" in complaint for complaint in tab.complaints)
