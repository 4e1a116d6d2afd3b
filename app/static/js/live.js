// data-live-url="/..." keeps a region fresh without a reload: fetches an HTML fragment every data-live-every seconds
// (5 where it says nothing), swaps it in when it changed, rests while the tab is hidden, waits longer after each
// failure and says so quietly in the region's .live-note. A region whose focus is in use is left alone.
// A fragment may ask for another pace by the header `Live-Every: <seconds>` (0 = it is final, stop).
import { say } from "./texts.js";

const SLOWEST = 60;

class Region {
  constructor(element, onSwap) {
    Object.assign(this, { element, onSwap, failures: 0, last: null, timer: 0 });
    this.every = Number(element.dataset.liveEvery || 5);
    this.plan();
  }

  plan() {
    clearTimeout(this.timer);
    if (this.every <= 0 || !this.element.isConnected) return;
    const wait = Math.min(this.every * 2 ** this.failures, SLOWEST);
    this.timer = setTimeout(() => this.look(), wait * 1000);
  }

  async look() {
    if (!this.element.isConnected) return;
    if (document.hidden || this.inUse()) {
      this.plan();
      return;
    }
    try {
      await this.fetch();
      this.failures = 0;
    } catch {
      this.failures = Math.min(this.failures + 1, 6);
    }
    this.show();
    this.plan();
  }

  async fetch() {
    const answer = await fetch(this.element.dataset.liveUrl, {
      headers: { Live: "1", Accept: "text/html" },
      credentials: "same-origin",
      cache: "no-store",
      redirect: "error",
      signal: AbortSignal.timeout(15_000),
    });
    if (answer.status === 401) {
      this.every = 0;
      this.signedOut = true;
      return;
    }
    if (!answer.ok) throw new Error(String(answer.status));
    const pace = answer.headers.get("Live-Every");
    if (pace !== null) this.every = Number(pace);
    const html = await answer.text();
    if (html === this.last || this.inUse()) return;
    this.last = html;
    this.swap(html);
  }

  swap(html) {
    this.element.innerHTML = html;
    this.onSwap(this.element);
    this.element.dispatchEvent(new CustomEvent("laoban:swap", { bubbles: true }));
  }

  inUse() {
    // An open dialog asks about something that may stand in the region: the form that it sends must still be there.
    if (document.querySelector("dialog[open]") || this.element.querySelector("details[open]")) return true;
    // A button that was only clicked keeps the focus, too; a region must not stand still because of that.
    return Boolean(this.element.querySelector(":focus-visible"));
  }

  show() {
    const stale = this.failures > 1;
    this.element.classList.toggle("stale", stale);
    for (const note of document.querySelectorAll(".live-note")) {
      note.dataset.live ??= note.textContent;
      note.classList.toggle("offline", stale || this.every === 0);
      note.textContent = this.signedOut ? say("signed_out") : stale ? say("offline") : note.dataset.live;
    }
  }
}

export function startLive(onSwap) {
  const regions = [...document.querySelectorAll("[data-live-url]")].map((element) => new Region(element, onSwap));
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) regions.forEach((region) => region.every > 0 && region.look());
  });
  window.addEventListener("online", () => regions.forEach((region) => region.every > 0 && region.look()));
}
