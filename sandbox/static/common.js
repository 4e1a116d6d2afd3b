// Small helpers that all pages share.

export const words = JSON.parse(document.getElementById("words").textContent);

export const find = (selector, root = document) => root.querySelector(selector);

/** Make an element: make("a.link", { href }, ...children). Text children stay text. */
export function make(kind, attributes = {}, ...children) {
  const [tag, ...classes] = kind.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `/static/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

/** Ask the control door; throws an Error whose message is the door's word for what went wrong. */
export async function control(verb, path, params = {}) {
  const query = verb === "GET" ? `?${new URLSearchParams(params)}` : "";
  const answer = await fetch(`/control/${path}${query}`, {
    method: verb,
    headers: verb === "GET" ? {} : { "Content-Type": "application/json" },
    body: verb === "GET" ? undefined : JSON.stringify(params),
  });
  const result = await answer.json();
  if (!answer.ok) throw new Error(result.error || "failed");
  return result;
}

/** What an error from the control door means for people. */
export const explain = (error) => words[error.message] || words.failed;

let hideToast = 0;

export function toast(text, seconds = 3) {
  const box = document.getElementById("toast");
  box.textContent = text;
  box.hidden = false;
  clearTimeout(hideToast);
  hideToast = setTimeout(() => { box.hidden = true; }, seconds * 1000);
}

export async function copy(text) {
  if (navigator.clipboard && window.isSecureContext) {
    await navigator.clipboard.writeText(text);
  } else {
    // Plain HTTP from another machine: only the old way works.
    const area = make("textarea", { "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  toast(words.copied);
}
