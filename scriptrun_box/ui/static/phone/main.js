// The app: which screen is shown, the line on top of each, the ten seconds in which to take back.

import { deliver } from "./deliver.js";
import { button, byId, h } from "./dom.js";
import { fail } from "./fail.js";
import * as kept from "./kept.js";
import { load } from "./load.js";
import { locked, stranger, wiped } from "./lock.js";
import { me, told } from "./me.js";
import { UNDO_MS } from "./outbox.js";
import { watchPlace } from "./place.js";
import { Session } from "./session.js";
import { home, list, stop } from "./stops.js";

const SCREENS = { "": home, load, list, stop, deliver, fail, me, told };
const app = byId("app");
let undoing = null;
let shown = "";
let known = null; // whether this phone was added

const session = new Session(() => news());

// News waits for a finger to rise: what it is on must not be drawn anew under it.
let pressed = false;
let late = false;

function news() {
  late = pressed && session.isOpen;
  if (!late) draw();
}

function released() {
  pressed = false;
  if (late) setTimeout(news); // after the click
}

// What a screen gets: the session, where it is, and how to go on.
function here() {
  const [name = "", about = "", more = ""] = location.hash.slice(1).split("/");
  return { name: SCREENS[name] ? name : "", about, more };
}

function go(name = "", about = "") {
  const hash = about ? `#${name}/${about}` : `#${name}`;
  if (location.hash === hash || (!name && !location.hash)) draw(true);
  else location.hash = hash;
}

async function act(kind, fields, words, wish = {}) {
  const id = await session.outbox.add(kind, fields, { held: Boolean(words), ...wish });
  if (words) offerUndo(id, words);
  return id;
}

// Screens that hold what somebody types are drawn again only when they are left.
const TYPED = new Set(["deliver", "fail"]);

function draw(anew = false) {
  if (session.wiped) return put([...wiped()]);
  if (!session.isOpen) {
    shown = "";
    hideUndo();
    if (known === false) return put(stranger());
    if (app.dataset.screen === "locked" && !anew) return null;
    return put(locked(session, () => begin()), "locked");
  }
  const { name, about, more } = here();
  const place = `${name}/${about}`;
  if (TYPED.has(name) && shown === place && !anew) return line();
  const made = SCREENS[name]({ session, shift: session.shift, about, more, go, act, top });
  const scroll = shown === place ? scrollY : 0;
  shown = place;
  put(made, name || "home");
  scrollTo(0, scroll);
  return line();
}

// News may come while somebody types: what they type in stays, where the screen does.
function put(made, screen = "") {
  const typing = document.activeElement;
  const same = app.dataset.screen === screen && typing?.id && app.contains(typing);
  app.dataset.screen = screen;
  app.replaceChildren(...made.flat(3).filter(Boolean));
  const now = same ? byId(typing.id) : null;
  if (!now || now === typing) return;
  if ("value" in typing) now.value = typing.value;
  now.focus({ preventScroll: true });
}

// The line on top: where one is, and what waits, always in sight.
function top(title, back = null) {
  return h(
    "div",
    { class: "top" },
    back !== null && button("‹", () => go(...back), { kind: "back", "aria-label": "Back" }),
    h("h1", {}, title),
    h("span", { class: "push" }),
    h("button", { type: "button", class: "pill", id: "state", onclick: () => go("told") }),
    button("☰", () => go("me"), { kind: "back", "aria-label": "More" }),
  );
}

function line() {
  const pill = byId("state");
  if (!pill) return;
  const { outbox } = session;
  const odd = outbox.odd.length;
  const waiting = outbox.waiting;
  const words = [
    odd ? `${odd} did not count` : outbox.reachable ? (waiting ? "" : "Sent") : "Offline",
    waiting ? `${waiting} waiting` : "",
  ];
  pill.textContent = words.filter(Boolean).join(", ");
  pill.className = `pill ${odd ? "bad" : outbox.reachable && !waiting ? "ok" : "warn"}`;
}

function offerUndo(id, words) {
  hideUndo();
  const count = h("span", { class: "num" }, Math.round(UNDO_MS / 1_000));
  const back = async () => {
    const undone = await session.outbox.undo(id);
    hideUndo();
    if (undone) draw(true);
  };
  byId("undo").replaceChildren(
    h("div", {}, h("span", {}, words), button(["Undo ", count], back, { kind: "go", id: "undo-it" })),
  );
  const ends = Date.now() + UNDO_MS - 250;
  undoing = setInterval(() => {
    const left = Math.ceil((ends - Date.now()) / 1_000);
    count.textContent = left;
    if (left <= 0) hideUndo();
  }, 250);
}

function hideUndo() {
  clearInterval(undoing);
  byId("undo").replaceChildren();
}

async function begin() {
  known = Boolean(await kept.word("lock"));
  draw(true);
}

for (const kind of ["pointerdown", "keydown"]) {
  addEventListener(kind, () => session.touch(), { capture: true, passive: true });
}
addEventListener("pointerdown", () => { pressed = true; }, { capture: true, passive: true });
for (const kind of ["pointerup", "pointercancel"]) addEventListener(kind, released, { capture: true, passive: true });
addEventListener("hashchange", () => draw(true));
addEventListener("online", () => session.isOpen && session.outbox.send());
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState !== "visible") return;
  session.beat();
  if (session.isOpen) session.outbox.send();
});
watchPlace(session);
navigator.serviceWorker?.register("/phone/sw.js", { scope: "/phone" }).catch(() => {});
begin();
