// Ticks lines by their number, wherever the focus is but in a text field; Enter in a tick box confirms, as in any form.
"use strict";

(() => {
  const lines = Array.from(document.querySelectorAll("[data-line]")).filter((line) => !line.disabled);
  if (!lines.length) return;
  const isTyping = () => document.activeElement && document.activeElement.matches("input:not([type=checkbox]), textarea, select");

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || isTyping() || document.querySelector("dialog[open]")) return;
    const found = /^(?:Digit|Numpad)([1-9])$/.exec(event.code);
    const line = found && lines.find((each) => each.dataset.line === found[1]);
    if (!line) return;
    event.preventDefault();
    line.focus();
    line.click();
  });
  lines[0].focus();
})();
