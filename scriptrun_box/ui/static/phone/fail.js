// It could not be delivered: why, with a photo of the door where there is one.

import { readingsOf } from "./cold.js";
import { button, h } from "./dom.js";
import { photoField } from "./photo.js";
import { whereNow } from "./place.js";
import { currentRoute, openAt } from "./shift.js";

const REASONS = [["no_answer", "Nobody opens"], ["wrong_address", "Wrong address"], ["refused", "They do not want it"], ["no_id", "No ID"], ["copay_not_paid", "Copay not paid"], ["temperature", "Too warm or too cold"], ["damaged", "Damaged"], ["unsafe", "Not safe here"], ["other", "Something else"]];

export function fail(at) {
  const { session, shift, about, more, go, act, top } = at;
  const stop = currentRoute(shift)?.stops.find((each) => each.id === about);
  const packages = stop ? openAt(shift, stop) : [];
  if (!packages.length) return [top("Could not deliver", [""]), h("p", { class: "say" }, "Nothing is open at this stop.")];
  const where = whereNow();
  let photo = null;
  let done = false;
  const wrong = h("p", { class: "note bad", role: "alert", id: "wrong", hidden: true });
  const note = h("textarea", { class: "field", name: "note", maxlength: 500 });
  const reasons = REASONS.map(([value, words]) => h("label", { class: "pick" }, h("input", { type: "radio", name: "reason", value, checked: value === more }), words));
  const which = packages.map((each) => h("label", { class: "pick" }, h("input", { type: "checkbox", name: "package", value: each.id, checked: true }), each.name));
  const onsubmit = async (event) => {
    event.preventDefault();
    const given = new FormData(event.target);
    const [reason, ids] = [given.get("reason"), given.getAll("package")];
    const words = note.value.trim();
    const problem = !reason ? "Choose why." : !ids.length ? "Choose at least one package." : reason === "other" && !words ? "Write what happened." : "";
    wrong.textContent = problem;
    wrong.hidden = !problem;
    if (problem) wrong.scrollIntoView({ block: "center" });
    if (problem || done) return;
    done = true;
    const found = await Promise.race([where, new Promise((go) => setTimeout(() => go({ no_place: "took too long" }), 60))]);
    const begun = session.draft?.stop === stop.id ? session.draft : null;
    const readings = readingsOf(packages.filter((each) => ids.includes(each.id)), begun?.readings);
    const fields = { package_ids: ids, reason, readings, note: words || null, photo: Boolean(photo), no_photo: photo ? null : "Not taken", ...found };
    await act("fail", fields, "Noted: not delivered.", { photo });
    if (begun) await session.keepDraft(null);
    go();
  };
  return [
    top("Could not deliver", ["stop", stop.id]),
    h("form", { onsubmit, id: "failing", autocomplete: "off" },
      h("div", { class: "stop" }, wrong, h("fieldset", {}, h("legend", {}, "Why?"), reasons)),
      packages.length > 1 && h("fieldset", { class: "stop" }, h("legend", {}, "Which packages?"), which),
      packages.length === 1 && h("input", { type: "hidden", name: "package", value: packages[0].id }),
      h("div", { class: "stop" }, photoField((taken) => { photo = taken; }, "Photo of the door"), h("label", {}, "Note for the desk", note)),
      h("div", { class: "acts" }, button("Back", () => go("stop", stop.id)), h("button", { class: "btn bad", id: "failed" }, "Not delivered"))),
  ];
}
