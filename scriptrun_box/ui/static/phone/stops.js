// The shift: what is next, one stop at a time, and the list of all of them.

import { coldUntil, countdown } from "./cold.js";
import { button, clockTime, h } from "./dom.js";
import { currentRoute, isDone, keptBack, mapLink, needs, nextStop, onRoute, openAt, packagesOf, toBringBack } from "./shift.js";

export function home(at) {
  const { session, shift } = at;
  if (session.over) return over(at);
  if (!shift) return page(at, "Driver", h("p", { class: "say" }, "Fetching your shift. The first time this needs the pharmacy's Wi-Fi."));
  if (session.ending()) return ending(at);
  if (!shift.driver.on_shift) return beforeShift(at);
  const route = currentRoute(shift);
  if (!route) {
    return page(at, shift.driver.name, h("p", { class: "say" }, "No route yet. It appears here once the desk has planned one."), h("div", { class: "acts" }, button("End shift", () => at.go("me")), button("Look again", () => session.refresh(), { kind: "go" })));
  }
  if (route.status === "planned") return beforeRoute(at, route);
  const next = nextStop(shift, route);
  return next ? stop({ ...at, about: next.id }) : allDone(at, route);
}

const page = (at, title, ...inside) => [at.top(title), ...notices(at), ...inside];

function notices({ session }) {
  const words = session.clockWords;
  return words ? [h("p", { class: "stop need bad", role: "alert" }, words)] : [];
}

function over({ session, go, top }) {
  const again = () => {
    session.over = false;
    session.refresh();
    go();
  };
  return [
    top("Shift ended"),
    h("p", { class: "stop" }, "The box has everything. Nothing is left on this phone."),
    h("div", { class: "acts one" }, button("Next shift", again)),
  ];
}

function ending({ session, top }) {
  const waiting = session.outbox.waiting;
  return [
    top("Ending the shift"),
    h("p", { class: "stop" }, `${waiting} still to send. Keep the app open until the box has everything.`),
  ];
}

function beforeShift(at) {
  const start = async () => {
    await at.act("shift_start");
    at.go();
  };
  return page(at, at.shift.driver.name, h("p", { class: "say" }, "You are not on shift."), h("div", { class: "acts one" }, button("Start shift", start, { kind: "go", id: "start-shift" })));
}

function beforeRoute(at, route) {
  const packages = onRoute(at.shift, route);
  const back = keptBack(at.shift, route);
  const pharmacy = at.shift.pharmacies[route.pharmacy_id];
  return page(
    at,
    "Next route",
    h("div", { class: "stop" },
      h("p", { class: "who" }, `${route.stops.length} stops, ${packages.length} packages`),
      h("p", { class: "where" }, `from ${pharmacy?.name ?? "the pharmacy"}`),
      h("p", { class: back.length ? "need must" : "need" }, back.length ? `${back.length} of ${packages.length} are not in the car yet` : "Everything is in the car"),
    ),
    h("div", { class: "acts one" }, button("Load the car", () => at.go("load"), { kind: "go", id: "to-load" })),
  );
}

function allDone(at, route) {
  const back = toBringBack(at.shift, route);
  const finish = async () => {
    await at.act("finish", { route_id: route.id }, "Route finished.");
    at.go();
  };
  return page(
    at,
    "All stops done",
    h("div", { class: "stop" },
      h("p", { class: "who" }, back.length ? "Bring back to the pharmacy" : "Nothing to bring back"),
      back.map((each) => h("div", { class: "need" }, each.name, h("small", {}, each.address), each.cold_until && countdown("small", each.cold_until, at.session))),
    ),
    h("div", { class: "acts" }, button("List", () => at.go("list")), button("Finish the route", finish, { kind: "go", id: "finish" })),
  );
}

