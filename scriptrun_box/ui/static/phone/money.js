// The copay at the door: paid in one go or split, each part with what proves it.

import { button, cents, choice, dollars, h } from "./dom.js";

const METHODS = [["cash", "Cash"], ["check", "Check"], ["card", "Card"], ["card_on_file", "Card on file"], ["hsa_fsa", "HSA or FSA card"], ["house_charge", "House charge"], ["prepaid", "Prepaid"], ["waived", "Waived"], ["not_collected", "Not collected"]];
const PROOF = {
  check: [["check_number", "Check number"]],
  card: [["card_last_four", "Last four digits"], ["authorization", "Authorization"]],
  card_on_file: [["card_last_four", "Last four digits"]],
  hsa_fsa: [["card_last_four", "Last four digits"], ["authorization", "Authorization"]],
  waived: [["approved_by", "Who allowed it"], ["reason", "Why"]],
  not_collected: [["reason", "Why"]],
};

const plain = (amount) => dollars(amount).slice(1);

export const newLine = (amount) => ({ method: "cash", amount: plain(amount) });

const sum = (lines) => lines.reduce((all, line) => all + (cents(line.amount) ?? 0), 0);

export function moneyFields(title, due, lines, id, changed) {
  const split = () => {
    lines.push(newLine(Math.max(0, due - sum(lines))));
    changed(true);
  };
  return h("fieldset", { class: "stop", "data-copay": id },
    h("legend", {}, `${title}: collect ${dollars(due)}`),
    lines.map((line, number) => oneLine(line, number, lines, changed)),
    lines.length < 5 && button("Split the payment", split));
}

function oneLine(line, number, lines, changed) {
  const set = (name, again) => (event) => {
    line[name] = event.target.value;
    changed(again);
  };
  const remove = () => {
    lines.splice(number, 1);
    changed(true);
  };
  const field = ([name, words]) =>
    h("label", {}, words, h("input", { class: "field", name, value: line[name] ?? "", maxlength: name === "card_last_four" ? 4 : 64, inputmode: name === "card_last_four" ? "numeric" : null, oninput: set(name, false) }));
  return h("div", { class: "stack tight" },
    h("div", { class: "two" },
      h("label", {}, "How", choice("method", METHODS, line.method, set("method", true))),
      h("label", {}, "Amount in $", h("input", { class: "field num", name: "amount", inputmode: "decimal", value: line.amount, oninput: set("amount", false) }))),
    (PROOF[line.method] ?? []).map(field),
    lines.length > 1 && button("Take this part away", remove, { kind: "plain" }));
}

// What is wrong with what was typed; empty where it adds up.
export function moneyProblem(lines, due) {
  for (const line of lines) {
    if (cents(line.amount) === null) return "Write the amount like 12.50.";
    const lacking = (PROOF[line.method] ?? []).find(([name]) => !line[name]?.trim());
    if (lacking) return `The payment lacks: ${lacking[1]}.`;
    if (line.card_last_four && PROOF[line.method]?.[0][0] === "card_last_four" && !/^\d{4}$/.test(line.card_last_four)) return "The card's last four digits are four digits.";
  }
  const all = sum(lines);
  return all === due ? "" : `The payments add up to ${dollars(all)}, and ${dollars(due)} is due. What is not paid: Not collected, and why.`;
}

export function paymentsOf(lines) {
  return lines.map((line) => {
    const proof = (PROOF[line.method] ?? []).map(([name]) => [name, line[name].trim()]);
    return { method: line.method, cents: cents(line.amount), ...Object.fromEntries(proof) };
  });
}
