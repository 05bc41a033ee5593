// The keys of the PIN pad. Without them the PIN is typed.
"use strict";

(() => {
  document.addEventListener("DOMContentLoaded", () => {
    for (const form of document.querySelectorAll("[data-pin-form]")) {
      const field = form.querySelector("[name=pin]");
      const pad = form.querySelector("[data-pad]");
      pad.hidden = false;
      pad.addEventListener("click", (event) => {
        const key = event.target.closest("[data-digit]");
        if (!key) return;
        field.value = key.dataset.digit ? (field.value + key.dataset.digit).slice(0, field.maxLength) : field.value.slice(0, -1);
        field.focus();
      });
      form.addEventListener("change", (event) => { if (event.target.name === "code") field.focus(); });
    }
  });
})();
