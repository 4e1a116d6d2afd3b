// The form of a broadcast: the message beside it follows what is typed, and the audience says how many it is.
const form = document.querySelector("[data-broadcast-form]");
const pane = document.querySelector("[data-tg-pane]");
const size = form.querySelector("[data-size]");
const count = form.querySelector("[data-count]");
const PAUSE = 300;
let timer = 0;
let asked = 0;

function shownPicture() {
  const figure = form.querySelector("[data-picture] figure:not([hidden])");
  const gone = form.querySelector('[name="picture_gone"]')?.checked;
  return figure && !gone ? figure.querySelector("img").src : "";
}

// Placed as text, never as markup.
function preview() {
  const body = form.elements.body;
  const text = pane.querySelector("[data-tg-text]");
  text.textContent = body.value || pane.dataset.empty;
  text.classList.toggle("ghost", !body.value);
  const source = shownPicture();
  const picture = pane.querySelector("[data-tg-picture]");
  picture.hidden = !source;
  if (source && picture.src !== source) picture.src = source;
  const labels = [...form.querySelectorAll('[data-rows] input[name$="-label"]')].map((field) => field.value.trim()).filter(Boolean);
  pane.querySelector("[data-tg-keys]").replaceChildren(...labels.map((label) => {
    const key = document.createElement("span");
    key.textContent = `${label} ↗`;
    return key;
  }));
  // Telegram counts UTF-16 units, as JavaScript does.
  const limit = Number(source ? body.dataset.limitPicture : body.dataset.limit);
  count.textContent = `${body.value.trim().length} / ${limit}`;
  count.classList.toggle("over", body.value.trim().length > limit);
}

async function ask() {
  const data = new FormData(form);
  for (const [name, value] of [...data]) if (value instanceof File || name.startsWith("picture")) data.delete(name);
  const mine = ++asked;
  try {
    const answer = await fetch(form.dataset.sizeUrl, {
      method: "POST", body: data, headers: { Accept: "application/json" }, credentials: "same-origin", redirect: "error",
      signal: AbortSignal.timeout(20_000),
    });
    if (!answer.ok) throw new Error(String(answer.status));
    const found = await answer.json();
    // An older answer that comes late does not replace a newer one.
    if (mine !== asked) return;
    size.textContent = found.text;
    size.parentElement.classList.toggle("none", found.size === 0);
  } catch {
    if (mine === asked) size.textContent = "…";
  }
}

const AUDIENCE = new Set(["bot_id", "kind", "days", "language", "lottery", "product"]);

function changed(event) {
  preview();
  if (!AUDIENCE.has(event.target.name)) return;
  clearTimeout(timer);
  timer = setTimeout(ask, PAUSE);
}

form.addEventListener("input", changed);
form.addEventListener("change", changed);
form.addEventListener("click", (event) => event.target.closest("[data-repeat-remove]") && setTimeout(preview));
// A chosen picture is read in the background before it can be shown.
form.querySelector("[data-picture] img")?.addEventListener("load", preview);
preview();
ask();
