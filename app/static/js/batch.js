// Picking rows of a list and doing something with all of them.
import { ask } from "./confirm.js";
import { say } from "./texts.js";

export function startBatch() {
  const form = document.querySelector("form[data-batch]");
  if (!form) return;
  const boxes = () => [...document.querySelectorAll('input[name="rowid"]')];
  const all = document.querySelector("[data-pick-all]");
  const bar = document.querySelector(".batch-bar");
  const show = () => {
    const picked = boxes().filter((box) => box.checked);
    for (const box of boxes()) box.closest("tr").classList.toggle("picked", box.checked);
    bar.hidden = picked.length === 0;
    bar.querySelector("[data-picked]").textContent = say("picked", { count: picked.length });
    if (all) {
      all.checked = picked.length > 0 && picked.length === boxes().length;
      all.indeterminate = picked.length > 0 && !all.checked;
    }
  };
  document.addEventListener("change", (event) => {
    if (event.target === all) for (const box of boxes()) box.checked = all.checked;
    if (event.target === all || event.target.name === "rowid") show();
  });
  bar.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-action]");
    if (event.target.closest("[data-unpick]")) {
      for (const box of boxes()) box.checked = false;
      show();
    }
    if (!button) return;
    const picked = boxes().filter((box) => box.checked);
    const { action, actionConfirm, actionDanger } = button.dataset;
    const count = say("picked", { count: picked.length });
    const sure = !actionConfirm || (await ask(`${actionConfirm}\n${count}`, { ok: button.textContent.trim(), danger: actionDanger !== undefined }));
    if (sure) send(form, action, picked);
  });
  show();
}

function send(form, action, picked) {
  form.elements.action.value = action;
  for (const box of picked) {
    const field = document.createElement("input");
    Object.assign(field, { type: "hidden", name: "rowid", value: box.value });
    form.append(field);
  }
  form.submit();
}
