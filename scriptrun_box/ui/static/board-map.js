// The map beside the board: a dot leads to its card, a card to its dot; the owner's tiles where set.

const LATER_MS = 1000; // after something moved: many moves, one drawing

const holder = document.querySelector(".map");
const board = document.querySelector(".board");
let waiting = 0, tiles = null, layer = null;

if (holder) {
  holder.addEventListener("click", (event) => {
    const id = event.target.closest(".dot")?.dataset.id;
    if (id) lead(id);
  });
  document.addEventListener("focusin", (event) => show(event.target.closest?.(".parcel")?.dataset.key));
  document.addEventListener("box:moved", () => {
    clearTimeout(waiting);
    waiting = setTimeout(refresh, LATER_MS);
  });
  document.addEventListener("box:shown", () => tiles && draw());
  if (holder.dataset.tiles && window.L) begin();
}

async function refresh() {
  try {
    const answer = await fetch("/live/board-map" + board.dataset.query, { headers: { Accept: "text/html" } });
    if (answer.ok && !answer.redirected) document.dispatchEvent(new CustomEvent("box:show", { detail: await answer.text() }));
  } catch { /* the next change tries again */ }
}

function lead(id) {
  const link = document.querySelector(`.parcel[data-key="${id}"] .row-link`);
  link?.scrollIntoView({ block: "center", inline: "center" });
  link?.focus({ preventScroll: true });
}

function show(id) {
  for (const dot of holder.querySelectorAll(".dot.at")) dot.classList.remove("at");
  if (id) holder.querySelector(`.dot[data-id="${id}"]`)?.classList.add("at");
}

// tiles -----------------------------------------------------------------------------------------------

function begin() {
  const place = document.createElement("div");
  place.className = "tiles";
  holder.prepend(place);
  tiles = L.map(place, { attributionControl: Boolean(holder.dataset.attribution) });
  const words = document.createElement("span");
  words.textContent = holder.dataset.attribution; // text, never markup
  L.tileLayer(holder.dataset.tiles, { attribution: words.innerHTML, maxZoom: 19 }).addTo(tiles);
  layer = L.layerGroup().addTo(tiles);
  const points = draw();
  if (points.length) tiles.fitBounds(points, { padding: [20, 20], maxZoom: 15 });
  else tiles.setView([39.5, -98.35], 4);
}

/** Every dot of the drawing, which stays in the page unseen, on the tiles. */
function draw() {
  layer.clearLayers();
  const points = [];
  for (const dot of holder.querySelectorAll("#map [data-lat]")) {
    const at = [Number(dot.dataset.lat), Number(dot.dataset.lng)];
    const colour = getComputedStyle(dot).getPropertyValue("--own").trim() || "#14202b";
    const hollow = dot.matches(".hollow");
    const made = L.circleMarker(at, { radius: 7, weight: 2, color: colour, fillColor: hollow ? "#fff" : colour, fillOpacity: 0.9 });
    const name = document.createElement("span");
    name.textContent = [dot.dataset.number && `${dot.dataset.number}.`, dot.querySelector("title").textContent].filter(Boolean).join(" ");
    made.bindTooltip(name);
    if (dot.dataset.id) made.on("click", () => lead(dot.dataset.id));
    made.addTo(layer);
    points.push(at);
  }
  return points;
}
