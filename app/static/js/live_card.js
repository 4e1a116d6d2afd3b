// The Telegram card beside a form: it follows what is typed, shows a picture that is not sent yet, and is light or dark.
const PAUSE = 350;

export async function post(url, data) {
  const answer = await fetch(url, {
    method: "POST", body: data, headers: { Accept: "text/html" }, credentials: "same-origin", redirect: "error",
    signal: AbortSignal.timeout(20_000),
  });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.text();
}

// Returns what asks for a fresh card; `onShow` hears of each one that was put into the pane.
export function followForm(form, onShow = () => {}) {
  const pane = document.querySelector("[data-preview-pane]");
  let timer = 0;
  let asked = 0;

  async function preview() {
    const data = new FormData(form);
    for (const [name, value] of [...data]) if (value instanceof File || name === "then") data.delete(name);
    const mine = ++asked;
    try {
      const html = await post(form.dataset.previewUrl, data);
      // An older answer that comes late does not replace a newer one.
      if (mine === asked) show(html);
      pane.classList.remove("stale");
    } catch {
      pane.classList.add("stale");
    }
  }

  function show(html) {
    pane.innerHTML = html;
    showPicture(form, pane);
    onShow(pane);
  }

  function soon() {
    clearTimeout(timer);
    timer = setTimeout(preview, PAUSE);
  }

  form.addEventListener("input", soon);
  form.addEventListener("change", soon);
  document.addEventListener("click", (event) => {
    const theme = event.target.closest("[data-tg-theme]");
    if (theme) paint(theme.dataset.tgTheme);
  });
  paint(document.documentElement.dataset.theme === "dark" ? "dark" : "light");
  // What was typed before this script came, or what the browser kept from the last visit, belongs on the card as well.
  if ([...form.elements].some((each) => "defaultValue" in each && each.value !== each.defaultValue)) soon();
  return soon;
}

// A picture that is chosen but not sent yet is known to this page alone.
function showPicture(form, pane) {
  const chosen = form.querySelector("[data-picture] img");
  if (!chosen?.src.startsWith("data:") || chosen.classList.contains("going")) return;
  const message = pane.querySelector(".tg-message");
  const image = message.querySelector("img") ?? message.insertBefore(document.createElement("img"), message.firstChild);
  image.alt = "";
  image.src = chosen.src;
}

function paint(theme) {
  document.querySelector("[data-tg]").dataset.tg = theme;
  for (const each of document.querySelectorAll("[data-tg-theme]")) each.setAttribute("aria-pressed", String(each.dataset.tgTheme === theme));
}
