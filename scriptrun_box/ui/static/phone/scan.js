// Codes: by the camera where the browser reads them, else typed or by a hand scanner.

import { hashOfCode } from "./crypto.js";
import { button, h } from "./dom.js";

const OURS = /^SRB:P:([0-9A-F]{32})$/; // the box's own label names its package
const EVERY_MS = 250;

// The id of the package with this code; null where none of the driver's has it.
export async function packageOf(shift, code) {
  const own = OURS.exec(code.trim().toUpperCase());
  if (own) return own[1].toLowerCase() in shift.packages ? own[1].toLowerCase() : null;
  const hash = await hashOfCode(shift.scan_key, code);
  return Object.values(shift.packages).find((each) => each.scans.includes(hash))?.id ?? null;
}

export function scanner(shift, found) {
  const typed = h("input", { class: "field", id: "code", autocomplete: "off", autocapitalize: "characters", placeholder: "Code on the package", "aria-label": "Code on the package" });
  const onsubmit = async (event) => {
    event.preventDefault();
    const code = typed.value.trim();
    typed.value = "";
    if (code) await found(await packageOf(shift, code));
  };
  const form = h("form", { class: "two", onsubmit, autocomplete: "off" }, typed, h("button", { class: "btn", id: "check-code" }, "Check"));
  if (!("BarcodeDetector" in globalThis)) return form;
  const camera = h("div", { class: "stack tight" });
  const open = button("Scan with the camera", () => look(camera, open, shift, found), { id: "scan" });
  camera.append(open);
  return [camera, form];
}

async function look(camera, open, shift, found) {
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch {
    camera.replaceChildren(h("p", { class: "quiet" }, "The camera is not allowed: type the code."));
    return;
  }
  const video = h("video", { class: "finder", autoplay: true, playsinline: true, muted: true });
  video.srcObject = stream;
  const close = () => {
    clearInterval(looking);
    for (const track of stream.getTracks()) track.stop();
    camera.replaceChildren(open);
  };
  const detector = new globalThis.BarcodeDetector();
  let busy = false;
  const looking = setInterval(async () => {
    if (!video.isConnected) return close();
    if (busy || video.readyState < 2) return null;
    busy = true;
    try {
      const [code] = await detector.detect(video);
      if (!code) return null;
      close();
      navigator.vibrate?.(60);
      return await found(await packageOf(shift, code.rawValue));
    } finally {
      busy = false;
    }
  }, EVERY_MS);
  camera.replaceChildren(video, button("Close the camera", close));
}
