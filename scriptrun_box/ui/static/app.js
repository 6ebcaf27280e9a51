// What every page gains where scripts run: keys, copy buttons, times that keep counting, toasts.
// Everything works without this file; nothing here is needed to post a form.

const GO_MS = 1200; // how long `g` waits for its second key
const TOAST_MS = 5000;
const UNDO_MS = 20_000; // of a toast with Undo
const SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR;

let goUntil = 0;

const typing = (target) => target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (typing(event.target)) {
    if (event.key === "Escape") { event.preventDefault(); event.target.blur(); } // else a search field is emptied
    return;
  }
  if (document.querySelector("dialog[open]")) return;
  if (goUntil > Date.now()) {
    goUntil = 0;
    const link = document.querySelector(`[data-go="${CSS.escape(event.key)}"]`);
    if (link) { event.preventDefault(); location.assign(link.href); }
    return;
  }
  if (event.key === "g") document.body.dataset.going = goUntil = Date.now() + GO_MS; // for who listens earlier
  else if (event.key === "?") document.getElementById("keys")?.showModal();
  else if (event.key === "/") search(event);
  else if (event.key === "n" && document.getElementById("keys")) location.assign("/orders/new");
  else if (event.key === "u") document.querySelector("[data-undo]")?.click();
  else if (event.key === "j" || event.key === "k") step(event, event.key === "j" ? 1 : -1);
});

function search(event) {
  event.preventDefault();
  const box = document.querySelector("input[name=q]");
  if (box) { box.focus(); box.select(); } else location.assign("/packages");
}

// `j` and `k` walk the rows of the page's list; the row's link takes the focus, so Enter opens it.
function step(event, by) {
  const links = [...document.querySelectorAll(".tbl .row-link")];
  if (!links.length) return;
  event.preventDefault();
  const row = document.activeElement.closest?.("tr") ?? document.querySelector("tr.at");
  const at = links.findIndex((link) => link.closest("tr") === row);
  const next = links[Math.max(0, Math.min(links.length - 1, at + by))];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const text = document.querySelector(button.dataset.copy).textContent.trim();
  try {
    await navigator.clipboard.writeText(text);
    toast("Copied.");
  } catch {
    getSelection().selectAllChildren(document.querySelector(button.dataset.copy));
    toast("Selected: press Ctrl+C to copy.");
  }
});

document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.ask ?? event.target.dataset.ask;
  if (question && !confirm(question)) event.preventDefault();
});

document.addEventListener("box:say", (event) => toast(event.detail));

/** Say something briefly at the foot of the page: a text, or a toast of another page of ours. */
function toast(said) {
  const ready = said instanceof Element;
  const made = ready ? document.importNode(said, true) : document.createElement("div");
  if (!ready) made.textContent = said;
  made.className = "toast";
  document.querySelector(".toasts").replaceChildren(made);
  fade(made);
}

/** A toast goes by itself; one that offers to undo waits longer, and as long as it is used. */
function fade(shown) {
  setTimeout(() => (shown.matches(":focus-within") ? fade(shown) : shown.remove()), shown.querySelector("form") ? UNDO_MS : TOAST_MS);
}

function ago(ms) {
  if (ms < SECOND) return "just now";
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s ago`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min ago`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h ago`;
  const days = Math.floor(ms / DAY);
  return days === 1 ? "1 day ago" : `${days} days ago`;
}

/** What is left of a bag's time. */
function left(ms) {
  const minutes = Math.floor(Math.abs(ms) / MINUTE);
  const hours = Math.floor(minutes / 60), rest = `${minutes % 60} min`;
  const lasting = !hours ? rest : minutes % 60 ? `${hours} h ${rest}` : `${hours} h`;
  return ms < 0 ? `over for ${lasting}` : `${lasting} left`;
}

setInterval(() => {
  for (const time of document.querySelectorAll("time[data-ago], time[data-until]")) {
    const passed = Date.now() - Date.parse(time.dateTime);
    const text = "until" in time.dataset ? left(-passed) : ago(passed);
    if (time.textContent !== text) time.textContent = text;
  }
}, 5000);

// On a phone the navigation is one line: have the page one is on in sight.
document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

for (const shown of document.querySelectorAll(".toasts .toast")) fade(shown);
