// Keeps a page live: the box says that something changed, the page fetches what it shows, and only
// the pieces that differ are swapped, so focus and scroll stay where they are.
//
// A page has one [data-live-from] with the address of its changing parts (and [data-query] once its
// filters have changed); each part has an id and [data-part], each child of a part a data-key.
// [data-still] pages are only told, never swapped. [data-topics] names what else than packages the page
// is about (patients controlled drivers routes route_plans print_jobs packets webhooks webhook_attempted); what is told of webhooks
// may wait a moment.

const AT_ONCE = new Set(["patients", "controlled", "cold", "drivers", "routes", "route_plans"]);
const GAP_MS = 100; // between two fetches
const LEISURE = 3; // after a slow fetch, wait that many times as long as it took
const LATER_MS = 2000; // for what need not be seen at once
const RETRY_MS = 5000;
const NEW_MS = 8000; // how long something new stays marked

const root = document.querySelector("[data-live-from]");
const mark = document.querySelector("[data-live-mark]");
const empty = document.querySelector("[data-until-rows]"); // stands for the hidden rest until there are rows

const arrivedWith = location.search;

let source = null;
let busy = false, again = false;
let later = null;
let settled = false; // the first fetch after the page itself marks nothing as new

if (root) {
  document.addEventListener("visibilitychange", () => (document.hidden ? leave() : listen()));
  document.addEventListener("box:refresh", (event) => refresh(event.detail?.quiet));
  document.addEventListener("box:show", (event) => show(event.detail, true));
  addEventListener("pagehide", leave);
  addEventListener("pageshow", () => { if (!document.hidden) listen(); });
  if (!document.hidden) listen();
}

// One stream for each page that can be seen: a browser opens only six connections to one host.
function listen() {
  if (source) return;
  source = new EventSource("/live");
  source.addEventListener("hello", () => { say(true); refresh(); });
  source.addEventListener("changed", (event) => {
    const { topic, ids } = JSON.parse(event.data);
    if (topic === "packages") {
      // A page that knows how to fetch only what changed says so.
      if (document.dispatchEvent(new CustomEvent("box:changed", { detail: { ids }, cancelable: true }))) refresh();
    } else if (!root.dataset.topics?.split(" ").includes(topic)) {
      return;
    } else if (AT_ONCE.has(topic)) {
      refresh();
    } else {
      later ??= setTimeout(() => { later = null; refresh(); }, LATER_MS);
    }
  });
  source.addEventListener("end", () => location.reload());
  source.addEventListener("error", () => {
    say(false);
    if (source?.readyState === EventSource.CLOSED) {
      leave();
      setTimeout(() => { if (!document.hidden) { refresh(); listen(); } }, RETRY_MS);
    }
  });
}

function leave() {
  source?.close();
  source = null;
}

function say(connected) {
  if (!mark) return;
  mark.hidden = false;
  mark.classList.toggle("lost", !connected);
  mark.querySelector("span").textContent = connected ? "live" : "not live, trying again";
}

// While somebody drags, what is under their hand stays: the page asks again once it lies still.
function held() {
  if (!("held" in root.dataset)) return false;
  root.dataset.held = "missed";
  return true;
}

async function refresh(quiet = false) {
  if (held()) return;
  if ("still" in root.dataset && !quiet) return;
  if (busy) { again = true; return; }
  busy = true;
  const began = performance.now();
  try {
    const answer = await fetch(root.dataset.liveFrom + (root.dataset.query ?? arrivedWith), { headers: { Accept: "text/html" } });
    if (answer.redirected) return location.reload(); // signed out: the sign-in page
    const html = answer.ok ? await answer.text() : "";
    if (html && !held()) show(html, settled && !quiet);
    settled = true;
  } catch {
    say(false);
  }
  const took = performance.now() - began;
  setTimeout(() => {
    busy = false;
    if (again) { again = false; refresh(); }
  }, Math.max(GAP_MS, LEISURE * took));
}

function show(html, marking) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  if (empty && fresh.querySelector(`#${empty.dataset.untilRows} a`)) {
    empty.remove();
    root.hidden = false;
  }
  for (const part of fresh.querySelectorAll("[data-part]")) {
    const shown = document.getElementById(part.id);
    if (shown) swap(shown, part, marking);
  }
  for (const count of fresh.querySelectorAll("[data-count]")) tell(count.dataset.count, count.textContent);
  document.dispatchEvent(new CustomEvent("box:shown"));
}

const served = new WeakMap(); // child of a part → the HTML it was served as

function swap(shown, fresh, marking) {
  const known = new Map([...shown.children].map((child) => [child.dataset.key, child]));
  let place = shown.firstElementChild;
  for (const child of [...fresh.children]) {
    const html = child.outerHTML;
    const old = known.get(child.dataset.key);
    known.delete(child.dataset.key);
    let stays = old;
    if (!old || (served.get(old) ?? old.outerHTML) !== html) {
      stays = document.importNode(child, true);
      served.set(stays, html);
      if (old) replace(old, stays, () => { if (place === old) place = stays; });
      else if (marking && child.dataset.key !== "none") flash(stays);
    } else if (!served.has(old)) {
      served.set(old, html);
    }
    if (stays === place) place = place.nextElementSibling;
    else shown.insertBefore(stays, place);
  }
  for (const gone of known.values()) gone.remove();
}

function replace(old, made, moved) {
  const active = old.contains(document.activeElement) ? document.activeElement : null;
  const focused = active?.getAttribute("href");
  moved();
  if (old.classList.contains("at")) made.classList.add("at");
  old.replaceWith(made);
  if (active?.id) document.getElementById(active.id)?.focus();
  else if (focused) (made.matches("a") ? made : made.querySelector(`a[href="${CSS.escape(focused)}"]`))?.focus();
}

function flash(child) {
  child.classList.add("new");
  setTimeout(() => child.classList.remove("new"), NEW_MS);
}

function tell(path, text) {
  for (const shown of document.querySelectorAll(`nav [data-count="${CSS.escape(path)}"]`)) {
    shown.textContent = text;
    shown.hidden = text === "0";
  }
}
