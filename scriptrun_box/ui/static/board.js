// The board by mouse and keys: cards are dragged, or ticked and moved; each way posts the page's form.
// Only the cards that changed are fetched, here and on every other open board.

const NAMED_MAX = 200; // ticked at once
const FRESH_MS = 60_000; // what is late changes with the clock

const board = document.querySelector(".board");
const lanes = document.querySelector(".lanes");
const form = document.getElementById("move");
const said = form.querySelector("[data-ticked]");

const cards = (root = lanes) => [...root.querySelectorAll(".parcel")];
const ticked = () => [...lanes.querySelectorAll("input:checked")].map(cardOf);
const cardOf = (node) => node?.closest?.(".parcel");
// Not form.elements: every card has a field of this form, and each move would list them all anew.
const to = document.getElementById("to");
const csrf = form.querySelector("[name=csrf]").value;

// moving ------------------------------------------------------------------------------------------

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const place = to.value;
  if (ticked().length) move(ticked(), place);
  else say("Tick the packages first.");
});

document.addEventListener("submit", (event) => {
  if (event.target.getAttribute("action") !== "/board/undo") return;
  event.preventDefault();
  event.target.closest(".toast").remove();
  post("/board/undo", new FormData(event.target, event.submitter));
});

/** Put cards somewhere at once, and let the box say where they really are. */
async function move(moved, place) {
  const fields = new FormData();
  fields.set("csrf", csrf);
  fields.set("to", place);
  for (const card of moved.slice(0, NAMED_MAX)) fields.append("package", card.querySelector("input").value);
  const lane = document.getElementById(`cards-${place}`);
  for (const card of moved) {
    card.classList.add("moving");
    card.querySelector("input").checked = false;
    if (lane) lane.prepend(card);
  }
  to.value = "";
  count();
  if (!(await post("/board/move", fields))) refresh(true);
}

async function post(path, fields) {
  fields.set("live", "1");
  fields.set("next", here());
  try {
    const answer = await fetch(path, { method: "POST", body: new URLSearchParams(fields), headers: { Accept: "text/html" } });
    return take(await answer.text());
  } catch {
    say("The box does not answer. Nothing was changed; try again.");
    return false;
  }
}

const here = () => "/board" + (board.dataset.query ?? "");
const say = (text) => document.dispatchEvent(new CustomEvent("box:say", { detail: text }));
const refresh = (quiet) => document.dispatchEvent(new CustomEvent("box:refresh", { detail: { quiet } }));

// what changed ----------------------------------------------------------------------------------------

document.addEventListener("box:changed", (event) => {
  const { ids } = event.detail;
  if (!ids || document.hidden) return;
  event.preventDefault(); // these few only
  fetchCards(ids);
});

let wanted = new Set(), fetching = false;

async function fetchCards(ids) {
  for (const id of ids) wanted.add(id);
  if (fetching || "held" in board.dataset) return; // what is under a hand stays
  fetching = true;
  while (wanted.size) {
    const asked = [...wanted].slice(0, NAMED_MAX);
    for (const id of asked) wanted.delete(id);
    const query = new URLSearchParams(board.dataset.query ?? "");
    query.set("ids", asked.join(","));
    try {
      const answer = await fetch(`/live/board?${query}`, { headers: { Accept: "text/html" } });
      if (answer.redirected) return location.reload();
      if (answer.ok) take(await answer.text());
    } catch {
      break; // the stream is lost as well: the page is fetched whole once it is back
    }
  }
  fetching = false;
}

/** Put the cards of an answer where they belong; false where it is no such answer. */
function take(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  const list = fresh.querySelector("[data-cards]");
  if (!list) return false;
  for (const item of [...list.children]) {
    const id = item.dataset.gone ?? item.dataset.key;
    const old = lanes.querySelector(`.parcel[data-key="${id}"]`);
    if (item.dataset.key) place(document.importNode(item, true), old);
    else old?.remove();
  }
  document.dispatchEvent(new CustomEvent("box:show", { detail: html }));
  document.dispatchEvent(new CustomEvent("box:moved"));
  const toast = fresh.querySelector(".toast");
  if (toast) say(toast);
  if (fresh.querySelector("#problems [role=alert]")) document.getElementById("problems").scrollIntoView({ block: "nearest" });
  count();
  return true;
}

