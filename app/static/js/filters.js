// The filter panel of lists: the operation decides the name that the value is sent under; empty values are not sent.
export function startFilters() {
  const form = document.querySelector("form[data-filters]");
  if (!form) return;
  for (const row of form.querySelectorAll(".filter-row")) {
    const operation = row.querySelector("[data-operation]");
    operation?.addEventListener("change", () => choose(row, operation));
    if (operation) choose(row, operation);
  }
  form.addEventListener("submit", () => {
    for (const value of form.querySelectorAll("[data-value]")) if (!value.value) value.disabled = true;
  });
}

function choose(row, operation) {
  for (const value of row.querySelectorAll("[data-value]")) {
    const mine = value.dataset.value === operation.value;
    value.hidden = !mine;
    value.disabled = !mine;
  }
}
