// Forms: sent once, shown passwords, warning before changes are lost, fields that depend on another, submit on change.
import { say } from "./texts.js";

export function startForms() {
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    const form = event.target;
    delete form.dataset.dirty;
    if (form.method !== "post" || form.target === "_blank" || form.dataset.again !== undefined) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    event.submitter?.classList.add("busy");
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
    for (const button of document.querySelectorAll(".btn.busy")) button.classList.remove("busy");
  });
  document.addEventListener("click", (event) => {
    const eye = event.target.closest("[data-reveal]");
    if (eye) reveal(eye);
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submit-on-change]")) event.target.form.requestSubmit();
    depend();
  });
  document.addEventListener("input", (event) => {
    const form = event.target.closest("form[data-guard]");
    if (form) form.dataset.dirty = "1";
  });
  window.addEventListener("beforeunload", (event) => {
    if (document.querySelector("form[data-dirty]:not([data-sent])")) event.preventDefault();
  });
  depend();
  document.querySelector(".field.invalid input, .field.invalid select, .field.invalid textarea")?.focus();
}

function reveal(eye) {
  const input = eye.parentElement.querySelector("input");
  const show = input.type === "password";
  input.type = show ? "text" : "password";
  eye.setAttribute("aria-pressed", String(show));
  eye.setAttribute("aria-label", say(show ? "hide_password" : "show_password"));
}

// data-shown-when="mode=webhook": shown and sent only while the field of that name has that value.
function depend() {
  for (const box of document.querySelectorAll("[data-shown-when]")) {
    const [name, wanted] = box.dataset.shownWhen.split("=");
    const form = box.closest("form");
    const now = form && new FormData(form).get(name);
    const shown = wanted.split("|").includes(String(now));
    box.hidden = !shown;
    for (const field of box.querySelectorAll("input, select, textarea")) field.disabled = !shown;
  }
}
