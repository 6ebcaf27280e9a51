// At the door: who took it, the ID, the money, the signature, the photo; one act for the whole stop.

import { isOver, newReading, readingFields, readingProblem, readingsOf } from "./cold.js";
import { button, choice, dollars, h } from "./dom.js";
import { moneyFields, moneyProblem, newLine, paymentsOf } from "./money.js";
import { photoField } from "./photo.js";
import { whereNow } from "./place.js";
import { scanner } from "./scan.js";
import { currentRoute, openAt } from "./shift.js";
import { isSignature, signField } from "./sign.js";

const RELATIONS = [["", "Choose"], ["patient", "The patient"], ["parent", "Parent or guardian"], ["spouse", "Spouse or partner"], ["caregiver", "Caregiver"], ["facility", "Front desk or facility"], ["other", "Other"]];
const DOCUMENTS = [["06", "Driver license"], ["02", "State ID"], ["05", "Passport"], ["01", "Military ID"], ["04", "Permanent resident card"], ["08", "Tribal ID"], ["99", "Other"]];
const UNSIGNED = [["", "Choose why"], ["Recipient could not sign", "Could not sign"], ["Recipient did not want to sign", "Did not want to"], ["Not needed", "Not needed"]];

export function deliver(at) {
  const { session, shift, about, go, top } = at;
  const route = currentRoute(shift);
  const stop = route?.stops.find((each) => each.id === about);
  const packages = stop ? openAt(shift, stop) : [];
  if (!packages.length) return [top("Deliver", [""]), h("p", { class: "say" }, "Nothing is open at this stop.")];
  const form = new Form(at, stop, packages);
  return [top("Deliver", ["stop", stop.id]), form.element];
}

class Form {
  constructor(at, stop, packages) {
    this.at = at;
    this.stop = stop;
    this.packages = packages;
    this.photo = null;
    this.where = whereNow(); // found while the rest is filled in
    const kept = at.session.draft?.stop === stop.id ? at.session.draft : null;
    this.draft = { ...this.blank(), ...kept };
    this.wrong = h("div", { class: "note bad", role: "alert", id: "wrong", hidden: true });
    this.inside = h("div", {});
    this.element = h("form", { onsubmit: (event) => this.submit(event), autocomplete: "off", id: "delivering" },
      this.inside,
      h("div", { class: "acts" },
        button("Back", () => at.go("stop", stop.id)),
        h("button", { class: "btn go", id: "delivered" }, "Delivered")));
    this.draw();
  }

  blank() {
    return {
      stop: this.stop.id,
      ids: this.packages.map((each) => each.id),
      scanned: [],
      how: "to_person",
      name: "",
      relation: "",
      document: "06",
      jurisdiction: "",
      number: "",
      strokes: [],
      unsigned: "",
      note: "",
      readings: {},
      money: Object.fromEntries(this.packages.filter((each) => each.collect_cents).map((each) => [each.id, [newLine(each.collect_cents)]])),
    };
  }

  get chosen() {
    return this.packages.filter((each) => this.draft.ids.includes(each.id));
  }

  keep() {
    this.at.session.keepDraft(this.draft);
  }

  set(name, value, again = false) {
    this.draft[name] = value;
    this.keep();
    if (again) this.draw();
  }

  draw() {
    const chosen = this.chosen;
    const door = chosen.length > 0 && chosen.every((each) => each.leave_at_door);
    if (!door) this.draft.how = "to_person";
    const toPerson = this.draft.how === "to_person";
    this.inside.replaceChildren(...[
      h("div", { class: "stop" }, this.wrong, this.which()),
      door && this.howField(),
      toPerson && this.recipient(chosen),
      chosen.some((each) => each.check_id) && this.identification(),
      ...chosen.filter((each) => each.fridge).map((each) => this.cold(each)),
      ...chosen.filter((each) => each.collect_cents).map((each) => this.money(each)),
      toPerson && this.signature(chosen),
      h("div", { class: "stop" }, photoField((photo) => { this.photo = photo; }), this.text("note", "Note for the desk (optional)", { maxlength: 500 })),
    ].filter(Boolean));
  }

