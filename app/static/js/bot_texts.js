// The page of a bot's texts: what is typed appears in the phone at once, as the bot will say it.
const preview = document.querySelector(".text-preview");
const sample = JSON.parse(preview.dataset.sample);

// The same rule as the bot's: known names in double braces, once.
const filled = (text) =>
  text.replace(/\{\{[ \t]{0,8}([a-z_]{1,30})[ \t]{0,8}\}\}/g, (whole, name) => (Object.hasOwn(sample, name) ? sample[name] : whole));

function show(field) {
  for (const place of document.querySelectorAll(`[data-preview-of="${field.dataset.preview}"]`)) {
    // Placed as text, never as markup.
    place.textContent = filled(field.value);
  }
  const count = document.querySelector(`[data-count-of="${field.id}"]`);
  const limit = Number(field.dataset.limit);
  count.textContent = `${field.value.length} / ${limit}`;
  count.classList.toggle("over", field.value.length > limit);
}

for (const field of document.querySelectorAll("[data-preview]")) {
  show(field);
  field.addEventListener("input", () => show(field));
}

// A field that nobody was in yet has no cursor that anybody chose: what is inserted goes to its end.
const visited = new WeakSet();
document.addEventListener("focusin", (event) => visited.add(event.target));

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-insert]");
  if (!button) return;
  const field = document.getElementById(button.dataset.into);
  const [start, end] = visited.has(field) ? [field.selectionStart, field.selectionEnd] : [field.value.length, field.value.length];
  field.setRangeText(button.dataset.insert, start, end, "end");
  field.focus();
  field.dispatchEvent(new Event("input", { bubbles: true }));
});
