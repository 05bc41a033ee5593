// Walks from the search to the rows of the list and back with the arrows; Enter opens a row, as it does any link.
"use strict";

(() => {
  const field = document.querySelector("[data-walks-to]");
  if (!field) return;
  const list = document.querySelector(field.dataset.walksTo);

  function rows() {
    return Array.from(list.querySelectorAll("[data-row]"));
  }

  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const here = rows().indexOf(document.activeElement);
    if (!step || (document.activeElement !== field && here < 0)) return;
    event.preventDefault();
    const next = here + step;
    if (next < 0) field.focus();
    else rows()[next]?.focus();
  });

  // An answer that comes late must not take the row from under the fingers.
  let place = -1;
  document.body.addEventListener("htmx:beforeSwap", () => { place = rows().indexOf(document.activeElement); });
  document.body.addEventListener("htmx:afterSwap", () => { if (place >= 0) rows()[Math.min(place, rows().length - 1)]?.focus(); });

  // A whole search ends with Enter: the first of the list is meant.
  field.form.addEventListener("submit", () => {
    document.body.addEventListener("htmx:afterSettle", () => rows()[0]?.focus(), { once: true });
  });
})();
