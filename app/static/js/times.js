// <time data-relative datetime="..."> shows "3 minutes ago" and keeps it true; its title holds the exact time
// in the tenant's zone, as the server wrote it. Older than a week it shows that exact time.
import { language, say } from "./texts.js";

const format = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60]];

function words(moment) {
  const seconds = Math.round((moment - Date.now()) / 1000);
  if (Math.abs(seconds) < 45) return say("just_now");
  if (Math.abs(seconds) > 7 * 86400) return null;
  for (const [unit, size] of UNITS) {
    if (Math.abs(seconds) >= size) return format.format(Math.trunc(seconds / size), unit);
  }
  return format.format(Math.sign(seconds), "minute");
}

export function startTimes(root = document) {
  for (const element of root.querySelectorAll("time[data-relative]")) {
    element.title ||= element.textContent.trim();
    element.textContent = words(Date.parse(element.dateTime)) ?? element.title;
  }
}

setInterval(() => document.hidden || startTimes(document), 20_000);
