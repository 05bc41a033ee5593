// An open card shows a colleague's change without a reload; a form marks it, and takes nothing from under the fingers.
// Without this script the page works as it was loaded, and saving asks about whatever changed meanwhile.
"use strict";

(() => {
  const AGAIN_MS = [1000, 2000, 5000, 10000];
  const card = document.querySelector("[data-live-card]");
  const form = document.querySelector("[data-live-form]");
  const holder = card || form;
  if (!holder) return;
  let failures = 0;

  async function ask() {
    const url = `${card ? card.dataset.liveCard : form.dataset.liveForm}?seen=${holder.dataset.revision}${form ? "&as=form" : ""}`;
    const answer = await fetch(url, { headers: { "HX-Request": "true" }, cache: "no-store" });
    const elsewhere = answer.headers.get("HX-Redirect");
    if (elsewhere) return void location.assign(elsewhere);
    if (answer.status === 204) return true;
    if (answer.status >= 400) return answer.status >= 500 ? Promise.reject(new Error("again")) : false;
    if (form) showInForm(await answer.json());
    else showInCard(await answer.text());
    return true;
  }

  async function watch() {
    let goesOn = true;
    if (!document.hidden) {
      try {
        goesOn = await ask();
        failures = 0;
      } catch {
        failures += 1;
      }
    }
    const wait = failures ? AGAIN_MS[Math.min(failures, AGAIN_MS.length) - 1] : Number(holder.dataset.pollMs);
    if (goesOn) setTimeout(watch, wait);
  }

  // ---- The card: what is live of it is put anew.
  const texts = () => new Map(Array.from(card.querySelectorAll("[data-field]"), (part) => [part.id, part.textContent]));

  function showInCard(html) {
    const box = document.createElement("template");
    box.innerHTML = html;
    const fresh = box.content.querySelector("[data-live-card]");
    if (!fresh) return;
    const before = texts();
    const focused = document.activeElement && document.activeElement.closest("[data-hotkey]");
    const hotkey = focused && card.contains(focused) ? focused.dataset.hotkey : "";
    for (const part of fresh.querySelectorAll("[data-live]")) {
      const old = document.getElementById(part.id);
      if (old) old.replaceWith(part);
    }
    card.dataset.revision = fresh.dataset.revision;
    for (const part of card.querySelectorAll("[data-field]")) {
      if (before.get(part.id) !== part.textContent) part.classList.add("just-changed");
    }
    if (hotkey) card.querySelector(`[data-hotkey="${CSS.escape(hotkey)}"]`)?.focus();
    const news = card.querySelector(".client-news");
    if (news) window.filial.announce(news.textContent);
  }

  // ---- The form: what nobody has touched follows; of what somebody has, it is said.
  const fieldsOf = (name) => Array.from(form.querySelectorAll(`[name="${CSS.escape(name)}"]:not([type=hidden])`));
  const isCheckbox = (field) => field.type === "checkbox";
  const valueOf = (field) => (isCheckbox(field) ? (field.checked ? field.value : "") : field.value);
  function firstValueOf(field) {
    if (isCheckbox(field)) return field.defaultChecked ? field.value : "";
    if (field.matches("select")) return (field.querySelector("option[selected]") || field.options[0]).value;
    return field.defaultValue;
  }

  function put(field, value) {
    if (isCheckbox(field)) field.checked = field.defaultChecked = value !== "";
    else if (field.matches("select")) {
      for (const option of field.options) option.toggleAttribute("selected", option.value === value);
      field.value = value;
    } else field.value = field.defaultValue = value;
    const was = form.elements.namedItem(`${field.name}_was`);
    if (was) was.value = value;
  }

  function see(name, version) {
    const kept = form.elements.versions.value.split(" ").filter((part) => part && !part.startsWith(`${name}:`));
    if (version) kept.push(`${name}:${version}`);
    form.elements.versions.value = kept.join(" ");
  }

  const seenOf = (name) => (form.elements.versions.value.split(" ").find((part) => part.startsWith(`${name}:`)) || ":").split(":")[1];

  function showInForm(news) {
    form.dataset.revision = news.revision;
    const said = [];
    for (const [name, now] of Object.entries(news.fields)) {
      const [field] = fieldsOf(name);
      if (!field || seenOf(name) === now.version) continue;
      field.parentElement.querySelector(".field-news")?.remove();
      const isTouched = field === document.activeElement || valueOf(field) !== firstValueOf(field);
      if (!isTouched) {
        put(field, now.value);
        see(name, now.version);
      }
      const mark = document.createElement("small");
      mark.className = "field-news";
      mark.textContent = form.dataset.mark.replace("{who}", now.by).replace("{value}", now.value);
      if (isTouched) {
        const take = document.createElement("button");
        take.type = "button";
        take.className = "quiet";
        take.textContent = form.dataset.take;
        take.addEventListener("click", () => { put(field, now.value); see(name, now.version); mark.remove(); field.focus(); });
        mark.append(" ", take);
      }
      field.parentElement.append(mark);
      said.push(`${now.label}: ${mark.firstChild.textContent}`);
    }
    if (said.length) window.filial.announce(said.join(" "));
  }

  setTimeout(watch, Number(holder.dataset.pollMs));
})();
