// data-confirm="Really?" on a button, link or form asks first, in a dialog of ours.
// data-confirm-ok names the button; data-confirm-danger paints it as harmful.
import { say } from "./texts.js";

export function ask(text, { ok = say("confirm"), title = say("are_you_sure"), danger = false } = {}) {
  const dialog = document.createElement("dialog");
  dialog.className = "dialog";
  dialog.setAttribute("aria-labelledby", "dialog-title");
  dialog.innerHTML = `<form method="dialog"><div class="dialog-body"><h2 id="dialog-title"></h2><p></p></div>
    <div class="dialog-foot"><button class="btn btn-secondary" value="no"></button><button class="btn" value="yes"></button></div></form>`;
  dialog.querySelector("h2").textContent = title;
  dialog.querySelector("p").textContent = text;
  const [no, yes] = dialog.querySelectorAll("button");
  no.textContent = say("cancel");
  yes.textContent = ok;
  yes.classList.add(...(danger ? ["btn-danger", "solid"] : ["btn-primary"]));
  document.body.append(dialog);
  dialog.showModal();
  yes.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close("no"));
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "yes");
      dialog.remove();
    });
  });
}

function options(element) {
  const { confirmOk, confirmTitle, confirmDanger } = element.dataset;
  return {
    ...(confirmOk && { ok: confirmOk }),
    ...(confirmTitle && { title: confirmTitle }),
    danger: confirmDanger !== undefined,
  };
}

export function startConfirm() {
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a[data-confirm]");
    if (!link) return;
    event.preventDefault();
    if (await ask(link.dataset.confirm, options(link))) window.location.assign(link.href);
  });
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    const source = event.submitter?.matches("[data-confirm]") ? event.submitter : form;
    if (!source.dataset.confirm || form.dataset.confirmed) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!(await ask(source.dataset.confirm, options(source)))) {
      // A choice that would have sent itself goes back to what it was.
      if (form.querySelector("[data-submit-on-change]")) form.reset();
      return;
    }
    // Between the answer and here a live region may have been swapped, and an absent form sends nothing.
    if (!form.isConnected) {
      form.hidden = true;
      document.body.append(form);
    }
    form.dataset.confirmed = "1";
    form.requestSubmit(event.submitter ?? undefined);
    delete form.dataset.confirmed;
  }, { capture: true });
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog]");
    if (opener) document.getElementById(opener.dataset.dialog)?.showModal();
    if (event.target.closest("[data-dialog-close]")) event.target.closest("dialog")?.close();
    if (event.target.matches("dialog.dialog")) event.target.close();
  });
}
