import { createHmac, timingSafeEqual } from "node:crypto";

const LATEST_SECONDS = 300;

// body: the raw bytes or text as they arrived, before any JSON parser has touched them.
export function isFromScriptRun(body, header, secret, now = Date.now() / 1000) {
  const parts = header.split(",").map((part) => part.split("="));
  const sentAt = parts.find(([name]) => name === "t")?.[1] ?? "";
  if (!(Math.abs(now - Number(sentAt)) <= LATEST_SECONDS)) return false;
  const wanted = createHmac("sha256", secret).update(`${sentAt}.`).update(body).digest();
  return parts.some(([name, hex]) => {
    const given = Buffer.from(name === "v1" ? hex : "", "hex");
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  });
}
