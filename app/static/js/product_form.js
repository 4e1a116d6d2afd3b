// The form of a product: the card beside it and the worked example follow what is typed, questions can be moved.
const form = document.querySelector("[data-product-form]");
const pane = document.querySelector("[data-preview-pane]");
const PAUSE = 350;
let timer = 0;
let asked = 0;

async function preview() {
  const data = new FormData(form);
  for (const [name, value] of [...data]) if (value instanceof File || name === "then") data.delete(name);
  const mine = ++asked;
  try {
    const answer = await fetch(form.dataset.previewUrl, {
      method: "POST", body: data, headers: { Accept: "text/html" }, credentials: "same-origin", redirect: "error",
      signal: AbortSignal.timeout(20_000),
    });
    if (!answer.ok) throw new Error(String(answer.status));
    const html = await answer.text();
    // An older answer that comes late does not replace a newer one.
    if (mine === asked) show(html);
    pane.classList.remove("stale");
  } catch {
    pane.classList.add("stale");
  }
}

function show(html) {
  pane.innerHTML = html;
  const words = pane.querySelector("[data-example-text]")?.textContent ?? "";
  const example = form.querySelector("[data-example]");
  example.hidden = !words;
  example.querySelector("span").textContent = words;
  showPicture();
}

// A picture that is chosen but not sent yet is known to this page alone.
function showPicture() {
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
form.addEventListener("change", (event) => {
  if (event.target.matches("[data-question-kind]")) fit(event.target.closest("[data-row]"));
  soon();
});

// --- questions: the order of the rows is the order of their numbers
function fit(row) {
  const kind = row.querySelector("[data-question-kind]").value;
  for (const part of row.querySelectorAll("[data-of-kind]")) part.hidden = part.dataset.ofKind !== kind;
}

function renumber(rows) {
  [...rows.children].forEach((row, place) => {
    for (const field of row.querySelectorAll("[name^='questions-']")) {
      field.name = field.name.replace(/^questions-\d+-/, `questions-${place}-`);
    }
  });
}

document.addEventListener("click", (event) => {
  const mover = event.target.closest("[data-move]");
  if (mover) move(mover);
  const theme = event.target.closest("[data-tg-theme]");
  if (theme) paint(theme.dataset.tgTheme);
});

function move(mover) {
  const row = mover.closest("[data-row]");
  const [rows, up] = [row.parentElement, mover.dataset.move === "-1"];
  const other = up ? row.previousElementSibling : row.nextElementSibling;
  if (!other) return;
  rows.insertBefore(up ? row : other, up ? other : row);
  renumber(rows);
  form.dataset.dirty = "1";
  mover.focus();
}

// --- the preview's own light and dark
function paint(theme) {
  document.querySelector("[data-tg]").dataset.tg = theme;
  for (const each of document.querySelectorAll("[data-tg-theme]")) each.setAttribute("aria-pressed", String(each.dataset.tgTheme === theme));
}

paint(document.documentElement.dataset.theme === "dark" ? "dark" : "light");

// What was typed before this script came, or what the browser kept from the last visit, belongs on the card as well.
if ([...form.elements].some((each) => "defaultValue" in each && each.value !== each.defaultValue)) soon();
