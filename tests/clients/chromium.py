"""Chromium without a window, told what to do by its DevTools protocol over a pipe: JSON, each message ended by NUL."""

from __future__ import annotations

import base64
import itertools
import json
import os
import selectors
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from tests.clients.programs import environment, require_client

ANSWER_S = 30.0
PIECE = 1 << 16

# What would look for the network, or asks for a person.
QUIET = (
    "--headless",
    "--no-sandbox",  # it cannot have one as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--lang=en-US",
)


class Chromium:
    """A Chromium with an empty profile under `home`; `names` are its rules for DNS (``MAP * 127.0.0.1:8443``)."""

    def __init__(self, home: Path, names: str = "", *options: str) -> None:
        self._home = home
        rules = (f"--host-resolver-rules={names}",) if names else ()
        profile = f"--user-data-dir={home / 'chromium'}"
        self._arguments = (*QUIET, *rules, *options, profile, "--remote-debugging-pipe", "about:blank")
        self._numbers = itertools.count(1)
        self._buffer = b""
        self._tabs: dict[str, Tab] = {}

    def __enter__(self) -> Self:
        program = require_client("chromium")
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._in, selectors.EVENT_READ)
        with (self._home / "chromium.log").open("wb") as log:
            # It reads file 3 and writes file 4; a shell puts them there, after which it is no more.
            place = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}'
            self._process = subprocess.Popen(
                ["bash", "-c", place, "bash", program, *self._arguments],
                env=environment(self._home),
                pass_fds=(theirs_in, theirs_out),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        os.close(theirs_in)
        os.close(theirs_out)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._selector.close()
        os.close(self._in)
        os.close(self._out)

    def open(
        self,
        url: str,
        *,
        width: int = 1280,
        height: int = 900,
        dark: bool = False,
        phone: bool = False,
        scripts: bool = True,
    ) -> Tab:
        """A new page of this size, when it has loaded."""
        target = self.command("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.command("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        tab = self._tabs[session] = Tab(self, session, target)
        for domain in ("Page", "Runtime", "Network", "Log", "Security"):
            tab.command(f"{domain}.enable")
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone}
        tab.command("Emulation.setDeviceMetricsOverride", size)
        theme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        tab.command("Emulation.setEmulatedMedia", {"features": theme})
        tab.command("Emulation.setScriptExecutionDisabled", {"value": not scripts})
        tab.command("Page.setLifecycleEventsEnabled", {"enabled": True})
        tab.command("Page.bringToFront")  # only there fields have the focus
        tab.go(url)
        return tab

    def command(self, method: str, parameters: dict[str, Any] | None = None, session: str = "") -> dict[str, Any]:
        """Send a command, and give its answer; what happens meanwhile is kept with the page that it happens to."""
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters or {}}
        if session:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        answer: dict[str, Any] = {}

        def is_answered() -> bool:
            nonlocal answer
            answer = self._read()
            return answer.get("id") == number

        self._until(is_answered, method)
        assert "error" not in answer, f"{method}: {answer['error']['message']}"
        result: dict[str, Any] = answer["result"]
        return result

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Read what happens until the condition is true."""

        def is_true() -> bool:
            if condition():
                return True
            self._read()
            return condition()

        self._until(is_true, what)

    def _until(self, done: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + ANSWER_S
        while not done():
            assert time.monotonic() < end, f"not within {ANSWER_S} s: {what}"

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            assert self._selector.select(ANSWER_S), "Chromium says nothing"
            piece = os.read(self._in, PIECE)
            assert piece, f"Chromium ended:\n{(self._home / 'chromium.log').read_text()[-2000:]}"
            self._buffer += piece
        octets, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(octets)
        if "method" in message and (tab := self._tabs.get(message.get("sessionId", ""))):
            tab.happened(message["method"], message["params"])
        return message


@dataclass(slots=True)
class Tab:
    """A page.  `asked`: the URLs that it fetched; `complaints`: what the console and the browser say against it.

    `loaded`: which page has loaded, of all that are shown one after the other; `here`: which the test is looking at.
    """

    browser: Chromium
    session: str
    target: str
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    loaded: str = ""
    here: str = ""

    def go(self, url: str) -> None:
        """Open another page here, and wait until it has loaded."""
        answer = self.command("Page.navigate", {"url": url})
        assert "errorText" not in answer, answer
        self.here = answer["loaderId"]
        self.browser.wait(lambda: self.loaded == self.here, "a page that loads")

    def wait_for_next(self) -> None:
        """Wait until the page that was asked for by a click or a key has loaded."""
        self.browser.wait(lambda: self.loaded != self.here, "the next page")
        self.here = self.loaded

    def run(self, script: str) -> Any:
        """The value of an expression in JavaScript, which may be a promise."""
        parameters = {"expression": script, "awaitPromise": True, "returnByValue": True}
        answer = self.command("Runtime.evaluate", parameters)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, condition: str) -> None:
        """Wait until an expression in JavaScript is true, looking at it with each picture."""
        look = f"const look = () => ({condition}) ? done() : requestAnimationFrame(look); look()"
        self.run(f"new Promise(done => {{ {look} }})")

    def click(self, selector: str) -> None:
        """Press with the mouse in the middle of an element, as a person would."""
        at = self.run(
            f"(e => {{ e.scrollIntoView({{block: 'center', behavior: 'instant'}}); const r = e.getBoundingClientRect();"
            f" return [r.x + r.width / 2, r.y + r.height / 2] }})(document.querySelector({json.dumps(selector)}))"
        )
        for kind in ("mousePressed", "mouseReleased"):
            where = {"type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1}
            self.command("Input.dispatchMouseEvent", where)

    def type(self, text: str) -> None:
        """Type into what has the focus."""
        self.command("Input.insertText", {"text": text})

    def press(self, key: str) -> None:
        """Press a key: ``Tab``, ``Enter``, ``Escape``, ``ArrowDown``…"""
        code = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "ArrowDown": 40, "ArrowRight": 39}[key]
        parameters = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        text = {"Enter": {"text": "\r"}, " ": {"text": " "}}.get(key, {})
        self.command("Input.dispatchKeyEvent", {"type": "keyDown"} | parameters | text)
        self.command("Input.dispatchKeyEvent", {"type": "keyUp"} | parameters)

    def names(self, role: str) -> list[str]:
        """The names of all elements with an accessible role, as a screen reader says them."""
        nodes = self.command("Accessibility.getFullAXTree")["nodes"]
        return [
            node.get("name", {}).get("value", "")
            for node in nodes
            if not node.get("ignored") and node.get("role", {}).get("value") == role
        ]

    def picture(self) -> bytes:
        """The whole page, also what lies below the window, as a PNG."""
        taken = self.command("Page.captureScreenshot", {"format": "png", "captureBeyondViewport": True})
        return base64.b64decode(taken["data"])

    def wait_for_images(self) -> None:
        """Scroll through the page, and wait until the images in its unfolded parts are there."""
        shown = "[...document.images].filter(image => image.checkVisibility())"
        self.run(f"{shown}.forEach(image => image.scrollIntoView())")
        self.run(f"Promise.all({shown}.map(image => image.complete || new Promise(done => image.onload = done)))")
        self.run("scrollTo(0, 0)")

    def close(self) -> None:
        """Close the page."""
        self.browser.command("Target.closeTarget", {"targetId": self.target})

    def command(self, method: str, parameters: dict[str, Any] | None = None) -> dict[str, Any]:
        """A command of the protocol, for this page."""
        return self.browser.command(method, parameters, self.session)

    def happened(self, method: str, parameters: dict[str, Any]) -> None:
        """Keep what a test wants to know."""
        match method:
            case "Page.lifecycleEvent" if parameters["name"] == "load":
                self.loaded = parameters["loaderId"]
            case "Network.requestWillBeSent":
                self.asked.append(parameters["request"]["url"])
            case "Log.entryAdded" if parameters["entry"]["level"] in ("warning", "error"):
                self.complaints.append(parameters["entry"]["text"])
            case "Runtime.consoleAPICalled" if parameters["type"] in ("warning", "error"):
                self.complaints.append(str(parameters["args"]))
            case "Runtime.exceptionThrown":
                self.complaints.append(str(parameters["exceptionDetails"]))
