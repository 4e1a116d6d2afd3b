// Short messages in the corner. Flashed messages of the server that need no reading again become toasts as well.
import { icon, say } from "./texts.js";

const ICONS = { ok: "circle-check", warn: "triangle-alert", bad: "circle-alert", info: "info" };

function region() {
  return document.getElementById("toasts") ?? document.body.appendChild(
    Object.assign(document.createElement("div"), { id: "toasts", className: "toasts" }),
  );
}

function leave(box) {
  box.classList.add("leaving");
  setTimeout(() => box.remove(), 220);
}

export function toast(text, tone = "info") {
  const box = document.createElement("div");
  box.className = `toast toast-${tone}`;
  box.setAttribute("role", tone === "bad" ? "alert" : "status");
  const words = document.createElement("div");
  words.textContent = text;
  const close = document.createElement("button");
  close.type = "button";
  close.setAttribute("aria-label", say("close"));
  close.append(icon("x"));
  close.addEventListener("click", () => leave(box));
  box.append(icon(ICONS[tone] ?? "info"), words, close);
  region().append(box);
  if (tone !== "bad") setTimeout(() => leave(box), 5000);
  return box;
}

export function startToasts() {
  for (const source of document.querySelectorAll("[data-toast]")) {
    toast(source.textContent.trim(), source.dataset.toast);
    source.remove();
  }
  document.addEventListener("click", (event) => {
    const close = event.target.closest("[data-dismiss-alert]");
    if (close) close.closest(".alert, .note, .banner")?.remove();
  });
}
