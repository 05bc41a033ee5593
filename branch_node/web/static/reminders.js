// A reminder that has just come is said aloud to whoever does not see the page.
"use strict";

(() => {
  const known = new Set();
  document.addEventListener("htmx:afterSettle", () => {
    document.querySelectorAll("[data-reminder]").forEach((reminder) => {
      if (known.has(reminder.dataset.reminder)) return;
      known.add(reminder.dataset.reminder);
      window.filial.announce(reminder.querySelector("strong").textContent);
    });
  });
})();
