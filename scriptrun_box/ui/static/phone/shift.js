// The shift as it stands: what the box said last, and what was done here since. Pure: no storage,
// no network, no page.

import { isOver } from "./cold.js";
import { dollars } from "./dom.js";

// What the box has not answered, and what it took after it told the shift, still counts here.
export function standing(told, acts, now) {
  if (!told) return null;
  const shift = structuredClone(told);
  for (const { words, answer } of acts) {
    if (!answer || answer.was === "taken") apply(shift, words);
    else if (answer.details?.length) applySome(shift, words, answer.details);
  }
  for (const each of Object.values(shift.packages)) if (isOver(each, now)) keepBack(each);
  return shift;
}

// What is no longer cold is not handed over, also where nobody can tell the phone.
function keepBack(each) {
  if (each.status === "out_for_delivery") each.recalled = true;
  if (each.status === "assigned") each.gate ??= "Packed too long ago: give it back";
}

// Of an act at a door that counted for some packages only, those.
function applySome(shift, words, details) {
  const stayed = new Set(details.map((each) => each.package_id));
  const rest = (words.package_ids ?? []).filter((id) => !stayed.has(id));
  if (["deliver", "fail"].includes(words.kind)) apply(shift, { ...words, package_ids: rest });
}

function apply(shift, words) {
  const packages = (words.package_ids ?? []).map((id) => shift.packages[id]).filter(Boolean);
  const route = shift.routes.find((each) => each.id === words.route_id);
  switch (words.kind) {
    case "shift_start":
      Object.assign(shift.driver, { on_shift: true, online: true });
      break;
    case "shift_end":
      Object.assign(shift.driver, { on_shift: false, online: false, ended: true });
      break;
    case "online":
    case "offline":
      shift.driver.online = words.kind === "online";
      break;
    case "load":
      for (const each of packages) each.in_car = !words.missing;
      break;
    case "start":
      if (!route) break;
      route.status = "started";
      for (const each of onRoute(shift, route)) if (each.status === "assigned") each.status = "out_for_delivery";
      break;
    case "deliver":
      for (const each of packages) each.status = "delivered";
      break;
    case "fail":
      for (const each of packages) each.status = "failed";
      break;
    case "finish":
      shift.routes = shift.routes.filter((each) => each !== route);
      break;
  }
}

export const onRoute = (shift, route) =>
  route.stops.flatMap((stop) => packagesOf(shift, stop));

export const packagesOf = (shift, stop) =>
  stop.package_ids.map((id) => shift.packages[id]).filter(Boolean);

// The route the driver is out with, else the next one.
export const currentRoute = (shift) => shift?.routes[0] ?? null;

// What is still to be done at a stop.
export const openAt = (shift, stop) =>
  packagesOf(shift, stop).filter((each) => each.status === "out_for_delivery" && !each.recalled);

export const isDone = (shift, stop) => openAt(shift, stop).length === 0;

export const nextStop = (shift, route) => route.stops.find((stop) => !isDone(shift, stop)) ?? null;

export const toBringBack = (shift, route) =>
  onRoute(shift, route).filter((each) => each.status === "failed" || each.recalled);

// What keeps a route here: [package, why] for each.
export function keptBack(shift, route) {
  const waiting = onRoute(shift, route).filter((each) => each.status === "assigned");
  return waiting
    .map((each) => [each, each.gate ?? (each.in_car ? null : missing(each))])
    .filter(([, why]) => why);
}

const missing = (each) => (each.in_car === false ? "Not there: ask the desk" : "Not in the car yet");

// What is needed at the door, in words; the first thing to do first.
export function needs(packages) {
  const found = [];
  const any = (test) => packages.some(test);
  if (any((each) => each.recalled)) found.push(["Do not deliver: bring it back", "bad"]);
  const open = packages.filter((each) => !each.recalled);
  const has = (test) => open.some(test);
  if (has((each) => each.check_id)) found.push(["Check ID, then signature", "must"]);
  else if (has((each) => each.sign)) found.push(["Signature", "must"]);
  if (has((each) => each.fridge)) found.push(["Keep cold: hand it over, to be put in the fridge now", "cold"]);
  const due = open.reduce((sum, each) => sum + (each.collect_cents ?? 0), 0);
  if (due) found.push([`Collect ${dollars(due)}`, ""]);
  if (has((each) => each.collect_cents === null)) found.push(["Copay not known: ask the desk", ""]);
  if (open.length && open.every((each) => each.leave_at_door)) found.push(["May be left at the door, with a photo", ""]);
  if (open.length && !found.length) found.push(["Hand it to somebody", ""]);
  return found;
}

// An address a phone's own map opens: by place where it is sure, else by its words.
export function mapLink(stop, agent) {
  const sure = stop.lat !== null && !stop.approximate;
  const words = encodeURIComponent(stop.address);
  const apple = /iPhone|iPad|Macintosh/.test(agent);
  if (apple) return `maps://?daddr=${sure ? `${stop.lat},${stop.lng}` : words}`;
  return `geo:${sure ? `${stop.lat},${stop.lng}` : "0,0"}?q=${words}`;
}
