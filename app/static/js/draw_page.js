// The button of a lottery's public page: fetches the record and checks it here, in the reader's browser.
import { showCheck } from "./draw_check.js";

const button = document.querySelector("[data-check-record]");
const box = document.getElementById("check");

// The part that knows the beacon's signatures is large, so it comes only when it is needed.
function signatures() {
  return new Promise((resolve) => {
    const script = document.createElement("script");
    script.src = button.dataset.checkSignatures;
    script.onload = () => resolve(globalThis.laobanBls.verify);
    script.onerror = () => resolve(null);
    document.head.append(script);
  });
}

async function record() {
  const answer = await fetch(button.dataset.checkRecord, { cache: "no-cache", credentials: "omit" });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

button?.addEventListener("click", async () => {
  button.disabled = true;
  const words = JSON.parse(button.dataset.checkWords);
  const genuine = await signatures();
  await showCheck(box, record, { words, language: document.documentElement.lang, genuine });
  button.disabled = false;
});
