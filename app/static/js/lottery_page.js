// A button that opens a dialog may fill its hidden fields (data-fill-<name>) and say what it is about (data-about).
// In the capture phase, so that the dialog is filled before it opens.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  const dialog = opener && document.getElementById(opener.dataset.dialog);
  if (!dialog) return;
  for (const { name, value } of [...opener.attributes]) {
    const field = name.startsWith("data-fill-") && dialog.querySelector(`input[name="${name.slice(10)}"]`);
    if (field) field.value = value;
  }
  const about = dialog.querySelector("[data-dialog-about]");
  if (about) about.textContent = opener.dataset.about ?? "";
}, { capture: true });
