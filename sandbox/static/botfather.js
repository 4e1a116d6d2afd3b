// The BotFather page: create bots, show, copy and renew their tokens.

import { control, copy, explain, find, toast, words } from "./common.js";

const form = find("#create-bot-form");
const problem = find("#form-error");
const username = find("#bot-username");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  problem.hidden = true;
  find("#create-bot").disabled = true;
  try {
    const bot = await control("POST", "bots", {
      name: find("#bot-name").value.trim(), username: username.value.trim().replace(/^@/, ""),
    });
    showCreated(bot);
    form.reset();
    await refreshList();
  } catch (error) {
    problem.textContent = explain(error);
    problem.hidden = false;
    username.focus();
  } finally {
    find("#create-bot").disabled = false;
  }
});

function showCreated(bot) {
  find("#bot-token").textContent = bot.token;
  find("#open-created").href = `/chat/${bot.username}`;
  const box = find("#created");
  box.hidden = false;
  box.focus();
}

find("#copy-token").addEventListener("click", () => copy(find("#bot-token").textContent));

/** The list comes from the server, which draws it in one place only. */
async function refreshList() {
  const page = new DOMParser().parseFromString(await (await fetch("/botfather")).text(), "text/html");
  find("#bot-list").replaceWith(find("#bot-list", page));
  find("#no-bots")?.remove();
}

function ask(question) {
  const dialog = find("#question");
  find("#question-text").textContent = question;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

const actions = {
  show(row, button) {
    const code = find("code", row);
    const hidden = code.textContent !== code.dataset.token;
    code.textContent = hidden ? code.dataset.token : `${code.dataset.token.slice(0, 10)}••••••`;
    button.textContent = hidden ? words.hide : words.show;
  },
  copy(row) {
    return copy(find("code", row).dataset.token);
  },
  async revoke(row) {
    if (!(await ask(words.revoke_sure))) return;
    const bot = await control("POST", "bots/revoke", { bot: row.dataset.bot });
    await refreshList();
    showCreated(bot);
    toast(words.revoked);
  },
  async delete(row) {
    if (!(await ask(words.delete_sure))) return;
    await control("POST", "bots/delete", { bot: row.dataset.bot });
    await refreshList();
  },
};

document.addEventListener("click", async (event) => {
  const button = event.target.closest("#bot-list [data-action]");
  if (!button) return;
  try {
    await actions[button.dataset.action](button.closest("[data-bot]"), button);
  } catch (error) {
    toast(explain(error));
  }
});
