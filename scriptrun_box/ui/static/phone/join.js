// Adding this phone: the driver chooses a PIN, the phone makes its half of the credential.

import * as box from "./box.js";
import { newPageHalf, weakPin } from "./crypto.js";
import { byId } from "./dom.js";
import * as kept from "./kept.js";
import { Session } from "./session.js";

const form = byId("join");

function say(words) {
  byId("wrong").textContent = words;
  byId("wrong").hidden = !words;
}

async function add() {
  const pin = byId("pin").value;
  const weak = weakPin(pin);
  if (weak || pin !== byId("again").value) {
    say(weak || "The two PINs are not the same.");
    byId("pin").focus();
    return;
  }
  if (!globalThis.crypto?.subtle || !globalThis.indexedDB) {
    say("This browser keeps nothing safely here. Open the address with https, in Safari or Chrome.");
    return;
  }
  const waiting = (await kept.acts()).filter((act) => !act.answer).length;
  const words = `This phone still has ${waiting} things to send, of whoever used it before. Delete them?`;
  if (waiting && !globalThis.confirm(words)) return;
  byId("add").disabled = true;
  say("");
  try {
    const half = newPageHalf();
    await box.join(location.pathname, half);
    await Session.begin(pin, half);
    navigator.storage?.persist?.();
    location.replace("/phone");
  } catch (error) {
    say(error.message);
    byId("add").disabled = false;
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  add();
});