  which() {
    const many = this.packages.length > 1;
    const scanned = async (id) => {
      const fits = this.packages.some((each) => each.id === id);
      this.said = fits ? "" : "This package is not for this stop.";
      if (fits && !this.draft.scanned.includes(id)) this.draft.scanned.push(id);
      this.set("ids", fits ? [...new Set([...this.draft.ids, id])] : this.draft.ids, true);
    };
    return h("fieldset", {},
      h("legend", {}, many ? "Which packages?" : "Package"),
      this.packages.map((each) => this.packageLine(each, many)),
      this.said && h("p", { class: "need bad", role: "status" }, this.said),
      h("details", {}, h("summary", {}, `Scan packages · ${this.draft.scanned.length} of ${this.packages.length}`), scanner(this.at.shift, scanned)));
  }

  packageLine(each, many) {
    const marks = [each.collect_cents && dollars(each.collect_cents), this.draft.scanned.includes(each.id) && "scanned"];
    const words = [each.name, ...marks].filter(Boolean).join(" · ");
    if (!many) return h("p", { class: "need" }, words);
    const onchange = (event) => {
      const others = this.draft.ids.filter((id) => id !== each.id);
      this.set("ids", event.target.checked ? [...others, each.id] : others, true);
    };
    return h("label", { class: "pick" }, h("input", { type: "checkbox", checked: this.draft.ids.includes(each.id), onchange }), words);
  }

  howField() {
    const one = (how, words) =>
      h("label", { class: "pick" }, h("input", { type: "radio", name: "how", value: how, checked: this.draft.how === how, onchange: () => this.set("how", how, true) }), words);
    return h("fieldset", { class: "stop" }, h("legend", {}, "How?"), one("to_person", "Handed to a person"), one("left_at_door", "Left at the door, with a photo"));
  }

  recipient(chosen) {
    const patient = chosen[0]?.name ?? "";
    const others = [...new Set(chosen.flatMap((each) => each.may_receive))];
    const pick = (name, relation) => button(name, () => { this.draft.name = name; this.set("relation", relation || this.draft.relation, true); });
    return h("div", { class: "stop" },
      this.text("name", "Who took it?", { maxlength: 200, autocapitalize: "words" }),
      h("div", { class: "chips" }, patient && pick(patient, "patient"), others.map((name) => pick(name, ""))),
      h("label", {}, "Who are they to the patient?", choice("relation", RELATIONS, this.draft.relation, (event) => this.set("relation", event.target.value))));
  }

  identification() {
    return h("div", { class: "stop" },
      h("p", { class: "need must" }, "Look at the ID, and compare the face"),
      h("label", {}, "Document", choice("document", DOCUMENTS, this.draft.document, (event) => this.set("document", event.target.value))),
      h("div", { class: "two" }, this.text("jurisdiction", "State", { maxlength: 64, placeholder: "FL", autocapitalize: "characters" }), this.text("number", "Number", { maxlength: 64, autocapitalize: "characters" })));
  }

  money(each) {
    const lines = this.draft.money[each.id];
    const title = this.chosen.length > 1 ? `Copay of ${each.name}` : "Copay";
    return moneyFields(title, each.collect_cents, lines, each.id, (again) => { this.keep(); if (again) this.draw(); });
  }

  cold(each) {
    this.draft.readings[each.id] ??= newReading();
    const title = this.chosen.length > 1 ? `Cold: ${each.name}` : "Cold";
    return readingFields(title, this.draft.readings[each.id], () => this.keep());
  }

