// A chosen file is looked at by the server and shown line by line; it is sent for good with the form's own button.
const form = document.querySelector("[data-bulk]");
const place = form.querySelector("[data-bulk-answer]");
const go = form.querySelector("[data-bulk-go]");

form.elements.file.addEventListener("change", async () => {
  go.disabled = true;
  try {
    const answer = await fetch(form.dataset.bulk, {
      method: "POST", body: new FormData(form), credentials: "same-origin", redirect: "error", signal: AbortSignal.timeout(30_000),
    });
    if (!answer.ok) throw new Error(String(answer.status));
    place.innerHTML = await answer.text();
    go.disabled = place.querySelector('[data-wrong="0"]') === null;
  } catch {
    // Without a preview the file can still be sent: the server checks it then.
    place.textContent = "";
    go.disabled = false;
  }
});
