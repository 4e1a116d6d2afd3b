// The form of a lottery: channels are looked at, chips and quick times.
import { followForm, post } from "./live_card.js";

const form = document.querySelector("[data-lottery-form]");
const soon = followForm(form);

form.addEventListener("click", (event) => event.target.closest("[data-repeat-remove]") && soon());

function sent(fields) {
  const data = new FormData();
  data.set("csrf_token", form.elements.csrf_token.value);
  for (const [name, value] of Object.entries(fields)) data.set(name, value);
  return data;
}

// --- is the bot in there?
async function look(row) {
  const field = row.querySelector("[data-look]");
  const place = row.querySelector("[data-look-answer]") ?? row.parentElement.querySelector("[data-look-answer]");
  const chat = field.value.trim();
  if (!chat) {
    field.focus();
    return;
  }
  await show(chat, place);
  const found = place.querySelector("[data-title]");
  const title = row.querySelector("[data-look-title]");
  const url = row.querySelector("[data-look-url]");
  if (found && title) title.value = found.dataset.title;
  if (found?.dataset.url && url && !url.value) url.value = found.dataset.url;
  if (found && row.closest("[data-repeat]")) offer(chat);
  soon();
}

async function show(chat, place) {
  const button = place.closest("[data-look-row], [data-chips]")?.querySelector("[data-look-button], [data-chips-add]");
  button?.classList.add("busy");
  try {
    place.innerHTML = await post(form.dataset.lookUrl, sent({ bot_id: form.elements.bot_id.value, chat }));
  } catch {
    place.textContent = "";
  }
  button?.classList.remove("busy");
}

form.addEventListener("change", (event) => {
  const row = event.target.closest("[data-look-row]");
  if (event.target.matches("[data-look]") && event.target !== entry && event.target.value.trim()) look(row);
});

// --- chips
const box = document.querySelector("[data-chips]");
const entry = box.querySelector("[data-chips-input]");

const kept = () => [...box.querySelectorAll("[data-chips-list] input")].map((each) => each.value.toLowerCase());

// The channel whose members may join is most likely where the lottery shall stand, too.
function offer(chat) {
  const offers = box.querySelector("[data-chip-offers]");
  const shown = [...offers.querySelectorAll("[data-chip]")].map((each) => each.dataset.chip.toLowerCase());
  if ([...shown, ...kept()].includes(chat.toLowerCase())) return;
  const button = Object.assign(document.createElement("button"), { type: "button", className: "insert", textContent: `+ ${chat}` });
  button.dataset.chip = chat;
  offers.append(button);
}

function add(chat) {
  const bare = chat.trim();
  if (!bare) return;
  entry.value = "";
  if (kept().includes(bare.toLowerCase())) return;
  const chip = document.createElement("span");
  chip.className = "chip";
  chip.textContent = bare;
  const value = Object.assign(document.createElement("input"), { type: "hidden", name: box.dataset.chips, value: bare });
  const remove = document.createElement("button");
  remove.type = "button";
  remove.dataset.chipRemove = "";
  remove.textContent = "×";
  chip.append(value, remove);
  box.querySelector("[data-chips-list]").append(chip);
  form.dataset.dirty = "1";
  show(bare, box.querySelector("[data-look-answer]"));
}

entry.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" && event.key !== ",") return;
  event.preventDefault();
  add(entry.value);
});

// --- times: the tenant's clock, which need not be the browser's
const opened = Date.now();
const wall = new Date(`${form.dataset.now}Z`).getTime();
const written = (moment) => new Date(moment).toISOString().slice(0, 16);

function closeIn(minutes) {
  const opens = form.elements.opens_at.value;
  const from = opens ? new Date(`${opens}Z`).getTime() : wall + Date.now() - opened;
  return written(from + minutes * 60_000);
}

document.addEventListener("click", (event) => {
  const on = (selector) => event.target.closest(selector);
  const button = on("[data-look-button]");
  if (button) look(button.closest("[data-look-row]"));
  if (on("[data-chips-add]")) add(entry.value);
  if (on("[data-chip]")) {
    add(on("[data-chip]").dataset.chip);
    on("[data-chip]").remove();
  }
  if (on("[data-chip-remove]")) on(".chip").remove();
  const quick = on("[data-closes-in], [data-closes-at]");
  if (quick) {
    form.elements.closes_at.value = quick.dataset.closesAt ?? closeIn(Number(quick.dataset.closesIn));
    form.elements.closes_at.dispatchEvent(new Event("input", { bubbles: true }));
  }
});
