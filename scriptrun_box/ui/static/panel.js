// Opens a package beside its list instead of on a page of its own, and searches while one types.
// Without this file the same links open pages and the same forms post.

const TYPING_MS = 150;
const SLOW_MS = 100; // without an answer after that, the panel shows its shape

const panel = document.querySelector("[data-panel]");
const filters = document.querySelector("[data-filters]");
const listTitle = document.title;

let opener = null;

if (panel) {
  history.replaceState({ list: location.href }, "");
  document.addEventListener("click", onClick);
  document.addEventListener("submit", onSubmit);
  addEventListener("popstate", () => (idIn(location) ? open(location.href, false) : shut(false)));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || panel.hidden || document.querySelector("dialog[open]")) return;
    if (!event.target.matches("input, textarea, select")) shut(true);
  });
  document.addEventListener("box:shown", markRow);
  document.addEventListener("box:changed", (event) => {
    const { ids } = event.detail;
    const id = panel.querySelector("#package")?.dataset.id;
    const busy = panel.querySelector("details[open] form");
    if (id && !busy && (!ids || ids.includes(id))) open(`/packages/${id}`, false, false);
  });
}

const idIn = (url) => url.pathname.match(/^\/packages\/([0-9a-f]{32})$/)?.[1];

function onClick(event) {
  if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const link = event.target.closest("a");
  if (link?.closest("[data-close]") && panel.contains(link)) {
    event.preventDefault();
    shut(true);
  } else if (link && !link.target && idIn(link)) {
    event.preventDefault();
    if (!panel.contains(link)) opener = link.getAttribute("href");
    open(link.href, true);
  } else if (!link && !getSelection().toString()) {
    event.target.closest(".parcels tr")?.querySelector(".row-link")?.click(); // the whole row opens
  }
}

async function open(url, push, focus = true) {
  const slow = setTimeout(() => { if (panel.hidden) promise(); }, SLOW_MS);
  await load(url, {}, push, focus);
  clearTimeout(slow);
}

async function load(url, options, push, focus) {
  try {
    await take(await fetch(url, { ...options, headers: { Accept: "text/html" } }), push, focus);
  } catch {
    if (!panel.querySelector("#package")) shut(false);
    document.dispatchEvent(new CustomEvent("box:say", { detail: "The box does not answer. Nothing was changed; try again." }));
  }
}

/** The shape of what is still on its way over a slow line. */
function promise() {
  const card = document.createElement("div");
  card.className = "in skeleton";
  card.append(...Array.from({ length: 6 }, () => document.createElement("p")));
  panel.replaceChildren(card);
  reveal();
}

function reveal() {
  panel.hidden = false;
  panel.parentElement.classList.toggle("open", panel.parentElement.matches(".with-panel"));
}

async function onSubmit(event) {
  if (event.defaultPrevented || !panel.contains(event.target)) return;
  event.preventDefault();
  const form = event.target;
  const fields = new URLSearchParams(new FormData(form, event.submitter));
  await load(form.action, { method: "POST", body: fields }, false, true);
}

/** Show the package out of a whole page of ours; anything else is a page to go to. */
async function take(answer, push, focus) {
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const shown = fresh.getElementById("package");
  if (!shown) return idIn(new URL(answer.url)) ? location.assign(answer.url) : location.reload();
  const scroll = panel.querySelector("#package")?.dataset.id === shown.dataset.id ? panel.scrollTop : 0;
  panel.replaceChildren(document.importNode(shown, true));
  reveal();
  panel.scrollTop = scroll;
  document.title = fresh.title;
  const path = `/packages/${shown.dataset.id}`;
  if (push && location.pathname !== path) {
    history.pushState({ list: history.state?.list ?? "/packages" }, "", path);
  }
  markRow();
  const wrong = panel.querySelector("[aria-invalid], [role=alert]");
  if (wrong) wrong.scrollIntoView({ block: "center" });
  if (focus) panel.querySelector("h1").focus({ preventScroll: true });
  const said = fresh.querySelector(".toasts .toast");
  if (said) document.dispatchEvent(new CustomEvent("box:say", { detail: said }));
}

function shut(push) {
  if (panel.hidden) return;
  panel.hidden = true;
  panel.replaceChildren();
  panel.parentElement.classList.remove("open");
  document.title = listTitle;
  if (push) history.pushState({ list: history.state.list }, "", history.state.list);
  markRow();
  if (opener) document.querySelector(`.row-link[href="${CSS.escape(opener)}"]`)?.focus();
}

function markRow() {
  const id = panel.querySelector("#package")?.dataset.id;
  for (const row of document.querySelectorAll(".parcels tr[data-key]")) row.classList.toggle("at", row.dataset.key === id);
}

if (filters) {
  let waiting = 0;
  filters.querySelector("[data-apply]").hidden = true;
  filters.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(narrow, TYPING_MS);
  });
}

/** The list for the filters as they stand; the address follows, so a reload shows the same. */
function narrow() {
  const given = [...new FormData(filters)].filter(([, value]) => value);
  const query = given.length ? `?${new URLSearchParams(given)}` : "";
  const root = document.querySelector("[data-live-from]");
  if (!panel.hidden) shut(false);
  root.dataset.query = query;
  delete root.dataset.still;
  const path = filters.getAttribute("action");
  history.replaceState({ list: path + query }, "", path + query);
  document.dispatchEvent(new CustomEvent("box:refresh", { detail: { quiet: true } }));
}
