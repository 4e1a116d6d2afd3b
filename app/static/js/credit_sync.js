// A new project's source: what is typed is shown where it will stand, and told when it can't be used.
const field = document.querySelector("[data-source]");

function show() {
  const text = field.value.trim();
  for (const place of document.querySelectorAll("[data-source-shown]")) place.textContent = text || field.placeholder;
  const reserved = field.dataset.source.split(",").includes(text.toLowerCase());
  document.querySelector("[data-source-reserved]").hidden = !reserved;
  document.querySelector("[data-source-wrong]").hidden = reserved || text === "" || /^[A-Za-z0-9_.-]{1,32}$/.test(text);
}

field.addEventListener("input", show);
show();
