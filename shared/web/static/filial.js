// Everything the pages do by themselves: hotkeys, forms that are sent once, dialogs, the undo bar, announcements.
// Every page works without it, as plain links and forms.
"use strict";

(() => {
  const KEPT_FIELDS = "kept fields";
  const ANNOUNCE_MS = 150;
  const MODIFIERS = ["Ctrl", "Alt", "Shift", "Meta"];

  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const isShown = (element) => element.isConnected && element.getClientRects().length > 0 && !element.disabled;
  // What stands in the closed menu of the navigation has its key all the same.
  const isReachable = (element) => isShown(element) || element.closest(".bar-more") !== null;

  // ---- Announcements: what a screen reader says. Emptied first, so that the same text is said again.
  function announce(text) {
    const region = document.getElementById("announcements");
    if (!region) return;
    region.textContent = "";
    setTimeout(() => { region.textContent = text; }, ANNOUNCE_MS);
  }

  // ---- Hotkeys, declared as data-hotkey="F2" or "Ctrl+KeyK". By the key's place (event.code), so that a Russian
  // layout does not move them.
  function pressed(event) {
    const held = { Ctrl: event.ctrlKey, Alt: event.altKey, Shift: event.shiftKey, Meta: event.metaKey };
    return [...MODIFIERS.filter((name) => held[name]), event.code].join("+");
  }

  function labelOf(element) {
    const text = (of) => {
      const copy = of.cloneNode(true);
      all("kbd, .optional, [aria-hidden=true]", copy).forEach((part) => part.remove());
      return copy.textContent.trim();
    };
    const label = element.labels && element.labels[0];
    return element.dataset.hotkeyLabel || element.getAttribute("aria-label") || (label ? text(label) : text(element));
  }

  const shown = (code) => code.split("+").map((part) => part.replace(/^(Key|Digit)/, "")).join("+");

  function hotkeyTarget(code) {
    const open = document.querySelector("dialog[open]");
    return all(`[data-hotkey="${CSS.escape(code)}"]`, open || document).find(isReachable);
  }

  function useHotkey(event) {
    if (event.isComposing || event.defaultPrevented) return;
    const target = hotkeyTarget(pressed(event));
    if (!target) return;
    event.preventDefault();
    if (event.repeat) return;
    if (target.matches("input:not([type=submit]):not([type=button]):not([type=checkbox]), select, textarea")) {
      target.focus();
      if (target.select) target.select();
    } else {
      // The focus stays where it was: a cashier goes on typing there.
      target.click();
    }
  }

  function listHotkeys() {
    const list = document.querySelector("[data-hotkey-list]");
    if (!list) return;
    list.replaceChildren();
    for (const element of all("[data-hotkey]").filter(isReachable)) {
      const term = document.createElement("dt");
      const key = document.createElement("kbd");
      key.textContent = shown(element.dataset.hotkey);
      term.append(key);
      const meaning = document.createElement("dd");
      meaning.textContent = labelOf(element);
      list.append(term, meaning);
    }
  }

  // ---- Dialogs: <dialog>, with the focus going back to where it was.
  function openDialog(id, opener) {
    const dialog = document.getElementById(id);
    if (!dialog || dialog.open) return;
    if (dialog.querySelector("[data-hotkey-list]")) listHotkeys();
    const before = document.activeElement;
    dialog.returnTo = before && before !== document.body ? before : opener;
    dialog.showModal();
    dialog.addEventListener("close", () => {
      if (dialog.returnTo && dialog.returnTo.isConnected) dialog.returnTo.focus();
    }, { once: true });
  }

  // ---- Forms are sent once: a double click pays once. What is sent keeps the pressed button's name.
  function sendOnce(event) {
    const form = event.target;
    // By attributes: a field named "method" would stand in the property's place.
    if (event.defaultPrevented || !form.matches("[method=post i], [hx-post]")) return;
    if (form.dataset.sent) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    if (form.matches("[data-keeps-fields]")) keepFields();
    form.dataset.sent = "yes";
    form.setAttribute("aria-busy", "true");
    // Disabled a moment later: a disabled button's value would not be sent.
    setTimeout(() => all("button, input[type=submit]", form).forEach((button) => { button.disabled = true; }), 0);
  }

  function allowAgain(form) {
    if (!form.dataset.sent) return;
    delete form.dataset.sent;
    form.removeAttribute("aria-busy");
    all("button, input[type=submit]", form).forEach((button) => { button.disabled = false; });
  }

  // ---- Another language or theme loads the page anew: what was typed is put back. Never passwords or PINs.
  const fieldsOfPage = () => all("main input[name], main select[name], main textarea[name]")
    .filter((field) => !["hidden", "password", "file", "submit", "button"].includes(field.type));

  function keepFields() {
    const kept = fieldsOfPage().map((field) => [field.name, field.type === "checkbox" || field.type === "radio"
      ? [field.value, field.checked] : field.value]);
    sessionStorage.setItem(KEPT_FIELDS, JSON.stringify({ path: location.pathname, kept }));
  }

  function putFieldsBack() {
    const held = sessionStorage.getItem(KEPT_FIELDS);
    sessionStorage.removeItem(KEPT_FIELDS);
    if (!held) return;
    const { path, kept } = JSON.parse(held);
    if (path !== location.pathname) return;
    const fields = fieldsOfPage();
    kept.forEach(([name, value], place) => {
      const field = fields[place];
      if (!field || field.name !== name) return;
      if (Array.isArray(value)) field.checked = value[1];
      else field.value = value;
    });
  }

  // ---- The undo bar counts down and goes; the server keeps the right to undo.
  function startCountdowns(root) {
    all("[data-undo-seconds]", root).forEach((bar) => {
      if (bar.counting) return;
      let seconds = Number(bar.dataset.undoSeconds);
      const figure = bar.querySelector(".undo-seconds");
      const tick = () => {
        if (!bar.isConnected) return clearInterval(bar.counting);
        if (figure) figure.textContent = String(seconds);
        if (seconds-- > 0) return undefined;
        clearInterval(bar.counting);
        // Whoever has the focus in it is about to press it.
        if (!bar.contains(document.activeElement)) bar.remove();
        return undefined;
      };
      bar.counting = setInterval(tick, 1000);
      tick();
    });
  }

  // The browser gives the focus to a field some time after the page is there: a scanner's first keys would be lost.
  function focusAtOnce() {
    const first = document.querySelector("[autofocus]");
    if (first && document.activeElement === document.body) first.focus();
  }

  document.addEventListener("keydown", useHotkey);
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && document.querySelector("details.bar-more[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  document.addEventListener("submit", sendOnce, true);
  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (!target) return;
    const opener = target.closest("[data-opens]");
    if (opener) openDialog(opener.dataset.opens, opener);
    if (target.closest("[data-closes-dialog]")) target.closest("dialog").close();
    if (target.closest("[data-closes-notice]")) target.closest(".notice").remove();
    if (target.closest("[data-prints]")) window.print();
    all("details.bar-more[open]").filter((menu) => !menu.contains(target)).forEach((menu) => { menu.open = false; });
  });
  // A page that comes back out of the browser's memory still has its forms disabled.
  window.addEventListener("pageshow", (event) => { if (event.persisted) all("form").forEach(allowAgain); });

  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.target instanceof Element ? event.target.closest("form") : null;
    if (form) allowAgain(form);
  });
  document.addEventListener("htmx:sendError", () => announceLost());
  let chipState = null;
  document.addEventListener("htmx:afterSettle", (event) => {
    startCountdowns(document);
    const chip = document.getElementById("chip");
    if (chip && chipState !== null && chip.dataset.state !== chipState) announce(chip.textContent.trim());
    if (chip) chipState = chip.dataset.state;
    const failure = event.target instanceof Element ? event.target.querySelector(".notice-failure") : null;
    if (failure) failure.scrollIntoView({ block: "nearest" });
  });

  function announceLost() {
    const chip = document.getElementById("chip");
    if (chip) chip.classList.add("chip-stale");
  }

  document.addEventListener("DOMContentLoaded", () => {
    const chip = document.getElementById("chip");
    if (chip) chipState = chip.dataset.state;
    putFieldsBack();
    startCountdowns(document);
    document.documentElement.dataset.ready = "yes";
  });

  focusAtOnce();
  window.filial = { announce, openDialog };
})();
