// What is kept is sealed with AES-GCM under a key that only the PIN and this very phone open.
//
// The key is random. It lies wrapped twice: under a key made of the PIN (PBKDF2), and that under
// the phone's half, which the browser never hands out. A copy of the data without this browser
// opens for no PIN; this browser without the PIN has to guess, at so many rounds a guess.

export const PIN_ROUNDS = 600_000; // PBKDF2 with SHA-256
const SALT_BYTES = 16;
const IV_BYTES = 12;
const AES = { name: "AES-GCM", length: 256 };
const EASY = ["012345678901234", "987654321098765", "147258", "258369", "159357", "121212"];

export function weakPin(pin) {
  if (!/^[0-9]{6}$/.test(pin)) return "A PIN has six digits.";
  const different = new Set(pin).size;
  const halves = pin.slice(0, 3) === pin.slice(3) || pin.slice(0, 2).repeat(3) === pin;
  const year = /^(19|20)\d{2}/.test(pin) || /(19|20)\d{2}$/.test(pin);
  if (different < 3 || halves || EASY.some((run) => run.includes(pin))) {
    return "This PIN is too easy to guess; mix the digits.";
  }
  return year ? "A PIN should hold no year; mix the digits." : "";
}

const random = (count) => crypto.getRandomValues(new Uint8Array(count));

export const newDeviceHalf = () => crypto.subtle.generateKey(AES, false, ["encrypt", "decrypt"]);

// A new lock around a new key: { lock, key }.
export async function makeLock(pin, deviceHalf) {
  const raw = random(32);
  const lock = { salt: random(SALT_BYTES), rounds: PIN_ROUNDS };
  const inner = await sealBytes(await pinKey(pin, lock), raw);
  lock.wrapped = await sealBytes(deviceHalf, joined(inner));
  return { lock, key: await dataKey(raw) };
}

// The key behind a lock; null for the wrong PIN.
export async function openLock(pin, lock, deviceHalf) {
  const inner = await openBytes(deviceHalf, lock.wrapped);
  if (inner === null) return null;
  const sealed = { iv: inner.slice(0, IV_BYTES), data: inner.slice(IV_BYTES) };
  const raw = await openBytes(await pinKey(pin, lock), sealed);
  return raw === null ? null : dataKey(new Uint8Array(raw));
}

export const seal = (key, value) =>
  sealBytes(key, new TextEncoder().encode(JSON.stringify(value)));

export async function open(key, sealed) {
  const bytes = await openBytes(key, sealed);
  return bytes === null ? null : JSON.parse(new TextDecoder().decode(bytes));
}

export async function sealBytes(key, bytes) {
  const iv = random(IV_BYTES);
  return { iv, data: await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, bytes) };
}

export async function openBytes(key, { iv, data }) {
  try {
    return await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, data);
  } catch {
    return null; // another key, or bytes that somebody changed
  }
}

const HASH_CHARS = 4;

// A barcode as the shift names it: the first of its HMAC-SHA256 under the shift's own key, in hex.
export async function hashOfCode(keyHex, code) {
  const raw = Uint8Array.from(keyHex.match(/../g), (byte) => parseInt(byte, 16));
  const wish = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", raw, wish, false, ["sign"]);
  const made = await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(code.trim()));
  const hex = Array.from(new Uint8Array(made), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.slice(0, HASH_CHARS);
}

// 256 random bits as a header can carry them.
export function newPageHalf() {
  const text = String.fromCharCode(...random(32));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

async function pinKey(pin, { salt, rounds }) {
  const given = new TextEncoder().encode(pin);
  const typed = await crypto.subtle.importKey("raw", given, "PBKDF2", false, ["deriveKey"]);
  const wish = { name: "PBKDF2", hash: "SHA-256", salt, iterations: rounds };
  return crypto.subtle.deriveKey(wish, typed, AES, false, ["encrypt", "decrypt"]);
}

const dataKey = (raw) => crypto.subtle.importKey("raw", raw, AES, false, ["encrypt", "decrypt"]);

function joined({ iv, data }) {
  const made = new Uint8Array(iv.length + data.byteLength);
  made.set(iv);
  made.set(new Uint8Array(data), iv.length);
  return made;
}
