"use strict";

// Unfold the steps for the visitor's own system, unless the address of the page names others.
const guess = () => {
  const system = navigator.userAgent;
  if (/iPhone|iPad/.test(system) || (/Macintosh/.test(system) && navigator.maxTouchPoints > 1)) return "iphone";
  if (/Android/.test(system)) return "android";
  if (/Macintosh/.test(system)) return "mac";
  if (/Windows/.test(system)) return "outlook";
  return "thunderbird";
};
const named = document.getElementById(location.hash.slice(1));
const guide = named && named.matches(".guide") ? named : document.getElementById(guess());
if (guide) guide.open = true;

// A button beside each value that is typed elsewhere.  Browsers let pages copy only when they came over TLS.
if (navigator.clipboard) {
  for (const value of document.querySelectorAll(".value")) {
    const button = document.createElement("button");
    const what = value.closest("div").querySelector("dt").textContent;
    const where = value.closest(".card").querySelector("h3").textContent;
    const show = (word) => {
      button.textContent = word;
      button.setAttribute("aria-label", `${word}: ${what}, ${where}`);
    };
    button.type = "button";
    button.className = "copy";
    show("Copy");
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(value.textContent);
      } catch {  // not allowed: select it, so that a key copies it
        getSelection().selectAllChildren(value);
        return;
      }
      show("Copied");
      setTimeout(show, 2000, "Copy");
    });
    value.after(button);
  }
}
