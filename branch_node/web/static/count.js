// Adds up what is counted while it is typed; Enter goes to the next note instead of closing the shift.
"use strict";

(() => {
  const output = document.querySelector("[data-counts]");
  if (!output) return;
  const fields = Array.from(document.querySelectorAll("[data-value-minor]"));
  const zero = output.dataset.zero;

  function add() {
    const total = fields.reduce((sum, field) => sum + Number(field.dataset.valueMinor) * (parseInt(field.value, 10) || 0), 0);
    // The server wrote what nothing looks like here; only its digits change.
    const digits = (zero.match(/0[.,]0+/) || ["0"])[0];
    const decimals = digits.length > 1 ? digits.length - 2 : 0;
    const text = (total / 10 ** decimals).toLocaleString(document.documentElement.lang, {
      minimumFractionDigits: decimals, maximumFractionDigits: decimals,
    });
    output.textContent = zero.replace(digits, text);
  }

  fields.forEach((field, place) => {
    field.addEventListener("input", add);
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !fields[place + 1]) return;
      event.preventDefault();
      fields[place + 1].focus();
    });
  });
  add();
})();