function place(card, old) {
  const lane = document.getElementById(`cards-${card.dataset.column}`);
  const focused = old?.contains(document.activeElement);
  if (old?.querySelector("input").checked) card.querySelector("input").checked = old.querySelector("input").value === card.querySelector("input").value;
  old?.remove();
  if (!lane) return refresh(true); // a lane that was not there
  const behind = [...lane.children].find((each) => each.dataset.rank > card.dataset.rank);
  lane.insertBefore(card, behind ?? null);
  if (focused) card.querySelector(".row-link").focus({ preventScroll: true });
}

setInterval(() => { if (!document.hidden && !lanes.matches(".dragging")) refresh(true); }, FRESH_MS);

// dragging --------------------------------------------------------------------------------------------

let dragged = [];

lanes.addEventListener("dragstart", (event) => {
  const card = cardOf(event.target);
  if (!card) return;
  dragged = card.querySelector("input").checked ? ticked() : [card];
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", `${dragged.length}`);
  lanes.classList.add("dragging");
  board.dataset.held = "";
});

lanes.addEventListener("dragover", (event) => {
  const lane = event.target.closest?.("[data-takes]");
  mark(dragged.length ? lane : null);
  if (lane && dragged.length) event.preventDefault();
});

lanes.addEventListener("drop", (event) => {
  const lane = event.target.closest?.("[data-takes]");
  if (!lane || !dragged.length) return;
  event.preventDefault();
  move(dragged, lane.dataset.lane);
  end();
});

lanes.addEventListener("dragend", end);

function end() {
  dragged = [];
  mark(null);
  lanes.classList.remove("dragging");
  const missed = board.dataset.held === "missed";
  delete board.dataset.held;
  fetchCards([]);
  if (missed) refresh(true);
}

function mark(lane) {
  for (const each of lanes.querySelectorAll(".over-here")) if (each !== lane) each.classList.remove("over-here");
  lane?.classList.add("over-here");
}

// keys ------------------------------------------------------------------------------------------------

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (document.querySelector("dialog[open]")) return;
  const box = event.target.closest("input:not([type=checkbox]), textarea, select");
  if (box) return;
  if (Number(document.body.dataset.going ?? 0) > Date.now()) { delete document.body.dataset.going; return; } // `g a` goes
  const step = { j: [0, 1], k: [0, -1], l: [1, 0], h: [-1, 0] }[event.key];
  if (step) walk(event, ...step);
  else if (event.key === "x") tick(event);
  else if (event.key === "a") aim(event);
}, true); // before the keys of every page

function walk(event, across, down) {
  event.preventDefault();
  event.stopPropagation();
  const full = [...lanes.querySelectorAll(".lane")].filter((lane) => lane.querySelector(".parcel"));
  if (!full.length) return;
  const card = cardOf(document.activeElement);
  const at = full.indexOf(card?.closest(".lane"));
  if (at < 0) return focus(cards(full[0])[0]);
  const row = cards(full[at]).indexOf(card);
  const lane = full[Math.max(0, Math.min(full.length - 1, at + across))];
  const there = cards(lane);
  focus(there[Math.max(0, Math.min(there.length - 1, row + down))]);
}

function focus(card) {
  card.querySelector(".row-link").focus({ preventScroll: true });
  card.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function tick(event) {
  const box = cardOf(event.target)?.querySelector("input");
  if (!box) return;
  event.preventDefault();
  box.checked = !box.checked;
  count();
}

/** Where what is ticked goes; with nothing ticked, the card one is on. */
function aim(event) {
  const card = cardOf(event.target);
  if (!ticked().length && card) card.querySelector("input").checked = true;
  if (!ticked().length) return;
  event.preventDefault();
  count();
  to.focus();
}

lanes.addEventListener("change", count);
to.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.value) { event.preventDefault(); form.requestSubmit(); }
});

function count() {
  const number = lanes.querySelectorAll("input:checked").length;
  said.textContent = number ? `${number} ticked:` : "Tick packages, then";
}

count();
