// Words that scripts say, given by the page as <script type="application/json" id="texts">.
const holder = document.getElementById("texts");
const texts = holder ? JSON.parse(holder.textContent) : {};

export const language = document.documentElement.lang || "zh-CN";

export function say(key, values = {}) {
  const text = texts[key] ?? key;
  return text.replace(/%\((\w+)\)s/g, (_, name) => values[name] ?? "");
}

const sprite = document.documentElement.dataset.icons || "";

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${sprite}#${name}`);
  svg.append(use);
  return svg;
}
