// Rows that a person adds and removes (prizes of a lottery, buttons of a menu): a box with data-repeat, a <template>
// whose field names hold __index__, rows with data-row, and buttons with data-repeat-add and data-repeat-remove.
export function startRepeats(root = document) {
  for (const box of root.querySelectorAll("[data-repeat]:not([data-ready])")) {
    box.dataset.ready = "1";
    let next = box.querySelectorAll("[data-row]").length;
    box.addEventListener("click", (event) => {
      if (event.target.closest("[data-repeat-add]")) {
        add(box, next);
        next += 1;
      }
      const remove = event.target.closest("[data-repeat-remove]");
      if (remove) {
        remove.closest("[data-row]").remove();
        limit(box);
      }
    });
    limit(box);
  }
}

function add(box, index) {
  const template = box.querySelector("template");
  const holder = document.createElement("div");
  holder.innerHTML = template.innerHTML.replaceAll("__index__", String(index));
  const row = holder.firstElementChild;
  box.querySelector("[data-rows]").append(row);
  row.querySelector("input, select, textarea")?.focus();
  limit(box);
}

function limit(box) {
  const most = Number(box.dataset.most || 50);
  box.querySelector("[data-repeat-add]").disabled = box.querySelectorAll("[data-row]").length >= most;
}
