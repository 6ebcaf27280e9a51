// A page that looks at itself: whether this phone can do what the app needs.

import { Refused, here } from "./box.js";
import { byId, h } from "./dom.js";

const CLOCK_MS = 2 * 60_000;

const line = (fine, words) => h("li", { class: fine === null ? "dull" : fine ? "ok" : "bad" }, h("span", {}, words));

function secure() {
  return globalThis.isSecureContext
    ? [true, "The connection is trusted."]
    : [false, "The connection is not trusted: install the certificate below, then open this page again."];
}

async function worker() {
  if (!navigator.serviceWorker) return [false, "This browser cannot keep the app for offline use. Use Safari or Chrome, not private."];
  try {
    await navigator.serviceWorker.register("/phone/sw.js", { scope: "/phone" });
    return [true, "The app opens without a network."];
  } catch {
    return [false, "The app cannot be kept for offline use: the certificate is not trusted yet."];
  }
}

async function storage() {
  if (!globalThis.crypto?.subtle || !globalThis.indexedDB) return [false, "Nothing can be kept encrypted here."];
  const { quota = 0, usage = 0 } = (await navigator.storage?.estimate?.()) ?? {};
  const free = Math.round((quota - usage) / 1_000_000);
  if (quota && free < 100) return [false, `Only ${free} MB are free: make room for photos.`];
  return [true, "There is room to keep a shift, encrypted."];
}

async function camera() {
  const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  if (!devices.some((each) => each.kind === "videoinput")) return [null, "No camera was found: codes are typed, photos left out."];
  const scans = "BarcodeDetector" in globalThis;
  return [true, scans ? "The camera takes photos and reads codes." : "The camera takes photos; codes are typed in this browser."];
}

async function reach() {
  const asked = Date.now();
  let now = null;
  try {
    now = (await here()).now;
  } catch (error) {
    if (!(error instanceof Refused)) return [[false, "The box cannot be reached: are you in the pharmacy's Wi-Fi?"]];
    if (error.code === "phone_revoked") return [[false, "The box is reached, and says that this phone was shut out."]];
    return [[true, "The box is reached."], [null, "This phone is not added yet: the desk shows a code for it."]];
  }
  const off = Math.round((Date.now() + asked) / 2 - now);
  const minutes = Math.round(Math.abs(off) / 60_000);
  const right = Math.abs(off) < CLOCK_MS;
  return [
    [true, "The box is reached, and knows this phone."],
    [right, right ? "The clock is right." : `The clock is ${minutes} min ${off > 0 ? "ahead" : "behind"}: set it to automatic.`],
  ];
}

async function check() {
  const list = byId("checks");
  list.replaceChildren(line(null, "Checking…"));
  const found = [secure(), await worker(), await storage(), await camera(), ...(await reach())];
  list.replaceChildren(...found.map(([fine, words]) => line(fine, words)));
}

byId("again").addEventListener("click", check);
check();
