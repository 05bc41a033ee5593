// Files that are dropped or chosen go one by one, each with its progress; then the page is loaded anew. Without this
// script the form sends them all at once. It listens at the document: the form may come later, within a card.
"use strict";

(() => {
  const ACROSS = "dragenter dragover".split(" ");
  const AWAY = "dragleave drop".split(" ");

  const formAt = (event) => (event.target instanceof Element ? event.target.closest("[data-file-drop]") : null);
  const holdsFiles = (event) => event.dataTransfer && [...event.dataTransfer.types].includes("Files");

  function row(form, name) {
    const list = form.querySelector("[data-file-progress]");
    const item = document.createElement("li");
    const label = document.createElement("span");
    const bar = document.createElement("progress");
    label.textContent = name;
    bar.max = 1;
    bar.value = 0;
    bar.setAttribute("aria-label", name);
    item.append(label, bar);
    list.append(item);
    list.hidden = false;
    return { item, label, bar };
  }

  function fail(shown, name, text) {
    shown.item.classList.add("file-failed");
    shown.label.textContent = name;
    const said = document.createElement("span");
    said.textContent = text;
    shown.bar.replaceWith(said);
    return false;
  }

  function send(form, file) {
    const shown = row(form, file.name);
    if (file.size > Number(form.dataset.bytesMax)) return Promise.resolve(fail(shown, file.name, form.dataset.tooLarge));
    const body = new FormData();
    for (const field of form.querySelectorAll("input[type=hidden]")) body.append(field.name, field.value);
    body.append("file", file);
    return new Promise((done) => {
      const request = new XMLHttpRequest();
      request.open("POST", form.action);
      request.setRequestHeader("X-CSRF-Token", form.elements.csrf_token.value);
      request.setRequestHeader("Accept", "application/json");
      request.setRequestHeader("HX-Request", "true");
      request.upload.onprogress = (event) => {
        if (event.lengthComputable) shown.bar.value = event.loaded / event.total;
      };
      request.onload = () => {
        if (request.status === 204) {
          shown.bar.value = 1;
          shown.label.textContent = `${file.name} – ${form.dataset.done}`;
          return done(true);
        }
        let said = form.dataset.broken;
        try {
          const answer = JSON.parse(request.responseText);
          said = `${answer.message} ${answer.hint}`;
        } catch {
          // Not ours: what is said above will do.
        }
        return done(fail(shown, file.name, said));
      };
      request.onerror = () => done(fail(shown, file.name, form.dataset.broken));
      request.send(body);
    });
  }

  async function sendAll(form, files) {
    const button = form.querySelector("button");
    if (button.disabled || files.length === 0) return;
    form.querySelector("[data-file-progress]").replaceChildren();
    button.disabled = true;
    let arrived = true;
    for (const file of files) arrived = (await send(form, file)) && arrived;
    button.disabled = false;
    form.elements.file.value = "";
    // What failed stays to be read; what arrived is seen with the next look.
    if (arrived) location.reload();
  }

  document.addEventListener("change", (event) => {
    const form = formAt(event);
    if (form && event.target.type === "file") sendAll(form, [...event.target.files]);
  });
  document.addEventListener("submit", (event) => {
    const form = formAt(event);
    if (!form) return;
    const files = [...form.elements.file.files];
    if (files.length === 0) return;
    event.preventDefault();
    sendAll(form, files);
  });
  for (const kind of ACROSS) {
    document.addEventListener(kind, (event) => {
      if (!holdsFiles(event)) return;
      // Beside the form too: else the browser would leave the page for the file.
      event.preventDefault();
      formAt(event)?.classList.add("file-drop-over");
    });
  }
  for (const kind of AWAY) {
    document.addEventListener(kind, (event) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      const form = formAt(event);
      form?.classList.remove("file-drop-over");
      if (form && kind === "drop") sendAll(form, [...event.dataTransfer.files]);
    });
  }
})();
