// A photo by the phone's own camera, made small before it is kept.

import { h } from "./dom.js";

const EDGE = 1_280; // pixels of the longer side
const QUALITY = 0.7;

// An element to take a photo with; `taken` gets the small one.
export function photoField(taken, words = "Take a photo") {
  const shown = h("span", {});
  const input = h("input", { type: "file", accept: "image/*", capture: "environment", class: "away", id: "photo" });
  const label = h("label", { class: "btn", for: "photo" }, words);
  input.addEventListener("change", async () => {
    const [file] = input.files;
    if (!file) return;
    try {
      const small = await shrink(file);
      taken(small);
      shown.replaceChildren(h("img", { class: "shot", alt: "The photo", src: URL.createObjectURL(small) }));
      label.textContent = "Take it again";
    } catch {
      shown.replaceChildren(h("p", { class: "note bad", role: "alert" }, "This is no photo; take it again."));
    }
  });
  return h("div", { class: "stack tight" }, input, label, shown);
}

async function shrink(file) {
  const picture = await createImageBitmap(file);
  const scale = Math.min(1, EDGE / Math.max(picture.width, picture.height));
  const canvas = h("canvas", { width: Math.round(picture.width * scale), height: Math.round(picture.height * scale) });
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  return new Promise((done, failed) => {
    canvas.toBlob((made) => (made ? done(made) : failed(new Error("no picture"))), "image/jpeg", QUALITY);
  });
}
