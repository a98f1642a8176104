"""Microsoft's Autodiscover: POX (plain old XML) by which Outlook finds IMAP, POP3 and SMTP, and JSON.

There is no ActiveSync here: whoever asks for it by the schema "mobilesync" is told so (error 601), and whoever asks
by JSON that the protocol is not supported.  Passwords that programs send along are not looked at.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final
from xml.parsers import expat
from xml.sax.saxutils import escape

from mailkeep.service.wellknown import MailService, Security, Site

CONTENT_TYPE: Final = "text/xml; charset=utf-8"
JSON_TYPE: Final = "application/json; charset=utf-8"
POX_PATH: Final = "autodiscover/autodiscover.xml"  # in any case of letters
JSON_PATH: Final = "autodiscover/autodiscover.json"

MAX_DEPTH: Final = 16  # of elements in a request, which has three
MAX_ELEMENTS: Final = 100
MAX_TEXT: Final = 2000  # characters of one element

_ANSWER: Final = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
_OUTLOOK: Final = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
_MOBILESYNC: Final = "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006"
_TYPES: Final = {"imap": "IMAP", "pop3": "POP3", "smtp": "SMTP"}
_ENCRYPTION: Final = {Security.TLS: "SSL", Security.STARTTLS: "TLS"}


class Malformed(Exception):
    """Not a request; the text says why."""


class Schema(Enum):
    """Which kind of answer is asked for."""

    OUTLOOK = "outlook"
    MOBILESYNC = "mobilesync"
    OTHER = "other"


class Fault(Enum):
    """Errors of the framework: (code, message)."""

    INVALID_REQUEST = (600, "Invalid Request")
    NO_PROVIDER = (601, "Provider not found")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: `address` as it was written, "" where none was."""

    schema: Schema
    address: str


def parse_request(octets: bytes) -> Asked:
    """What a request asks for; one that names no schema asks for Outlook's.  Namespaces do not count.

    Raises: Malformed; also for any document type, so that no entity is ever expanded.
    """
    reader = _Reader()
    try:
        reader.parser.Parse(octets, True)  # noqa: FBT003 - expat knows no keywords
    except expat.ExpatError as error:
        raise Malformed(f"not well-formed XML: {error}") from error
    except (ValueError, LookupError) as error:  # an encoding that nobody knows
        raise Malformed("not XML in an encoding known here") from error
    if reader.root != "autodiscover":
        raise Malformed("the root element is not Autodiscover")
    wanted = reader.texts.get("acceptableresponseschema", "").strip().lower()
    return Asked(_schema(wanted), reader.texts.get("emailaddress", "").strip())


def _schema(wanted: str) -> Schema:
    if not wanted or "/autodiscover/outlook/" in wanted:
        return Schema.OUTLOOK
    return Schema.MOBILESYNC if "/autodiscover/mobilesync/" in wanted else Schema.OTHER


class _Reader:
    """Keeps the texts of elements by their local names in lower case, of each the first."""

    def __init__(self) -> None:
        self.root = ""
        self.texts: dict[str, str] = {}
        self._open: list[str] = []
        self._elements = 0
        self._text = ""
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._data
        self.parser.StartDoctypeDeclHandler = self._doctype

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2].lower()
        self.root = self.root or local
        self._open.append(local)
        self._elements += 1
        self._text = ""
        if len(self._open) > MAX_DEPTH or self._elements > MAX_ELEMENTS:
            raise Malformed("too many elements")

    def _end(self, _name: str) -> None:
        self.texts.setdefault(self._open.pop(), self._text)
        self._text = ""

    def _data(self, data: str) -> None:
        self._text += data
        if len(self._text) > MAX_TEXT:
            raise Malformed("too long a text")

    def _doctype(self, *_: object) -> None:
        raise Malformed("a document type is not allowed")


def outlook_settings(address: str, site: Site) -> bytes:
    """The answer in Outlook's schema.  `address` in its normal form: all log in with it."""
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<Autodiscover xmlns="{_ANSWER}">',
        f'  <Response xmlns="{_OUTLOOK}">',
        "    <User>",
        f"      <DisplayName>{escape(address)}</DisplayName>",
        "    </User>",
        "    <Account>",
        "      <AccountType>email</AccountType>",
        "      <Action>settings</Action>",
        *(line for service in site.best_services for line in _protocol(service, address)),
        "    </Account>",
        "  </Response>",
        "</Autodiscover>",
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def _protocol(service: MailService, address: str) -> tuple[str, ...]:
    elements = [
        ("Type", _TYPES[service.protocol]),
        ("Server", service.host),
        ("Port", str(service.port)),
        ("LoginName", address),
        ("DomainRequired", "off"),
        ("SPA", "off"),  # whose default is on
        ("SSL", "on"),
        ("Encryption", _ENCRYPTION[service.security]),
        ("AuthRequired", "on"),
    ]
    if service.protocol == "smtp":
        elements += [("UsePOPAuth", "on"), ("SMTPLast", "off")]
    return (
        "      <Protocol>",
        *(f"        <{name}>{escape(text)}</{name}>" for name, text in elements),
        "      </Protocol>",
    )


def error(fault: Fault, now: datetime, why: str = "") -> bytes:
    """The answer where there are no settings.  `why`: for whoever looks for the fault."""
    code, message = fault.value
    debug = f"<DebugData>{escape(why)}</DebugData>" if why else "<DebugData/>"
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<Autodiscover xmlns="{_ANSWER}">\n'
        "  <Response>\n"
        f'    <Error Time="{now:%H:%M:%S.%f}0" Id="1">\n'
        f"      <ErrorCode>{code}</ErrorCode>\n"
        f"      <Message>{message}</Message>\n"
        f"      {debug}\n"
        "    </Error>\n"
        "  </Response>\n"
        "</Autodiscover>\n"
    ).encode()


def find_protocol(protocol: str, site: Site) -> bytes | None:
    """In JSON, where `protocol` is to be found; None: not here.  Letter case does not count."""
    if protocol.lower() != "autodiscoverv1" or not site.url:
        return None
    return _json({"Protocol": "AutodiscoverV1", "Url": f"{site.url}/{POX_PATH}"})


def refuse_protocol(protocol: str) -> bytes:
    """In JSON, that `protocol` is not to be found here; "": that none was named."""
    if not protocol:
        text = "A valid value must be provided for the query parameter 'Protocol'"
        return _json({"ErrorCode": "MandatoryParameterMissing", "ErrorMessage": text})
    shown = "".join(letter for letter in protocol[:100] if letter.isalnum())
    text = f"The given protocol value '{shown}' is invalid. Supported values are 'AutodiscoverV1'"
    return _json({"ErrorCode": "InvalidProtocol", "ErrorMessage": text})


def _json(document: dict[str, str]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
