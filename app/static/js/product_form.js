// The form of a product: the worked example follows what is typed, questions can be moved.
import { followForm } from "./live_card.js";

const form = document.querySelector("[data-product-form]");

followForm(form, (pane) => {
  const words = pane.querySelector("[data-example-text]")?.textContent ?? "";
  const example = form.querySelector("[data-example]");
  example.hidden = !words;
  example.querySelector("span").textContent = words;
});

form.addEventListener("change", (event) => {
  if (event.target.matches("[data-question-kind]")) fit(event.target.closest("[data-row]"));
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

form.addEventListener("click", (event) => {
  const mover = event.target.closest("[data-move]");
  if (mover) move(mover);
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
