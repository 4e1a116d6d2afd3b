// The frame: drawer on phones, little menus, the line under a header that sticks.
export function startShell() {
  drawer();
  menus();
  stickyHeader();
  openTab();
  openPage();
}

function drawer() {
  const sidebar = document.getElementById("sidebar");
  const openers = document.querySelectorAll("[data-drawer]");
  if (!sidebar || !openers.length) return;
  const veil = document.querySelector("[data-drawer-veil]");
  let opener = null;
  const set = (open) => {
    document.documentElement.classList.toggle("drawer-open", open);
    veil.hidden = !open;
    for (const button of openers) button.setAttribute("aria-expanded", String(open));
    if (open) sidebar.querySelector("a, button")?.focus();
    else opener?.focus();
  };
  for (const button of openers) {
    button.addEventListener("click", () => {
      opener = button;
      set(!document.documentElement.classList.contains("drawer-open"));
    });
  }
  veil.addEventListener("click", () => set(false));
  document.addEventListener("keydown", (event) => {
    const open = document.documentElement.classList.contains("drawer-open");
    if (event.key === "Escape" && open) set(false);
  });
}

function menus() {
  const opened = () => document.querySelectorAll("details.menu[open]");
  document.addEventListener("click", (event) => {
    for (const menu of opened()) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      for (const menu of opened()) {
        menu.open = false;
        menu.querySelector("summary").focus();
      }
    }
    const menu = event.target.closest?.("details.menu[open]");
    if (!menu || !["ArrowDown", "ArrowUp"].includes(event.key) || event.target.matches("input, select, textarea")) return;
    const items = [...menu.querySelectorAll("a.menu-item, button.menu-item")];
    const step = event.key === "ArrowDown" ? 1 : -1;
    const at = items.indexOf(document.activeElement);
    items.at((at + step + items.length) % items.length)?.focus();
    event.preventDefault();
  });
}

function stickyHeader() {
  const header = document.querySelector(".page-header");
  if (!header) return;
  const mark = () => header.classList.toggle("stuck", window.scrollY > 8);
  document.addEventListener("scroll", mark, { passive: true });
  mark();
}

// Where the menu is longer than the window, the open page's line is moved into sight.
function openPage() {
  const menu = document.querySelector(".sidebar-nav");
  const open = menu?.querySelector("[aria-current]");
  if (!open) return;
  const below = open.getBoundingClientRect().bottom - menu.getBoundingClientRect().bottom;
  if (below > 0) menu.scrollTop += below + menu.clientHeight / 4;
}

// Where tabs are wider than a phone, the open one is moved into sight.
function openTab() {
  const tabs = document.querySelector(".tabs");
  const open = tabs?.querySelector("[aria-current]");
  if (open) tabs.scrollLeft = open.offsetLeft - tabs.offsetLeft - (tabs.clientWidth - open.clientWidth) / 2;
}
