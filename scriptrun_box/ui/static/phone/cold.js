// What travels cold: how long its bag still keeps it so, and what was read at the door.

import { choice, h } from "./dom.js";

const SOON_MS = 30 * 60_000;
const TICK_MS = 10_000;
const DEGREES_MAX = 90; // °C: beyond it a thermometer is broken
const INDICATORS = [["", "Choose"], ["unchanged", "Not changed"], ["changed", "Changed color"], ["none", "There is none"]];
const UNITS = [["F", "°F"], ["C", "°C"]];
export const PUT_IN_FRIDGE = "Hand it over and say: put it in the fridge now";

// Until when those of these packages are kept cold that are not handed over; null: nothing limits it.
export function coldUntil(packages) {
  const limits = packages.filter((each) => each.cold_until && each.status !== "delivered").map((each) => each.cold_until);
  return limits.length ? Math.min(...limits) : null;
}

export const isOver = (each, now) => Boolean(each.cold_until) && each.cold_until < now;

export function leftWords(until, now) {
  const minutes = Math.floor((until - now) / 60_000);
  if (until < now) return "No longer cold: bring it back";
  return minutes < 60 ? `Stays cold for ${minutes} min` : `Stays cold for ${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

// A line that counts down by itself; `paint` sets how urgent it is.
export function countdown(tag, until, session, kind = "") {
  const line = h(tag, { "data-cold-until": until });
  const paint = () => {
    const left = until - session.now;
    line.textContent = leftWords(until, session.now);
    line.className = `${kind} ${left < 0 ? "bad" : left < SOON_MS ? "must" : "cold"}`.trim();
  };
  paint();
  const ticking = setInterval(() => (line.isConnected ? paint() : clearInterval(ticking)), TICK_MS);
  return line;
}

export const newReading = () => ({ indicator: "", degrees: "", unit: "F" });

// What is typed of one package's temperature; `reading` is kept as it is typed.
export function readingFields(title, reading, changed) {
  const set = (name) => (event) => {
    reading[name] = event.target.value;
    changed();
  };
  return h("fieldset", { class: "stop", "data-reading": "" },
    h("legend", {}, title),
    h("p", { class: "need cold" }, PUT_IN_FRIDGE),
    h("label", {}, "Indicator in the bag", choice("indicator", INDICATORS, reading.indicator, set("indicator"))),
    h("div", { class: "two" },
      h("label", {}, "Temperature", h("input", { class: "field num", name: "degrees", inputmode: "decimal", maxlength: 7, value: reading.degrees, placeholder: "if there is one", oninput: set("degrees") })),
      h("label", {}, "Unit", choice("unit", UNITS, reading.unit, set("unit")))));
}

// °C to two decimals, as the box stores it; null where nothing was typed, NaN where it is no number.
export function celsius({ degrees, unit }) {
  if (!degrees.trim()) return null;
  const typed = /^-?\d{1,3}([.,]\d{1,2})?$/.test(degrees.trim()) ? Number(degrees.trim().replace(",", ".")) : NaN;
  return Math.round((unit === "C" ? typed : ((typed - 32) * 5) / 9) * 100) / 100;
}

// What is wrong with a reading: [sentence, whether the package must not be handed over].
export function readingProblem(reading, limits) {
  const degrees = celsius(reading);
  if (degrees !== null && !isUsable(degrees)) return ["Write the temperature like 41.5.", false];
  if (reading.indicator === "changed") return ["The indicator changed: do not hand it over. A pharmacist decides.", true];
  if (degrees !== null && (degrees < limits.low || degrees > limits.high)) return ["It is too warm or too cold: do not hand it over. A pharmacist decides.", true];
  if (degrees === null && !reading.indicator) return ["Look into the bag: choose how the indicator looks, or write the temperature.", false];
  return null;
}

// As the box takes it; null where nothing was read.
export function told(reading) {
  const degrees = celsius(reading);
  const indicator = ["changed", "unchanged"].includes(reading.indicator) ? reading.indicator : null;
  const shown = degrees !== null && isUsable(degrees) ? degrees : null;
  return shown !== null || indicator ? { celsius: shown, indicator } : null;
}

const isUsable = (degrees) => Math.abs(degrees) <= DEGREES_MAX;

// What was read of these packages, by package.
export const readingsOf = (packages, readings) =>
  Object.fromEntries(packages.map((each) => [each.id, readings?.[each.id] && told(readings[each.id])]).filter(([, shown]) => shown));
