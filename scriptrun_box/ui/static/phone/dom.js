// Elements from plain values: text is always text, never markup.

export function h(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "value") made.value = value;
    else if (name === "checked") made.checked = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat(3).filter((each) => each !== null && each !== undefined && each !== false));
  return made;
}

export const byId = (id) => document.getElementById(id);

export function button(words, onclick, more = {}) {
  const { kind = "", ...attributes } = more;
  return h("button", { type: "button", class: `btn ${kind}`.trim(), onclick, ...attributes }, words);
}

export function choice(name, options, chosen, onchange) {
  const list = options.map(([value, words]) =>
    h("option", { value, selected: value === chosen }, words),
  );
  return h("select", { class: "field", name, onchange }, ...list);
}

export const dollars = (cents) => `$${Math.trunc(cents / 100)}.${String(cents % 100).padStart(2, "0")}`;

// What people type as an amount, in cents; null where it is none.
export function cents(text) {
  const found = /^\s*\$?\s*(\d{1,5})(?:[.,](\d{1,2}))?\s*$/.exec(text);
  return found ? Number(found[1]) * 100 + Number((found[2] ?? "").padEnd(2, "0")) : null;
}

export function clockTime(ms, zone) {
  const wish = { hour: "numeric", minute: "2-digit", timeZone: zone };
  return new Intl.DateTimeFormat("en-US", wish).format(ms);
}

export const newId = () => {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
};
