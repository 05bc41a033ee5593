// Scans of a document go into one queue, in order, each under an id made before its first try: a fast scanner loses
// nothing, and what was heard nothing of is sent again. Without this script the page works as a plain form.
"use strict";

(() => {
  const ANSWER_MS_MAX = 15000;
  const AGAIN_MS = [500, 1000, 2000, 4000];
  const form = document.querySelector("[data-scan-queue]");
  const field = form.elements.text;
  const waiting = document.querySelector("#waiting-scans");
  const RELOADED = "reloaded for stock";
  const KEPT = `scans of ${form.action}`;
  let queue = JSON.parse(sessionStorage.getItem(KEPT) || "[]");
  let busy = false;
  let failures = 0;
  let late = "";

  function newId() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  function keep() {
    sessionStorage.setItem(KEPT, JSON.stringify(queue));
    waiting.hidden = failures === 0 || queue.length === 0;
    waiting.textContent = `${waiting.dataset.text} ${queue.length}`;
  }

  async function pump() {
    if (busy || queue.length === 0) return;
    busy = true;
    const [{ id, text }] = queue;
    let answer = null;
    let html = "";
    try {
      const headers = { ...JSON.parse(document.body.getAttribute("hx-headers")), "HX-Request": "true" };
      const body = new URLSearchParams({ request: id, text });
      answer = await fetch(form.action, { method: "POST", body, headers, signal: AbortSignal.timeout(ANSWER_MS_MAX) });
      html = await answer.text();
    } catch {
      answer = null;
    }
    if (!answer || answer.status >= 502) {
      const wait = AGAIN_MS[Math.min(failures, AGAIN_MS.length - 1)];
      failures += 1;
      keep();
      setTimeout(() => { busy = false; pump(); }, wait);
      return;
    }
    failures = 0;
    const elsewhere = answer.headers.get("HX-Redirect");
    if (elsewhere) return void location.assign(elsewhere);
    if (answer.status >= 400) {
      // Somebody logged in anew in another window: the page's token is of before. Else the document is gone.
      if (answer.status !== 403 || sessionStorage.getItem(RELOADED)) sessionStorage.removeItem(KEPT);
      sessionStorage.setItem(RELOADED, "yes");
      return void location.reload();
    }
    sessionStorage.removeItem(RELOADED);
    queue.shift();
    keep();
    show(html);
    busy = false;
    pump();
  }

  function show(html) {
    const holder = document.createElement("template");
    holder.innerHTML = html;
    const fresh = holder.content.querySelector("#document");
    if (!fresh) return;
    const typing = document.activeElement;
    if (typing.matches("#document input") && typing.value !== typing.defaultValue) {
      // Nothing is taken from under somebody's fingers; the last answer comes when they are done.
      if (!late) typing.addEventListener("blur", () => { const html = late; late = ""; show(html); }, { once: true });
      late = html;
      return;
    }
    document.querySelector("#document").replaceWith(fresh);
    document.dispatchEvent(new CustomEvent("htmx:afterSettle"));
    const said = fresh.querySelector("[role=alert]") || fresh.querySelector(".draft-newest .draft-name a");
    if (said) window.filial.announce(said.textContent);
  }

  // Before the frame's own handler, which sends a form once and disables it.
  window.addEventListener("submit", (event) => {
    if (event.target !== form) return;
    event.preventDefault();
    const text = field.value.trim();
    field.value = "";
    if (!text) return;
    queue.push({ id: newId(), text });
    keep();
    pump();
  }, true);
  pump();
})();
