// A list of tasks by keys: J and K, or the arrows, go from one to the next; D and S act on the one at hand.
// Without this script every task has its own buttons.
"use strict";

(() => {
  const rows = Array.from(document.querySelectorAll("[data-task]"));
  if (rows.length === 0) return;
  let current = -1;

  function choose(place, focus) {
    const wanted = Math.max(0, Math.min(rows.length - 1, place));
    if (current >= 0) {
      delete rows[current].dataset.current;
      rows[current].querySelectorAll("[data-row-key]").forEach((button) => { delete button.dataset.hotkey; });
    }
    current = wanted;
    const row = rows[current];
    row.dataset.current = "yes";
    row.querySelectorAll("[data-row-key]").forEach((button) => { button.dataset.hotkey = button.dataset.rowKey; });
    if (!focus) return;
    row.querySelector("a").focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }

  document.querySelectorAll("[data-moves]").forEach((button) => {
    button.addEventListener("click", () => choose(current + Number(button.dataset.moves), true));
  });
  rows.forEach((row, place) => row.addEventListener("focusin", () => choose(place, false)));
  document.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.code];
    if (!step || event.ctrlKey || event.altKey || event.shiftKey || event.metaKey) return;
    if (document.querySelector("dialog[open]") || event.target.matches("input, select, textarea")) return;
    event.preventDefault();
    choose(current + step, true);
  });

  const form = document.getElementById("put-off-form");
  document.querySelectorAll("[data-puts-off]").forEach((link) => {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      form.action = link.dataset.putsOff;
      document.getElementById("put-off-what").textContent = link.closest("[data-task]").querySelector("a").textContent;
      window.filial.openDialog("put-off", link);
    });
  });
  choose(0, false);
})();
