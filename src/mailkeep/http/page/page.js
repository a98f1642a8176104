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
    const label = value.closest("div").querySelector("dt").textContent;
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.setAttribute("aria-label", `Copy: ${label}`);
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(value.textContent);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    value.after(button);
  }
}
