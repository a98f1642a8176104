"""What a person does in each mail program: the steps, in the words that the program shows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

BY_ITSELF: Final = "finds the settings by itself"
BY_FILE: Final = "one file sets it up"
BY_HAND: Final = ""


class Extra(Enum):
    """What is offered beside the steps."""

    NOTHING = auto()
    PROFILE = auto()  # a file to download
    PROFILE_CODE = auto()  # the same, and its address as a QR code
    ACCOUNT_CODE = auto()  # the settings themselves as a QR code, as Thunderbird for Android reads them


@dataclass(frozen=True, slots=True, kw_only=True)
class Guide:
    """The steps of one program.

    `key`: its place in the page's address, and what its script looks for.  `ease`: what makes it easy, if anything
    does.  Texts may have ``*`` around what the program shows.
    """

    key: str
    title: str
    ease: str
    steps: tuple[str, ...]
    note: str = ""
    extra: Extra = Extra.NOTHING


GUIDES: Final = (
    Guide(
        key="thunderbird",
        title="Thunderbird on a computer",
        ease=BY_ITSELF,
        steps=(
            "Open the menu, then *New account* and *Email*.",
            "Type your name and your address, and press *Continue*.",
            "It shows the settings that it found: press *Continue*.",
            "Type your password, and press *Continue*.",
        ),
    ),
    Guide(
        key="outlook",
        title="Outlook on Windows and Mac",
        ease=BY_HAND,
        steps=(
            "Open *File* (in the new Outlook: *Settings*, *Accounts*), then *Add account*.",
            "Type your address.  Under *Advanced options* choose *Let me set up my account manually*.",
            "Press *Connect* and choose *IMAP*.",
            "Type the servers, ports and encryption that stand above, then your password.",
        ),
        note="The new Outlook, and Outlook on phones, hand your password to Microsoft, whose servers fetch your mail.",
    ),
    Guide(
        key="iphone",
        title="Mail on iPhone and iPad",
        ease=BY_FILE,
        steps=(
            "Point the camera at this code, or open the profile on the device itself.",
            "Allow the download.",
            "Open *Settings*: near the top it says *Profile Downloaded*.  Tap it, then *Install*.",
            "Type your password when it is asked for.",
        ),
        extra=Extra.PROFILE_CODE,
    ),
    Guide(
        key="mac",
        title="Mail on a Mac",
        ease=BY_FILE,
        steps=(
            "Download the profile and open it.",
            "Open *System Settings*, *General*, *Device Management*, and open the profile there by a double click.",
            "Press *Install*, and type your password when it is asked for.",
        ),
        extra=Extra.PROFILE,
    ),
    Guide(
        key="android",
        title="Thunderbird and K-9 Mail on Android",
        ease=BY_ITSELF,
        steps=(
            "In a new installation press *Get started*, else open *Settings* and *Add account*.",
            "Type your address and your password: the program finds the rest.",
        ),
        note="Or choose *Import from Thunderbird desktop* and scan this code; then only the password is asked for.",
        extra=Extra.ACCOUNT_CODE,
    ),
    Guide(
        key="fairemail",
        title="FairEmail on Android",
        ease=BY_ITSELF,
        steps=(
            "Open the *Quick setup* wizard and choose *Other provider*.",
            "Type your name, your address and your password, and press *Check*.",
        ),
    ),
    Guide(
        key="gmail",
        title="Gmail on Android",
        ease=BY_HAND,
        steps=(
            "Tap your picture, *Add another account*, then *Other*.",
            "Type your address, and choose *Personal (IMAP)*.",
            "Type your password, then the servers that stand above.",
        ),
    ),
    Guide(
        key="linux",
        title="Evolution, Geary and KMail",
        ease=BY_ITSELF,
        steps=(
            "Add a mail account.",
            "Type your name and your address: the program finds the rest and shows it.",
            "Type your password when it is asked for.",
        ),
    ),
    Guide(
        key="other",
        title="Any other program",
        ease=BY_HAND,
        steps=(
            "Add an account, and choose *IMAP* if it asks for the kind.",
            "Type the servers, ports and encryption that stand above.",
            "The user name is your whole address, for both servers.",
        ),
    ),
)
