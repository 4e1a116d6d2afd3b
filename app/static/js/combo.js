// A select that asks the server while one types (forms.SearchSelectField). Keyboard: arrows, Enter, Escape.
import { icon, say } from "./texts.js";

export function startCombos(root = document) {
  for (const box of root.querySelectorAll("[data-combo]:not([data-ready])")) new Combo(box);
}

class Combo {
  constructor(box) {
    box.dataset.ready = "1";
    this.box = box;
    this.input = box.querySelector("[role=combobox]");
    this.list = box.querySelector("[role=listbox]");
    this.value = box.querySelector("input[type=hidden]");
    this.shown = this.input.value;
    this.at = -1;
    this.input.addEventListener("input", () => this.later());
    this.input.addEventListener("focus", () => this.later());
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("blur", () => setTimeout(() => this.close(), 150));
    this.list.addEventListener("mousedown", (event) => {
      const item = event.target.closest("li[data-value]");
      if (item) this.pick(item);
    });
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.search(), 180);
  }

  async search() {
    const url = new URL(this.box.dataset.combo, window.location.href);
    url.searchParams.set("query", this.input.value === this.shown ? "" : this.input.value);
    const answer = await fetch(url, { credentials: "same-origin", headers: { Accept: "application/json" } }).catch(() => null);
    this.fill(answer?.ok ? await answer.json() : []);
  }

  fill(found) {
    const optional = this.box.dataset.optional !== undefined ? [["", "—"]] : [];
    const items = [...optional, ...found].map(([value, text]) => {
      const item = document.createElement("li");
      item.role = "option";
      item.id = `${this.list.id}-${value}`;
      item.dataset.value = value;
      item.textContent = text;
      return item;
    });
    if (!found.length) items.push(Object.assign(document.createElement("li"), { className: "none", textContent: say("nothing_found") }));
    this.list.replaceChildren(...items);
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.move(-1, true);
  }

  key(event) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (this.list.hidden) this.search();
      else this.move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && !this.list.hidden) {
      event.preventDefault();
      const item = this.list.querySelectorAll("li[data-value]")[this.at];
      if (item) this.pick(item);
    } else if (event.key === "Escape") this.close();
  }

  move(step, reset = false) {
    const items = [...this.list.querySelectorAll("li[data-value]")];
    this.at = reset ? -1 : (this.at + step + items.length) % items.length;
    items.forEach((item, index) => item.setAttribute("aria-selected", String(index === this.at)));
    items[this.at]?.scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", items[this.at]?.id ?? "");
  }

  pick(item) {
    if (this.box.dataset.many !== undefined) this.addChip(item);
    else {
      this.value.value = item.dataset.value;
      this.shown = item.dataset.value ? item.textContent : "";
    }
    this.close();
  }

  addChip(item) {
    const ids = this.value.value ? this.value.value.split(",") : [];
    if (!item.dataset.value || ids.includes(item.dataset.value)) return;
    this.value.value = [...ids, item.dataset.value].join(",");
    const chip = document.createElement("span");
    chip.className = "chip";
    chip.textContent = item.textContent;
    const remove = document.createElement("button");
    remove.type = "button";
    remove.setAttribute("aria-label", say("remove"));
    remove.append(icon("x"));
    remove.addEventListener("click", () => {
      this.value.value = this.value.value.split(",").filter((id) => id !== item.dataset.value).join(",");
      chip.remove();
    });
    chip.append(remove);
    this.box.querySelector(".combo-chips").append(chip);
    this.shown = "";
  }

  close() {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.value = this.shown;
  }
}
