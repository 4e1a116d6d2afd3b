// The page to keep: takes a record from the disk and checks it, in Chinese or English. Nothing is sent anywhere.
import { showCheck } from "./draw_check.js";

const texts = JSON.parse(document.getElementById("texts").textContent);
const box = document.getElementById("check");
const input = document.getElementById("record");
const switcher = document.getElementById("switch");
const root = document.documentElement;

function write() {
  const words = texts[root.lang];
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = words[element.dataset.text];
  document.title = words.title;
  switcher.textContent = root.lang === "en" ? "中文" : "English";
}

async function check() {
  const [file] = input.files;
  if (!file) return;
  const load = async () => JSON.parse(await file.text());
  await showCheck(box, load, { words: texts[root.lang], language: root.lang, genuine: globalThis.laobanBls.verify });
}

input.addEventListener("change", check);
switcher.addEventListener("click", () => {
  root.lang = root.lang === "en" ? "zh-CN" : "en";
  write();
  check();
});
write();
