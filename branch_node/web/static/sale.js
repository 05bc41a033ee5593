// The till's page: everything a cashier does goes into one queue, in order, one at a time, each under an id made before
// its first try. What was heard nothing of is sent again; the server does it once. Without this script the page works
// as plain forms.
"use strict";

(() => {
  const KEPT_SCANS = "scans that wait";
  const RELOADED = "reloaded once";
  const SCANS_AT_ONCE_MAX = 50;
  const ANSWER_MS_MAX = 15000;
  const SLOW_ANSWER_MS_MAX = 180000;
  const AGAIN_MS = [500, 1000, 2000, 4000];
  const SHOWN_AFTER_MS = 1500;
  const LOOK_EVERY_MS = 4000;
  const CHOICE_MS = 90;
  const TIMES = /^\s*\d{1,6}([.,]\d{1,3})?\s*[*×]\s*$/;

  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const board = () => $("#board");
  const sheet = () => $("#sheet");
  const scanField = () => $("#scan");

  function newId() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 15) | 64;
    bytes[8] = (bytes[8] & 63) | 128;
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  }

  const tab = newId();
  let queue = [];
  let busy = false;
  let covered = false;
  let failures = 0;
  let chosen = null;
  let loading = null;

  // ---- The queue.
  const keep = () => sessionStorage.setItem(KEPT_SCANS, JSON.stringify(queue.filter((task) => task.kind === "scan")));

  function enqueue(task) {
    // Paid is paid: the same button pressed again while the first press is on its way does nothing.
    if (task.slow && queue.some((other) => other.slow)) return;
    queue.push(task);
    keep();
    setTimeout(showWaiting, SHOWN_AFTER_MS);
    pump();
  }

  function next() {
    if (queue[0].kind !== "scan") return [queue[0]];
    const last = queue.findIndex((task) => task.kind !== "scan");
    return queue.slice(0, Math.min(last < 0 ? queue.length : last, SCANS_AT_ONCE_MAX));
  }

  async function pump() {
    if (busy || covered || queue.length === 0) return;
    busy = true;
    const tasks = next();
    tasks.forEach((task) => { task.sent = true; });
    let answer;
    let text;
    try {
      answer = await send(tasks);
      text = await answer.text();
    } catch {
      answer = null;
    }
    if (!answer || answer.status >= 502) return again();
    failures = 0;
    if (answer.headers.has("X-Taken-Over")) {
      busy = false;
      return cover();
    }
    if (answer.status === 403 && tasks[0].kind === "scan" && !sessionStorage.getItem(RELOADED)) {
      // Somebody logged in anew in another window: the page's token is of before.
      sessionStorage.setItem(RELOADED, "yes");
      return location.reload();
    }
    sessionStorage.removeItem(RELOADED);
    const away = answer.headers.get("HX-Redirect");
    if (away && tasks[0].kind === "scan") {
      // The session has ended: nothing was done. What was scanned is kept, and goes on after the log-in.
      return location.assign(away);
    }
    queue.splice(0, tasks.length);
    keep();
    try {
      await show(answer, text, tasks[0]);
    } catch {
      await refresh("/sale").catch(() => {});
    }
    busy = false;
    showWaiting();
    return pump();
  }

  function again() {
    const wait = AGAIN_MS[Math.min(failures, AGAIN_MS.length - 1)];
    failures += 1;
    showWaiting();
    setTimeout(() => { busy = false; pump(); }, wait);
  }

  function showWaiting() {
    const bar = $("#waiting-scans");
    const waits = queue.length > 0 && (failures > 0 || queue[0].sent);
    bar.hidden = !waits;
    if (waits) bar.textContent = `${bar.dataset.text} ${queue.length}`;
  }

  const headers = () => ({
    ...JSON.parse(document.body.getAttribute("hx-headers")), "HX-Request": "true", "X-Tab": tab,
  });

  function send(tasks) {
    const [first] = tasks;
    const body = new URLSearchParams();
    if (first.kind === "scan") tasks.forEach((task) => body.append("scan", `${task.id} ${task.text}`));
    else {
      // What was pressed before its basket was known, belongs to the one that is there by now.
      first.fields.forEach(([name, value]) => {
        body.append(name, name === "basket" && !value ? board().dataset.basket : value);
      });
    }
    const signal = AbortSignal.timeout(first.slow ? SLOW_ANSWER_MS_MAX : ANSWER_MS_MAX);
    return fetch(first.kind === "scan" ? "/sale/scan" : first.url, { method: "POST", body, headers: headers(), signal });
  }

  async function show(answer, text, task) {
    const url = answer.headers.get("HX-Redirect");
    if (url) {
      if (new URL(url, location.href).pathname !== "/sale") return location.assign(url);
      if (task.fromSheet) closeSheet();
      return refresh(url);
    }
    if (answer.headers.has("X-Sheet")) return fillSheet(text);
    if (answer.status >= 400) return fail(text, task.fromSheet);
    return swap(text, "/sale");
  }

  async function refresh(url) {
    const answer = await fetch(url, { headers: headers() });
    const elsewhere = answer.headers.get("HX-Redirect");
    if (elsewhere) return location.assign(elsewhere);
    return swap(await answer.text(), url);
  }

  function fail(html, inSheet) {
    const place = (inSheet && sheet().open && $("[data-sheet-failure]", sheet())) || $("#sale-failure");
    place.innerHTML = html;
    all("form[data-queued]").forEach((form) => { delete form.dataset.queued; });
    place.scrollIntoView({ block: "nearest" });
  }

  // ---- The board.
  function swap(html, url) {
    const holder = document.createElement("template");
    holder.innerHTML = html;
    const fresh = holder.content.querySelector("#board");
    if (!fresh) return fail(html, false);
    const old = board();
    const hadFocus = old.contains(document.activeElement);
    old.replaceWith(fresh);
    $("#sale-failure").replaceChildren();
    if (hadFocus && !$("dialog[open]")) scanField().focus();
    if (fresh.dataset.last) chosen = fresh.dataset.last;
    mark(true);
    history.replaceState(null, "", url);
    all("footer [name=next]").forEach((field) => { field.value = url; });
    document.dispatchEvent(new CustomEvent("htmx:afterSettle"));
    const done = $(".undo-bar span", fresh);
    const total = $(fresh.dataset.sold ? ".change-value" : ".total-value", fresh);
    window.filial.announce([done && done.textContent, total && total.textContent].filter(Boolean).join(", "));
    return undefined;
  }

  const lines = () => all("[data-line]", board());

  function mark(isNew) {
    const known = lines();
    let line = known.find((each) => each.dataset.line === chosen);
    if (!line && known.length) line = known[known.length - 1];
    chosen = line ? line.dataset.line : null;
    known.forEach((each) => each.classList.toggle("line-chosen", each === line));
    if (line && isNew) line.scrollIntoView({ block: "nearest" });
    const keys = $("[data-line-keys]");
    if (keys) keys.hidden = !line;
  }

  function useLine(what) {
    const known = lines();
    const place = known.findIndex((each) => each.dataset.line === chosen);
    if (place < 0) return;
    if (what === "open") openSheet(`/sale/lines/${chosen}`);
    else if (what === "remove") $("form[action='/sale/remove']", known[place]).requestSubmit();
    else {
      const other = known[place + (what === "up" ? -1 : 1)];
      if (!other) return;
      chosen = other.dataset.line;
      mark(true);
      window.filial.announce(other.innerText);
    }
  }

  // ---- What opens above the page.
  async function openSheet(url) {
    if (loading) return;
    loading = { typed: "", entered: false };
    try {
      // What is being scanned comes first: a sheet shows the basket with it.
      while (queue.length && !failures && !covered) await new Promise((done) => { setTimeout(done, 20); });
      const answer = await fetch(url, { headers: headers() });
      const elsewhere = answer.headers.get("HX-Redirect");
      if (elsewhere) return location.assign(elsewhere);
      const html = await answer.text();
      if (answer.ok) fillSheet(html);
      else fail(html, false);
    } catch {
      location.assign(url);
    } finally {
      const { typed, entered } = loading;
      loading = null;
      const field = sheet().open && $("input[autofocus]", sheet());
      if (field && typed) field.value += typed;
      if (field && typed && entered) field.form.requestSubmit();
    }
    return undefined;
  }

  function fillSheet(html) {
    const dialog = sheet();
    $("[data-sheet-body]", dialog).innerHTML = html;
    if (!dialog.open) dialog.showModal();
    const first = $("[data-choice]", dialog) || $("[data-sheet-then]", dialog) || $("input[autofocus]", dialog)
      || $("input:not([type=hidden])", dialog);
    if (first) first.focus();
    if (first && first.select) first.select();
    if (first && first.dataset.sheetThen) askOn(first);
  }

  // A sheet that has nothing asks on by itself. Whoever closes it, or looks for something else, waits for nothing.
  async function askOn(place) {
    const { sheetThen, busy: text, failed } = place.dataset;
    place.textContent = text;
    place.setAttribute("aria-busy", "true");
    let answer = null;
    let html = failed;
    try {
      answer = await fetch(sheetThen, { headers: headers(), signal: AbortSignal.timeout(ANSWER_MS_MAX) });
      html = await answer.text();
    } catch { /* It is said below. */ }
    if (!place.isConnected || !sheet().open) return;
    place.removeAttribute("aria-busy");
    if (answer && answer.ok) fillSheet(html);
    else if (answer) fail(html, true);
    else place.textContent = failed;
  }

  function closeSheet() {
    if (sheet().open) sheet().close();
    scanField().focus();
  }

  function useChoice(event) {
    const found = sheet().open && $(`[data-choice="${event.key}"]`, sheet());
    if (!found || event.ctrlKey || event.altKey || event.metaKey || event.target.matches("input:not([type=checkbox]), select, textarea")) return;
    // A scanner's first digit is followed by others.
    clearTimeout(sheet().choosing);
    if (event.timeStamp - (sheet().typedAt || 0) > CHOICE_MS) sheet().choosing = setTimeout(() => found.click(), CHOICE_MS);
    sheet().typedAt = event.timeStamp;
  }

  function walkChoices(event) {
    const rows = sheet().open ? all("[data-choice]", sheet()) : [];
    const place = rows.indexOf(document.activeElement);
    if (place < 0) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const other = rows[place + (event.key === "ArrowUp" ? -1 : 1)];
    if (other) other.focus();
  }

  // ---- Whose the register is.
  const channel = "BroadcastChannel" in window ? new BroadcastChannel("filial till") : null;
  const register = () => $("[data-register]").dataset.register;

  async function claim() {
    await fetch("/sale/tab", { method: "POST", body: new URLSearchParams({ tab }), headers: headers() });
    if (channel) channel.postMessage({ register: register(), tab });
  }

  function cover() {
    if (covered) return;
    covered = true;
    if (sheet().open) sheet().close();
    $("#taken-over").showModal();
  }

  async function takeBack() {
    await claim();
    covered = false;
    $("#taken-over").close();
    await refresh("/sale");
    scanField().focus();
    pump();
  }

  // Other quick keys, or other prices on them: unless somebody is in the middle of something.
  async function showKeys() {
    if (busy || queue.length || $("dialog[open]") || board().contains(document.activeElement)) return;
    busy = true;
    try {
      await refresh(location.pathname + location.search);
    } finally {
      busy = false;
      pump();
    }
  }

  async function look() {
    if (document.hidden || covered || busy) return;
    try {
      const answer = await fetch(`/sale/tab?tab=${tab}`, { headers: { Accept: "application/json" } });
      if (!answer.ok || answer.redirected) return;
      const { mine, keys } = await answer.json();
      if (!mine) cover();
      else if (keys !== board().dataset.keys) await showKeys();
    } catch { /* The server is away: the queue says so. */ }
  }

  // ---- What a cashier does.
  const takeScan = (text) => enqueue({ kind: "scan", id: newId(), text });

  function takeTyped() {
    const text = scanField().value.trim();
    if (!text || TIMES.test(text)) return;
    scanField().value = "";
    const isName = /\p{L}/u.test(text) && (/\s/.test(text) || !/\d/.test(text)) && !/[*×]/.test(text);
    if (isName) openSheet(`/sale/goods?${new URLSearchParams({ q: text })}`);
    else takeScan(text);
  }

  document.addEventListener("scanned", (event) => {
    if (covered) return;
    let { text } = event.detail;
    if (loading) loading.typed = loading.typed.slice(0, -text.length);
    const asks = sheet().open && $("[data-takes-scan]", sheet());
    if (asks) {
      asks.value = text;
      asks.form.requestSubmit();
      return;
    }
    const field = scanField();
    if (TIMES.test(field.value)) {
      text = field.value.trim() + text;
      field.value = "";
    }
    takeScan(text);
  });

  function takeForm(form, submitter) {
    if (form.dataset.queued) return;
    if (!form.matches("[data-repeat]")) form.dataset.queued = "yes";
    const fields = Array.from(new FormData(form, submitter)).filter(([name]) => name !== "csrf_token")
      .map(([name, value]) => [name, name === "request" ? newId() : value]);
    const fromSheet = Boolean(form.closest("#sheet"));
    enqueue({ kind: "form", url: form.getAttribute("action"), fields, fromSheet, slow: form.dataset.action === "slow" });
    if (form.matches("[data-repeat]") || !fromSheet) scanField().focus();
  }

  window.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("[data-scan-form], [data-action], [data-sheet-form]")) return;
    event.preventDefault();
    if (form.matches("[data-scan-form]")) takeTyped();
    else if (form.matches("[data-action]")) takeForm(form, event.submitter);
    else openSheet(`${form.getAttribute("action")}?${new URLSearchParams(new FormData(form))}`);
  }, true);

  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (!target) return;
    const opener = target.closest("[data-sheet]");
    const key = target.closest("[data-line-key]");
    if (opener) {
      event.preventDefault();
      if (opener.dataset.busy) opener.textContent = opener.dataset.busy;
      openSheet(opener.getAttribute("href"));
    } else if (key) useLine(key.dataset.lineKey);
    else if (target.closest("[data-closes-sheet]")) {
      event.preventDefault();
      closeSheet();
    } else if (target.closest("[data-next]")) {
      event.preventDefault();
      refresh("/sale").then(() => scanField().focus());
    } else if (target.closest("[data-take-back]")) takeBack();
  });

  window.addEventListener("keydown", (event) => {
    if (loading && !event.ctrlKey && !event.altKey && !event.metaKey && ([...event.key].length === 1 || event.key === "Enter")) {
      // The sheet is on its way: what is typed meanwhile is meant for it.
      event.preventDefault();
      if (event.key === "Enter") loading.entered = true;
      else loading.typed += event.key;
    } else if (/^[1-9]$/.test(event.key)) useChoice(event);
    else if (event.key === "ArrowUp" || event.key === "ArrowDown") walkChoices(event);
    // In a field that holds something these keys edit it.
    else if (event.key === "Delete" && document.activeElement === scanField() && scanField().value) event.stopImmediatePropagation();
  }, true);

  document.addEventListener("DOMContentLoaded", async () => {
    sheet().addEventListener("close", () => { if (!covered) scanField().focus(); });
    $("#taken-over").addEventListener("cancel", (event) => event.preventDefault());
    if (channel) {
      channel.addEventListener("message", ({ data }) => {
        if (data.register === register() && data.tab !== tab) cover();
      });
    }
    mark(false);
    scanField().focus();
    try {
      queue = [...JSON.parse(sessionStorage.getItem(KEPT_SCANS) || "[]"), ...queue];
    } catch { /* Nothing was kept. */ }
    await claim().catch(() => {});
    document.documentElement.dataset.till = "ready";
    pump();
    setInterval(look, LOOK_EVERY_MS);
  });
})();
