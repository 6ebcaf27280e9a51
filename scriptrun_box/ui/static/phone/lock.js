// The PIN, and what there is to see without one.

import { button, h } from "./dom.js";
import * as kept from "./kept.js";

const page = (title, ...inside) => [h("div", { class: "top" }, h("h1", {}, title)), ...inside];

export const wiped = () =>
  page(
    "This phone was shut out",
    h("p", { class: "stop" }, "Everything the app kept here is gone. Ask the desk for a new code."),
  );

export const stranger = () =>
  page(
    "This phone is not added yet",
    h("div", { class: "stop" }, h("p", {}, "The desk shows a code on the driver's page: read it with the camera."), h("a", { href: "/phone/help", class: "btn" }, "Something does not work")),
  );

export function locked(session, done) {
  const wrong = h("p", { class: "note bad", role: "alert", hidden: true });
  const pin = h("input", {
    class: "field pin", id: "pin", type: "password", inputmode: "numeric", maxlength: 6,
    pattern: "[0-9]{6}", autocomplete: "off", required: true,
  });
  const go = h("button", { class: "btn go", id: "unlock" }, "Open");
  const say = (words) => {
    wrong.textContent = words;
    wrong.hidden = !words;
  };
  const onsubmit = async (event) => {
    event.preventDefault();
    if (go.disabled) return;
    const wait = await session.waitForPin();
    if (wait) {
      say(`Too many wrong PINs: try again in ${Math.ceil(wait / 1_000)} s.`);
      return;
    }
    go.disabled = true;
    const right = await session.unlock(pin.value);
    go.disabled = false;
    if (right) {
      done();
      return;
    }
    pin.value = "";
    pin.focus();
    say("That is not the PIN.");
  };
  const form = h("form", { class: "stop", onsubmit, autocomplete: "off" }, wrong, h("label", {}, "PIN", pin), go);
  return page("Driver", form, h("p", { class: "say" }, button("Forgot the PIN", () => forgot(done), { kind: "plain" })));
}

async function forgot(done) {
  const waiting = (await kept.acts()).filter((act) => !act.answer).length;
  const lost = waiting ? ` ${waiting} things that the box does not have yet are lost.` : "";
  if (!globalThis.confirm(`The desk has to add this phone again.${lost} Delete everything here?`)) return;
  await kept.forgetEverything();
  done();
}
