"""The set-up page as HTML: what it shows, with every text from elsewhere escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Final
from urllib.parse import quote

from mailkeep.http.page.guides import GUIDES, Extra, Guide
from mailkeep.service.discovery.account_code import has_account_code
from mailkeep.service.discovery.profile import PROFILE_PATH
from mailkeep.service.wellknown import MailService, Security, Site

MAX_CODE: Final = 100  # characters of an address: a code of more is too fine for the cameras of phones
_SHOWN: Final = re.compile(r"\*([^*]+)\*")
_NAMES: Final = {"imap": "IMAP", "pop3": "POP3", "smtp": "SMTP"}
_ENCRYPTION: Final = {Security.TLS: "SSL/TLS", Security.STARTTLS: "STARTTLS"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What one visitor sees.

    Attributes: `typed` (what he typed), `address` (the same in its normal form, when it is of a domain served here),
    `problem` (why there are no settings), `example` (a domain for the example in the empty field), `style` and
    `script` (where they lie, relative to the page).
    """

    site: Site
    style: str
    script: str
    typed: str = ""
    address: str = ""
    problem: str = ""
    example: str = "example.org"


def render(page: Page) -> str:
    """The whole document."""
    name = page.site.name_of(page.address.rpartition("@")[2]) if page.address else page.site.hostname
    title = f"Mail settings for {page.address}" if page.address else "Set up your mail"
    return (
        "<!doctype html>\n"
        '<html lang="en">\n'
        "<head>\n"
        '<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)}</title>\n"
        '<link rel="icon" type="image/svg+xml" href="icon.svg">\n'
        f'<link rel="stylesheet" href="{escape(page.style)}">\n'
        f'<script src="{escape(page.script)}" defer></script>\n'
        "</head>\n"
        "<body>\n"
        f'<header><p class="provider">{escape(name)}</p><h1>Set up your mail</h1></header>\n'
        f"<main>\n{_form(page)}{_settings(page) if page.address else ''}</main>\n"
        "</body>\n"
        "</html>\n"
    )


def _form(page: Page) -> str:
    problem, marks = "", ""
    if page.problem:
        problem = f'<p class="problem" id="problem" role="alert">{escape(page.problem)}</p>\n'
        marks = ' aria-invalid="true" aria-describedby="problem"'
    focus = "" if page.address else " autofocus"
    return (
        '<form method="get" class="ask">\n'
        '<label for="address">Your mail address</label>\n'
        '<div class="row">\n'
        f'<input id="address" name="address" value="{escape(page.typed)}" placeholder="you@{escape(page.example)}"'
        ' inputmode="email" autocomplete="email" autocapitalize="off" autocorrect="off" spellcheck="false"'
        f' maxlength="500" required{focus}{marks}>\n'
        "<button>Show settings</button>\n"
        "</div>\n"
        f"{problem}"
        '<p class="hint">Only the part after the @ is looked up, and no password is asked for here.</p>\n'
        "</form>\n"
    )


def _settings(page: Page) -> str:
    best, others = _choose(page.site)
    more = ""
    if others:
        cards = "".join(_server(service, page.address) for service in others)
        head = "<summary>Other ways to connect</summary>"
        more = f'<details class="more">{head}\n<div class="cards">{cards}</div></details>\n'
    guides = "".join(_guide(guide, page) for guide in GUIDES if _is_possible(guide, page.site))
    return (
        '<section aria-labelledby="settings">\n'
        f'<h2 id="settings">Settings for <bdi>{escape(page.address)}</bdi></h2>\n'
        "<p>Many programs need only your address and your password, and find these settings by themselves.</p>\n"
        f'<div class="cards">{"".join(_server(service, page.address) for service in best)}</div>\n'
        f"{more}</section>\n"
        '<section aria-labelledby="programs">\n<h2 id="programs">In your program</h2>\n'
        f"{guides}</section>\n"
    )


def _choose(site: Site) -> tuple[list[MailService], list[MailService]]:
    """What is shown to all: the best way in and out.  And the others."""
    best: dict[bool, MailService] = {}
    for service in site.services:
        best.setdefault(service.protocol == "smtp", service)
    return [*best.values()], [service for service in site.services if service not in best.values()]


def _server(service: MailService, address: str) -> str:
    kind = _NAMES[service.protocol]
    way = "Outgoing mail" if service.protocol == "smtp" else "Incoming mail"
    rows = (
        ("Server", service.host, True),
        ("Port", str(service.port), True),
        ("Encryption", _ENCRYPTION[service.security], False),
        ("User name", address, True),
        ("Password", "of your account, or an app password", False),
    )
    lines = "".join(
        f"<div><dt>{label}</dt><dd>{_value(value) if is_typed else escape(value)}</dd></div>\n"
        for label, value, is_typed in rows
    )
    return f'<div class="card"><h3>{way} <span class="kind">{kind}</span></h3>\n<dl>\n{lines}</dl></div>\n'


def _value(text: str) -> str:
    """What a person types elsewhere: the page's script puts a button beside it that copies it."""
    return f'<code class="value">{escape(text)}</code>'


def _is_possible(guide: Guide, site: Site) -> bool:
    """Profiles can only speak of TLS from the first octet."""
    if guide.extra not in (Extra.PROFILE, Extra.PROFILE_CODE):
        return True
    direct = {service.protocol for service in site.services if service.security is Security.TLS}
    return "smtp" in direct and not direct.isdisjoint(("imap", "pop3"))


def _guide(guide: Guide, page: Page) -> str:
    steps = "".join(f"<li>{_marked(step)}</li>\n" for step in guide.steps)
    note = f'<p class="note">{_marked(guide.note)}</p>\n' if guide.note and _has_code(guide, page) else ""
    ease = f'<span class="ease">{guide.ease}</span>' if guide.ease else ""
    return (
        f'<details class="guide" name="program" id="{guide.key}">'
        f"<summary>{escape(guide.title)}{ease}</summary>\n"
        f'<div class="inside">\n<ol>\n{steps}</ol>\n{note}{"".join(_extra(guide, page))}</div></details>\n'
    )


def _has_code(guide: Guide, page: Page) -> bool:
    """Whether what the guide speaks of is there."""
    return guide.extra is not Extra.ACCOUNT_CODE or _has_account_code(page)


def _has_account_code(page: Page) -> bool:
    return len(page.address) <= MAX_CODE and has_account_code(page.address, page.site)


def _extra(guide: Guide, page: Page) -> Iterator[str]:
    address = quote(page.address, safe="")
    match guide.extra:
        case Extra.NOTHING:
            return
        case Extra.PROFILE | Extra.PROFILE_CODE:
            yield f'<p><a class="button" href="{PROFILE_PATH}?email={address}">Download the profile</a></p>\n'
            if guide.extra is Extra.PROFILE_CODE and page.site.url and len(page.address) <= MAX_CODE:
                yield _code(f"profile.svg?address={address}", "QR code of the profile's address")
        case Extra.ACCOUNT_CODE:
            if _has_account_code(page):
                yield _code(f"account.svg?address={address}", "QR code of the settings, for Thunderbird on Android")


def _code(url: str, what: str) -> str:
    """Fetched when it is unfolded: the picture is work for the server."""
    return f'<img class="code" src="{url}" alt="{what}" width="220" height="220" loading="lazy">\n'


def _marked(text: str) -> str:
    return _SHOWN.sub(r"<b>\1</b>", escape(text))
