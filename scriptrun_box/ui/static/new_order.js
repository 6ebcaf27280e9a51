// The counter's form: who fits while one types, warnings before saving, save and next by the keys.
// Without this file the same search and the same form are posted.

const TYPING_MS = 150;

const find = document.querySelector("[data-find]");
const order = document.querySelector("[data-order]");

find.querySelector("[data-apply]").hidden = true;
find.addEventListener("input", later(async () => {
  const q = find.q.value.trim();
  swap("found", await part(`/live/orders/found?${new URLSearchParams({ q })}`));
}));
find.addEventListener("submit", (event) => {
  const first = links()[0];
  if (!first) return; // the page is asked for, as without scripts
  event.preventDefault();
  location.assign(first.href);
});
find.addEventListener("keydown", (event) => {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!by || !links().length) return;
  event.preventDefault();
  const at = links().indexOf(document.activeElement) + by;
  (links()[Math.min(at, links().length - 1)] ?? find.q).focus();
});

order.addEventListener("input", later(async () => {
  swap("order-warnings", await part("/live/orders/warned", new URLSearchParams(new FormData(order))));
}));
order.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  order.requestSubmit(order.querySelector("[value=next]"));
});
order.addEventListener("submit", (event) => {
  if (order.dataset.sent) event.preventDefault(); // a second click says nothing new
  order.dataset.sent = "yes";
});
addEventListener("pageshow", () => delete order.dataset.sent);

if (document.getElementById("chosen")) order.rx_number.focus();

const links = () => [...find.querySelectorAll("#found a")];

/** The latest of several calls, once nothing more is typed. */
function later(act) {
  let waiting;
  return () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => act().catch(() => {}), TYPING_MS); // the box is away: saving will say so
  };
}

async function part(url, body) {
  const answer = await fetch(url, { method: body ? "POST" : "GET", body, headers: { Accept: "text/html" } });
  if (!answer.ok) throw new Error(answer.status);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

function swap(id, page) {
  document.getElementById(id).replaceWith(document.importNode(page.getElementById(id), true));
}
