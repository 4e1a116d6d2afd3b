// data-copy="#id" copies that element's text, data-copy-text="..." the words themselves.
import { icon, say } from "./texts.js";
import { toast } from "./toast.js";

async function write(text) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  area.setAttribute("readonly", "");
  area.className = "visually-hidden";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("copy refused");
  return undefined;
}

export function startCopy() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy], [data-copy-text]");
    if (!button) return;
    const source = button.dataset.copy ? document.querySelector(button.dataset.copy) : null;
    const text = button.dataset.copyText ?? source?.value ?? source?.textContent ?? "";
    try {
      await write(text.trim());
    } catch {
      toast(say("copy_failed"), "warn");
      return;
    }
    const old = button.querySelector("svg");
    const tick = icon("check");
    old?.replaceWith(tick);
    button.classList.add("done");
    toast(say("copied"), "ok");
    setTimeout(() => {
      if (old) tick.replaceWith(old);
      button.classList.remove("done");
    }, 1600);
  });
}