  signature(chosen) {
    const must = chosen.some((each) => each.sign);
    const drawn = () => this.keep();
    return h("div", { class: "stop" },
      h("b", {}, must ? "Signature" : "Signature (if they sign)"),
      signField(this.draft.strokes, drawn),
      !must && h("label", {}, "No signature?", choice("unsigned", UNSIGNED, this.draft.unsigned, (event) => this.set("unsigned", event.target.value))));
  }

  text(name, words, more) {
    const oninput = (event) => this.set(name, event.target.value);
    return h("label", {}, words, h("input", { class: "field", name, value: this.draft[name], oninput, ...more }));
  }

  // What forbids to hand it over: [sentence, the reason it is not delivered for].
  forbidden() {
    const { chosen, at } = this;
    if (chosen.some((each) => isOver(each, at.session.now))) return ["It was packed too long ago: do not hand it over.", "temperature"];
    const warm = this.coldProblems().find(([, never]) => never);
    return warm ? [warm[0], "temperature"] : null;
  }

  coldProblems() {
    const cold = this.chosen.filter((each) => each.fridge);
    return cold.map((each) => readingProblem(this.draft.readings[each.id], this.at.shift.cold)).filter(Boolean);
  }

  problem() {
    const { draft, chosen } = this;
    if (!chosen.length) return "Choose at least one package.";
    if (this.coldProblems().length) return this.coldProblems()[0][0];
    if (draft.how === "left_at_door") return this.photo ? "" : "What is left at the door needs a photo.";
    if (!draft.name.trim()) return "Write who took it.";
    if (!draft.relation) return "Choose who they are to the patient.";
    const id = chosen.some((each) => each.check_id);
    if (id && !(draft.number.trim() && draft.jurisdiction.trim())) return "Write the state and the number of the ID. Without an ID it is not handed over.";
    const signed = isSignature(draft.strokes);
    if (chosen.some((each) => each.sign) && !signed) return "The signature is missing.";
    if (!signed && !draft.unsigned) return "Take a signature, or choose why there is none.";
    return chosen.filter((each) => each.collect_cents).map((each) => moneyProblem(draft.money[each.id], each.collect_cents)).find(Boolean) ?? "";
  }

  async submit(event) {
    event.preventDefault();
    const forbidden = this.forbidden();
    const problem = forbidden?.[0] ?? this.problem();
    this.wrong.hidden = !problem;
    this.wrong.replaceChildren(problem);
    if (forbidden) this.wrong.append(button("Could not deliver", () => this.at.go("fail", `${this.stop.id}/${forbidden[1]}`), { kind: "bad" }));
    if (problem) {
      this.wrong.scrollIntoView({ block: "center" });
      return;
    }
    const { act, go, session } = this.at;
    if (this.done) return;
    this.done = true;
    const found = await Promise.race([this.where, soon()]);
    await act("deliver", { ...this.words(), ...found }, "Delivered.", { photo: this.photo });
    await session.keepDraft(null);
    go();
  }

  words() {
    const { draft, chosen, photo } = this;
    const toPerson = draft.how === "to_person";
    const signed = toPerson && isSignature(draft.strokes);
    const identification = { kind: draft.document, jurisdiction: draft.jurisdiction.trim(), number: draft.number.trim() };
    const id = chosen.some((each) => each.check_id) ? { identification } : {};
    return {
      package_ids: chosen.map((each) => each.id),
      how: draft.how,
      recipient: toPerson ? { name: draft.name.trim(), relation: draft.relation, ...id } : null,
      signature: signed ? draft.strokes : null,
      no_signature: signed ? null : toPerson ? draft.unsigned : "Left at the door",
      readings: readingsOf(chosen, draft.readings),
      payments: Object.fromEntries(chosen.filter((each) => each.collect_cents).map((each) => [each.id, paymentsOf(draft.money[each.id])])),
      photo: Boolean(photo),
      no_photo: photo ? null : "Not taken",
      note: draft.note.trim() || null,
    };
  }
}

// A place that is not found by now is not waited for.
const soon = () => new Promise((done) => setTimeout(() => done({ no_place: "took too long" }), 60));
