// Out of the pharmacy and into the car: each package by its code or by hand, and what keeps a route.

import { button, h } from "./dom.js";
import { scanner } from "./scan.js";
import { currentRoute, keptBack, onRoute } from "./shift.js";

let said = null; // what the last scan found: [words, kind]

export function load(at) {
  const { session, shift, go, act, top } = at;
  const route = currentRoute(shift);
  if (!route || route.status !== "planned") return [top("Load the car", [""]), h("p", { class: "say" }, "There is nothing to load.")];
  const packages = onRoute(shift, route);
  const back = keptBack(shift, route);
  const mark = async (each, missing) => {
    said = [`${each.name}: ${missing ? "not there; the desk is told" : "in the car"}`, missing ? "bad" : ""];
    await act("load", { package_ids: [each.id], missing });
  };
  const scanned = async (id) => {
    const each = id && packages.find((one) => one.id === id);
    if (each) return mark(each, false);
    said = [id ? "This package is on another route: put it back." : "This code is on none of your packages: put it back.", "bad"];
    return session.changed();
  };
  const start = async () => {
    if (back.length) return;
    await act("start", { route_id: route.id });
    said = null;
    go();
  };
  const why = back.length
    ? h("p", { class: "need must", id: "kept" }, `${back.length} of ${packages.length} cannot leave yet`)
    : h("p", { class: "need", id: "kept" }, "Everything is in the car");
  return [
    top("Load the car", [""]),
    h("div", { class: "stop" }, why, said && h("p", { class: `need ${said[1]}`, role: "status", id: "scanned" }, said[0]), scanner(shift, scanned)),
    h("div", { class: "stop", id: "loading" }, packages.map((each) => row(each, mark))),
    h("div", { class: "acts one" },
      button("Start the route", start, { kind: "go", id: "start-route", "aria-disabled": back.length ? "true" : null })),
  ];
}

function row(each, mark) {
  const state = each.gate ?? (each.in_car ? "In the car" : each.in_car === false ? "Not there" : "");
  return h("div", { class: "row load", "data-package": each.id },
    h("span", { class: "grow" }, each.name, h("small", {}, each.address), state && h("small", { class: each.gate ? "bad" : "" }, state)),
    !each.in_car && h("div", { class: "two" },
      button("In the car", () => mark(each, false)),
      each.in_car === null && button("Not there", () => mark(each, true), { kind: "bad" })),
  );
}
