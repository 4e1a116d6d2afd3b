// The form of a lottery: the card beside it follows what is typed, channels are looked at, chips and quick times.
const form = document.querySelector("[data-lottery-form]");
const pane = document.querySelector("[data-preview-pane]");
const PAUSE = 350;
let timer = 0;
let asked = 0;

function sent(fields) {
  const data = new FormData();
  data.set("csrf_token", form.elements.csrf_token.value);
  for (const [name, value] of Object.entries(fields)) data.set(name, value);
  return data;
}

async function post(url, data) {
  const answer = await fetch(url, {
    method: "POST", body: data, headers: { Accept: "text/html" }, credentials: "same-origin", redirect: "error",
    signal: AbortSignal.timeout(20_000),
  });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.text();
}

async function preview() {
  const data = new FormData(form);
  for (const [name, value] of [...data]) if (value instanceof File || name === "then") data.delete(name);
  const mine = ++asked;
  try {
    const html = await post(form.dataset.previewUrl, data);
    // An older answer that comes late does not replace a newer one.
    if (mine === asked) showCard(html);
    pane.classList.remove("stale");
  } catch {
    pane.classList.add("stale");
  }
}

// A picture that is chosen but not sent yet is known to this page alone.
function showCard(html) {
  pane.innerHTML = html;
  const chosen = form.querySelector("[data-picture] img");
  if (!chosen?.src.startsWith("data:") || chosen.classList.contains("going")) return;
  const message = pane.querySelector(".tg-message");
  const image = message.querySelector("img") ?? message.insertBefore(document.createElement("img"), message.firstChild);
  image.alt = "";
  image.src = chosen.src;
}

function soon() {
  clearTimeout(timer);
  timer = setTimeout(preview, PAUSE);
}

form.addEventListener("input", soon);
form.addEventListener("change", soon);
form.addEventListener("click", (event) => event.target.closest("[data-repeat-remove]") && soon());

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
  const theme = on("[data-tg-theme]");
  if (theme) paint(theme.dataset.tgTheme);
});

// --- the preview's own light and dark
function paint(theme) {
  document.querySelector("[data-tg]").dataset.tg = theme;
  for (const each of document.querySelectorAll("[data-tg-theme]")) each.setAttribute("aria-pressed", String(each.dataset.tgTheme === theme));
}

paint(document.documentElement.dataset.theme === "dark" ? "dark" : "light");

// What was typed before this script came, or what the browser kept from the last visit, belongs on the card as well.
if ([...form.elements].some((each) => "defaultValue" in each && each.value !== each.defaultValue)) soon();
