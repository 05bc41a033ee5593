// Tells a scanner's typing from a person's, wherever the focus is: fast keys that end with Enter or Tab. What it typed
// is taken out of the field again, and told to the page as the event "scanned" with its text, in the layout it came in.
"use strict";

(() => {
  const GAP_MS_MAX = 100;
  const MEAN_MS_MAX = 40;
  const CHARACTERS_MIN = 4;
  const GROUP_SEPARATOR = "\u001d";
  const EDITABLE = "input:not([type=radio]):not([type=checkbox]):not([type=submit]):not([type=button]), textarea, select";

  let burst = null;

  const isEditable = (element) => element instanceof Element && element.matches(EDITABLE);

  function characterOf(event) {
    // Scanners send the separator of GS1 codes as Ctrl+].
    if (event.ctrlKey && !event.altKey && event.code === "BracketRight") return GROUP_SEPARATOR;
    if (event.ctrlKey || event.metaKey || event.altKey) return null;
    return [...event.key].length === 1 ? event.key : null;
  }

  function begin(event) {
    let field = document.activeElement;
    if (!isEditable(field)) {
      field = null;
      const scan = document.querySelector("[data-scan-form] [name=text]");
      // Whoever types with the focus nowhere means the scan field.
      if (scan && !document.querySelector("dialog[open]") && event.key !== " ") {
        scan.focus();
        field = scan;
      }
    }
    return { text: "", startedAt: event.timeStamp, lastAt: event.timeStamp, field, value: field ? field.value : "" };
  }

  function isScan(found, at) {
    const count = [...found.text].length;
    return count >= CHARACTERS_MIN && at - found.lastAt <= GAP_MS_MAX
      && (found.lastAt - found.startedAt) / (count - 1) <= MEAN_MS_MAX;
  }

  window.addEventListener("keydown", (event) => {
    if (event.isComposing || ["Shift", "Control", "Alt", "AltGraph", "Meta", "CapsLock"].includes(event.key)) return;
    if (event.key === "Enter" || event.key === "Tab") {
      const found = burst;
      burst = null;
      if (!found || !isScan(found, event.timeStamp)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if (found.field) found.field.value = found.value;
      document.dispatchEvent(new CustomEvent("scanned", { detail: { text: found.text } }));
      return;
    }
    const character = characterOf(event);
    if (character === null) {
      burst = null;
      return;
    }
    if (!burst || event.timeStamp - burst.lastAt > GAP_MS_MAX) burst = begin(event);
    burst.text += character;
    burst.lastAt = event.timeStamp;
    // The separator is a key of the browser's own elsewhere, and a space presses a button.
    if (character === GROUP_SEPARATOR || (character === " " && burst.text.length > 1 && !burst.field)) event.preventDefault();
  }, true);
})();
