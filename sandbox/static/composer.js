// The lower part of the chat page: Start, the input line, commands and reply keyboards.

import { find, make, words } from "./common.js";

export class Composer {
  #page;
  #does;
  #input = find("#composer-input");
  #keys = find("#reply-keyboard");
  #commands = find("#commands");
  #shown = "null";
  #folded = false;

  constructor(page, does) {
    this.#page = page;
    this.#does = does;
    find("#composer").addEventListener("submit", (event) => { event.preventDefault(); this.#submit(); });
    this.#input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.#submit();
      }
    });
    this.#input.addEventListener("input", () => this.#suggest());
    find("#start-button").addEventListener("click", () => does.start());
    find("#join-button").addEventListener("click", () => does.join());
    find("#keyboard-button").addEventListener("click", () => { this.#folded = !this.#folded; this.#fold(); });
    find("#commands-button").addEventListener("click", () => this.#showCommands(this.#commands.hidden ? page.bot.commands : []));
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") this.#showCommands([]); });
    document.addEventListener("click", (event) => { if (!event.target.closest(".bottom")) this.#showCommands([]); });
  }

  send(text) {
    this.#showCommands([]);
    return this.#does.say(text);
  }

  /** Show what fits the state of the chat: Start, Join, or the input line. */
  refresh({ isEmpty, blocked }) {
    const { chat } = this.#page;
    const outside = Boolean(chat) && !chat.is_member;
    const start = !chat && (isEmpty || blocked || Boolean(this.#page.start));
    const silent = outside || start || (chat && !chat.can_post);
    find("#join-button").hidden = !outside;
    find("#start-button").hidden = !start;
    find("#start-button").textContent = blocked ? words.restart : words.start;
    find("#composer").hidden = Boolean(silent);
    find("#commands-button").hidden = this.#page.bot.commands.length === 0;
    this.#fold();
  }

  setKeyboard(keyboard) {
    const text = JSON.stringify(keyboard);
    if (text === this.#shown) return;
    this.#shown = text;
    this.#folded = false;
    this.#input.placeholder = keyboard?.input_field_placeholder || words.message;
    const rows = keyboard?.keyboard ?? [];
    this.#keys.replaceChildren(...rows.map((row) => make("div.reply-row", {}, ...row.map((button) => this.#key(button, keyboard)))));
    this.#fold();
  }

  #key(button, keyboard) {
    const element = make("button", { type: "button", "data-reply": button.text }, button.text);
    element.addEventListener("click", () => {
      this.send(button.text);
      if (keyboard.one_time_keyboard) {
        this.#folded = true;
        this.#fold();
      }
    });
    return element;
  }

  #fold() {
    const empty = this.#keys.children.length === 0;
    this.#keys.hidden = empty || this.#folded || find("#composer").hidden;
    const button = find("#keyboard-button");
    button.hidden = empty;
    button.setAttribute("aria-expanded", String(!this.#folded));
  }

  async #submit() {
    const text = this.#input.value.trim();
    if (!text) return;
    this.#input.value = "";
    try {
      await this.send(text);
    } catch {
      this.#input.value = text;
    }
    this.#input.focus();
  }

  #suggest() {
    const typed = this.#input.value;
    const fits = typed.startsWith("/") && !/\s/.test(typed);
    this.#showCommands(fits ? this.#page.bot.commands.filter((one) => `/${one.command}`.startsWith(typed)) : []);
  }

  #showCommands(commands) {
    this.#commands.replaceChildren(...commands.map((one) => {
      const element = make("button", { type: "button", "data-command": `/${one.command}` }, make("b", {}, `/${one.command}`), make("span", {}, one.description));
      element.addEventListener("click", () => { this.#input.value = ""; this.send(`/${one.command}`); });
      return element;
    }));
    this.#commands.hidden = commands.length === 0;
    find("#commands-button").setAttribute("aria-expanded", String(!this.#commands.hidden));
  }
}
