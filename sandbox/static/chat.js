// The chat page: shows what happens in one chat as it happens, and lets a person take part.

import { control, copy, explain, find, make, toast, words } from "./common.js";
import { Composer } from "./composer.js";
import { hrefOf, messageElement } from "./render.js";

const page = JSON.parse(find("#page-data").textContent);
const scroll = find("#scroll");
const list = find("#messages");
const status = find("#chat-status");
const where = { bot: page.bot.username, user: page.user.id, ...(page.chat ? { chat: page.chat.id } : {}) };
const known = new Map();
const waiting = new Map();
const PRESS_PATIENCE = 15;
const ACTION_LIFE = 5;
const FEED_PATIENCE = 25;

let revision = 0;
let blocked = page.is_blocked;
let typing = 0;

const composer = new Composer(page, {
  say: (text) => act("say", { text }).then(() => { blocked = false; refresh(); }),
  start: () => {
    const { start } = page;
    page.start = "";
    return composer.send(start ? `/start ${start}` : "/start");
  },
  join: () => setMember("member"),
});

async function act(path, params) {
  try {
    return await control("POST", path, { ...where, ...params });
  } catch (error) {
    toast(explain(error));
    throw error;
  }
}

async function setMember(role) {
  await control("POST", "members", { chat: page.chat.id, user: page.user.id, status: role });
  page.chat.is_member = role === "member";
  refresh();
}

// What the feed tells

async function listen() {
  let pause = 0.5;
  // The first answer comes at once, also when there is nothing yet to show.
  let patience = 0;
  for (;;) {
    try {
      const news = await control("GET", "feed", { bot: where.bot, chat: where.chat ?? where.user, after: revision, timeout: patience });
      patience = FEED_PATIENCE;
      find("#offline").hidden = true;
      pause = 0.5;
      take(news);
    } catch {
      find("#offline").hidden = false;
      await new Promise((resolve) => { setTimeout(resolve, pause * 1000); });
      pause = Math.min(5, pause * 2);
    }
  }
}

function take(news) {
  const atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 120;
  const first = revision === 0 || news.restarted;
  if (news.restarted) {
    known.clear();
    list.querySelectorAll(".message, .day").forEach((element) => element.remove());
  }
  revision = news.revision;
  news.messages.forEach(show);
  news.notes.forEach((note) => notes[note.type](note, news.now));
  composer.setKeyboard(news.keyboard);
  refresh();
  if (first || atEnd || news.messages.some((message) => message.from?.id === page.user.id)) {
    scroll.scrollTop = scroll.scrollHeight;
  }
}

function show(message) {
  const element = messageElement(message, page.user.id, Boolean(page.chat));
  const old = known.get(message.message_id);
  known.set(message.message_id, element);
  if (old) {
    element.toggleAttribute("data-first", old.hasAttribute("data-first"));
    old.replaceWith(element);
    return;
  }
  const previous = list.lastElementChild;
  addDay(message.date);
  element.toggleAttribute("data-first", previous?.dataset.sender !== element.dataset.sender);
  list.append(element);
  if (message.from?.is_bot) quiet();
}

function addDay(seconds) {
  const day = new Date(seconds * 1000);
  const name = day.toDateString() === new Date().toDateString()
    ? words.today : day.toLocaleDateString(document.documentElement.lang, { month: "long", day: "numeric" });
  const last = [...list.querySelectorAll(".day")].pop();
  if (last?.textContent !== name) list.append(make("p.day", {}, name));
}

const notes = {
  deleted(note) {
    known.get(note.message_id)?.remove();
    known.delete(note.message_id);
  },
  answer(note) {
    waiting.get(note.callback_query_id)?.();
    waiting.delete(note.callback_query_id);
    if (note.user_id !== page.user.id) return;
    if (note.url && hrefOf(note.url)) {
      window.location.assign(hrefOf(note.url));
      return;
    }
    if (note.text && note.show_alert) {
      find("#alert-text").textContent = note.text;
      find("#alert").showModal();
    } else if (note.text) {
      toast(note.text);
    }
  },
  action(note, now) {
    const left = ACTION_LIFE - (now - note.at);
    if (left <= 0) return;
    status.textContent = note.action.startsWith("upload") ? words.sending_file : words.typing;
    status.classList.add("busy");
    clearTimeout(typing);
    typing = setTimeout(quiet, left * 1000);
  },
};

