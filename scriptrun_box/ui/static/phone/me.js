// The rest: words to the desk, on and offline, the end of the shift; and what is still to be sent.

import { button, h } from "./dom.js";
import { currentRoute } from "./shift.js";

const KIND_WORDS = { shift_start: "Start of the shift", shift_end: "End of the shift", online: "Online", offline: "Offline", load: "Loading", start: "Start of the route", deliver: "Delivered", fail: "Not delivered", note: "Words to the desk", finish: "End of the route", position: "Where you are" };

export function me(at) {
  const { session, shift, go, act, top } = at;
  const driver = shift?.driver;
  const pharmacy = shift && Object.values(shift.pharmacies)[0];
  const route = currentRoute(shift);
  const words = h("textarea", { class: "field", id: "words", maxlength: 500 });
  const send = async () => {
    if (!words.value.trim()) return;
    await act("note", { text: words.value.trim() });
    words.value = "";
    go();
  };
  const online = async () => {
    await act(driver.online ? "offline" : "online");
    go("me");
  };
  const end = async () => {
    if (route?.status === "started" && !globalThis.confirm("Your route is not finished. End the shift anyway?")) return;
    await act("shift_end", {}, "Shift ended.");
    go();
  };
  return [
    top(driver?.name ?? "Driver", [""]),
    pharmacy && h("div", { class: "stop" },
      h("p", { class: "who" }, pharmacy.name), h("p", {}, pharmacy.address),
      pharmacy.phone && h("a", { class: "btn", href: `tel:${pharmacy.phone}` }, "Call the pharmacy")),
    driver?.on_shift && h("div", { class: "stop" }, h("label", {}, "Tell the desk", words), button("Send", send, { id: "send-words" })),
    h("div", { class: "stop" },
      driver?.on_shift && button(driver.online ? "Go offline for a while" : "Back online", online),
      button("Lock now", () => session.lock(), { id: "lock" }),
      h("a", { class: "btn", href: "/phone/help" }, "Something does not work")),
    driver?.on_shift && h("div", { class: "acts one" }, button("End shift", end, { kind: "bad", id: "end-shift" })),
  ];
}

// What waits, and what did not count.
export function told(at) {
  const { session, shift, top } = at;
  const { outbox } = session;
  const names = (act) => (act.words.package_ids ?? []).map((id) => shift?.packages[id]?.name).filter(Boolean).join(", ");
  const waiting = outbox.acts.filter((act) => !act.answer);
  const line = (act, words) =>
    h("p", { class: "row" }, h("span", { class: "grow" }, KIND_WORDS[act.words.kind] ?? act.words.kind, h("small", {}, names(act)), words && h("small", { class: "bad" }, words)));
  const why = (act) => [...new Set([act.answer.sentence, ...act.answer.details.map((each) => each.sentence)])].join(" ");
  return [
    top("Told to the box", [""]),
    session.notice && h("p", { class: "stop need bad", role: "alert" }, session.notice),
    outbox.odd.length > 0 && h("div", { class: "stop" },
      h("b", {}, "Did not count"), outbox.odd.map((act) => line(act, why(act))),
      h("p", { class: "quiet" }, "The desk sees this too."), button("I have read it", () => outbox.seen(), { id: "read" })),
    h("div", { class: "stop" },
      h("b", {}, outbox.waiting ? `${outbox.waiting} waiting` : "The box has everything"),
      waiting.map((act) => line(act)),
      outbox.pictures.size > 0 && h("p", { class: "quiet" }, `${outbox.pictures.size} photos follow`),
      button("Try to send now", () => outbox.send(), { id: "try" })),
  ];
}
