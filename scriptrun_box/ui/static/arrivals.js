// The arrivals page: asks for its list every second and shows it when something new came.

const EVERY_MS = 1000;
const list = document.getElementById("arrivals");
const live = document.getElementById("arrivals-live");
const newest = (root) => root.querySelector("[data-number]")?.dataset.number ?? "0";
let shown = newest(list);

async function look() {
  try {
    const answer = await fetch(list.dataset.from, { headers: { Accept: "text/html" } });
    if (!answer.ok || answer.redirected) throw new Error(answer.status);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (newest(fresh) !== shown) {
      const before = Number(shown);
      shown = newest(fresh);
      list.replaceChildren(...fresh.body.children);
      for (const item of list.querySelectorAll("[data-number]")) {
        if (Number(item.dataset.number) > before) item.classList.add("new");
      }
    }
    live.classList.remove("lost");
  } catch {
    live.classList.add("lost");
  }
}

setInterval(() => { if (!document.hidden) look(); }, EVERY_MS);