function quiet() {
  clearTimeout(typing);
  status.textContent = status.dataset.quiet;
  status.classList.remove("busy");
}

function refresh() {
  const isEmpty = known.size === 0;
  find("#empty-chat").hidden = !isEmpty;
  composer.refresh({ isEmpty, blocked });
  const leave = find("#leave-button");
  if (leave) leave.hidden = !page.chat.is_member;
  const block = find("#block-button");
  if (block) block.hidden = blocked || isEmpty;
}

// What the person does

async function press(button) {
  const message = Number(button.closest(".message").dataset.messageId);
  button.classList.add("busy");
  const done = () => button.classList.remove("busy");
  setTimeout(done, PRESS_PATIENCE * 1000);
  const query = await act("press", { message_id: message, data: button.dataset.callback }).catch(done);
  if (query) waiting.set(query.callback_query_id, done);
}

/** Ask before Stars go, as Telegram does; the bot has ten seconds to agree. */
async function pay(button) {
  const { invoice: slug } = button.dataset;
  const message = button.closest(".message");
  const asked = slug
    ? await control("GET", "stars/invoice", { slug }).catch((error) => toast(explain(error)))
    : { title: find(".invoice strong", message).textContent, description: find(".invoice span", message).textContent, amount: find(".invoice .stars", message).textContent };
  if (!asked || !(await confirmPayment(asked))) return;
  button.classList.add("busy");
  try {
    const what = slug ? { slug } : { message_id: Number(message.dataset.messageId) };
    const result = await control("POST", "stars/pay", { bot: where.bot, user: where.user, ...what });
    toast(result.ok ? words.stars_done : words[result.error] ?? result.error);
  } catch (error) {
    toast(explain(error));
  } finally {
    button.classList.remove("busy");
  }
}

function confirmPayment(asked) {
  const dialog = find("#invoice");
  find("#invoice-title").textContent = asked.title;
  find("#invoice-text").textContent = asked.description;
  find("#invoice-stars").textContent = asked.amount ?? asked.total_amount.toLocaleString();
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

list.addEventListener("click", (event) => {
  const target = event.target.closest("[data-callback], [data-copy], [data-command], [data-pay], [data-invoice], .spoiler");
  if (!target) return;
  if (target.dataset.callback) press(target);
  else if ("pay" in target.dataset || target.dataset.invoice) pay(target);
  else if (target.dataset.copy) copy(target.dataset.copy);
  else if (target.dataset.command) composer.send(target.dataset.command);
  else target.classList.add("open");
});

scroll.addEventListener("scroll", () => {
  find("#to-end").hidden = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 240;
});
find("#to-end").addEventListener("click", () => { scroll.scrollTo({ top: scroll.scrollHeight, behavior: "smooth" }); });

find("#user-switch").addEventListener("change", async (event) => {
  let { value } = event.target;
  if (value === "new") {
    const name = await askName();
    if (!name) {
      event.target.value = String(page.user.id);
      return;
    }
    value = (await control("POST", "users", { first_name: name })).id;
  }
  const address = new URL(window.location.href);
  address.searchParams.set("user", value);
  window.location.assign(address);
});

function askName() {
  const dialog = find("#person");
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes" ? find("#person-name").value.trim() : ""), { once: true });
  });
}

// The menu

const menu = find("#menu");
const menuButton = find("#menu-button");

function openMenu(open) {
  menu.hidden = !open;
  menuButton.setAttribute("aria-expanded", String(open));
}

menuButton.addEventListener("click", () => openMenu(menu.hidden));
document.addEventListener("click", (event) => { if (!event.target.closest(".menu")) openMenu(false); });
document.addEventListener("keydown", (event) => { if (event.key === "Escape") openMenu(false); });
find("#block-button")?.addEventListener("click", async () => {
  await act("block", {});
  blocked = true;
  openMenu(false);
  refresh();
});
find("#leave-button")?.addEventListener("click", () => { openMenu(false); setMember("left"); });

quiet();
listen();
