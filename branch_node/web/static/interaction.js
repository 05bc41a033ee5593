// Logging a conversation by keys: while no text is typed a figure chooses the outcome, letters the themes and the next
// step. By the key's place on the keyboard, so that the layout does not matter. Without it the chips are plain fields.
"use strict";

(() => {
  const form = document.querySelector("[data-talk]");
  if (!form) return;
  const all = (selector) => Array.from(form.querySelectorAll(selector));
  const isText = (element) => element && element.matches("textarea, select, input:not([type=radio]):not([type=checkbox])");

  // ---- Chips. What was said of one is asked for once it is set.
  let last = null;
  function show(chip) {
    const detail = form.querySelector(`[data-of="${CSS.escape(chip.dataset.chip)}"]`);
    if (detail) detail.hidden = !chip.checked;
    if (chip.checked) last = detail;
  }
  form.addEventListener("change", (event) => {
    const changed = event.target;
    if (changed.dataset.chip) show(changed);
    // Whom nobody reached is not reached; the others are.
    if (changed.name === "outcome" && !form.dataset.said) {
      const wanted = form.querySelector(`[name=reached][value=${changed.hasAttribute("data-unreached") ? "no" : "yes"}]`);
      if (wanted) wanted.checked = true;
    }
    if (changed.name === "reached") form.dataset.said = "yes";
    if (changed.name === "next_day" && changed.value) all("[name=next]").forEach((each) => { each.checked = false; });
  });
  all("[data-chip]").forEach(show);

  function say(sentiment) {
    const wanted = last && last.querySelector(`input[value=${sentiment}]`);
    if (wanted) wanted.click();
  }

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
    if (document.querySelector("dialog[open]")) return;
    if (event.code === "Escape" && isText(document.activeElement)) return document.activeElement.blur();
    if (isText(document.activeElement) || event.shiftKey) return undefined;
    if (event.code === "Equal") { event.preventDefault(); return say("positive"); }
    if (event.code === "Minus") { event.preventDefault(); return say("negative"); }
    const target = form.querySelector(`[data-key="${CSS.escape(event.code)}"]`);
    if (!target) return undefined;
    event.preventDefault();
    if (event.repeat) return undefined;
    if (isText(target)) target.focus(); else target.click();
    return undefined;
  });

  // ---- The clock of a call.
  const timer = form.querySelector("[data-timer]");
  const duration = form.querySelector("[name=duration]");
  let begun = null;
  let ticking = null;
  const written = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  const passed = () => Math.floor((performance.now() - begun) / 1000);
  function run(secondsBefore) {
    begun = performance.now() - secondsBefore * 1000;
    timer.setAttribute("aria-pressed", "true");
    timer.textContent = timer.dataset.runs;
    duration.value = written(passed());
    ticking = setInterval(() => { duration.value = written(passed()); }, 1000);
  }
  function stop() {
    if (ticking === null) return;
    clearInterval(ticking);
    ticking = null;
    duration.value = written(passed());
    timer.setAttribute("aria-pressed", "false");
    timer.textContent = timer.dataset.stands;
  }
  if (timer) {
    timer.addEventListener("click", () => { if (ticking === null) run(0); else stop(); });
    form.addEventListener("submit", stop);
    if (form.dataset.started) run(Number(form.dataset.started));
  }
})();