export function stop(at) {
  const { shift, about, go, top } = at;
  const route = currentRoute(shift);
  const stop = route?.stops.find((each) => each.id === about);
  if (!stop) return [top("Stop", [""]), h("p", { class: "say" }, "This stop is no longer yours.")];
  const number = route.stops.indexOf(stop) + 1;
  const packages = packagesOf(shift, stop);
  const open = openAt(shift, stop);
  const title = `Stop ${number} of ${route.stops.length}`;
  const under = route.status === "started";
  return [
    top(title, at.name === undefined && about ? ["list"] : null),
    ...notices(at),
    whereabouts(shift, route, stop, packages),
    whatIsNeeded(at.session, packages, open),
    under && open.length
      ? h("div", { class: "acts" },
          button("Could not deliver", () => go("fail", stop.id), { kind: "bad", id: "to-fail" }),
          button("Deliver", () => go("deliver", stop.id), { kind: "go", id: "to-deliver" }))
      : h("div", { class: "acts one" }, button("List of stops", () => go("list"))),
  ];
}

function whereabouts(shift, route, stop, packages) {
  const names = [...new Set(packages.map((each) => each.name))];
  const phone = packages.find((each) => each.phone)?.phone;
  const zone = shift.pharmacies[route.pharmacy_id]?.time_zone;
  const said = [...new Set(packages.flatMap((each) => [each.instructions, each.notes]).filter(Boolean))];
  const due = stop.deliver_by && `by ${clockTime(stop.deliver_by, zone)}`;
  const after = stop.deliver_after && `after ${clockTime(stop.deliver_after, zone)}`;
  return h("div", { class: "stop" },
    h("p", { class: "who" }, names.join(", ")),
    h("p", { class: "where" }, stop.address),
    (due || after) && h("p", { class: "need must" }, [after, due].filter(Boolean).join(", ")),
    said.map((each) => h("p", { class: "quiet" }, each)),
    h("div", { class: "two" },
      h("a", { class: "btn", href: mapLink(stop, navigator.userAgent), id: "navigate" }, "Navigate"),
      phone ? h("a", { class: "btn", href: `tel:${phone}`, id: "call" }, "Call") : h("span", { class: "btn", "aria-disabled": "true" }, "No phone")),
  );
}

const STATE_WORDS = { delivered: "Delivered", failed: "Not delivered: bring it back", assigned: "Not out yet" };

function whatIsNeeded(session, packages, open) {
  const title = packages.length === 1 ? "1 package" : `${packages.length} packages`;
  const urgent = packages.some((each) => each.priority === "stat");
  const over = packages.filter((each) => !open.includes(each) && !each.recalled);
  const until = coldUntil(packages);
  return h("div", { class: "stop" },
    h("b", {}, title, urgent && [" ", h("span", { class: "tag stat" }, "STAT")]),
    h("div", { class: "needs" }, needs(packages.filter((each) => open.includes(each) || each.recalled || each.status === "assigned")).map(([words, kind]) => h("p", { class: `need ${kind}` }, words))),
    until !== null && countdown("p", until, session, "need"),
    over.map((each) => h("p", { class: "quiet" }, `${each.name}: ${STATE_WORDS[each.status] ?? "over"}`)),
  );
}

export function list(at) {
  const { shift, top } = at;
  const route = currentRoute(shift);
  if (!route) return [top("Stops", [""]), h("p", { class: "say" }, "No route yet.")];
  const zone = shift.pharmacies[route.pharmacy_id]?.time_zone;
  const done = route.stops.filter((each) => route.status === "started" && isDone(shift, each)).length;
  return [
    top(`${done} of ${route.stops.length} done`, [""]),
    h("nav", { class: "stop", "aria-label": "Stops" }, route.stops.map((each, number) => row(at.session, route, each, number, zone))),
  ];
}

function row(session, route, stop, number, zone) {
  const { shift } = session;
  const packages = packagesOf(shift, stop);
  const done = route.status === "started" && isDone(shift, stop);
  const names = [...new Set(packages.map((each) => each.name))].join(", ");
  const failed = packages.some((each) => each.status === "failed");
  const until = coldUntil(packages);
  const ends = done ? (failed ? "not delivered" : "done") : stop.arrives_at ? clockTime(stop.arrives_at, zone) : "";
  return h("a", { class: `row${done ? " done" : ""}`, href: `#stop/${stop.id}` },
    h("span", { class: "number" }, number + 1),
    h("span", { class: "grow" }, names, h("small", {}, stop.address), needs(packages).length > 0 && !done && h("small", {}, needs(packages).map(([words]) => words).join(" · ")), until !== null && countdown("small", until, session)),
    h("span", { class: "quiet num" }, ends),
  );
}
