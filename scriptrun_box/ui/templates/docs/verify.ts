import { createHmac, timingSafeEqual } from "node:crypto";

const LATEST_SECONDS = 300;

// body: the raw bytes or text as they arrived, before any JSON parser has touched them.
export function isFromScriptRun(
  body: string | Uint8Array,
  header: string,
  secret: string,
  now: number = Date.now() / 1000,
): boolean {
  const parts: string[][] = header.split(",").map((part: string) => part.split("="));
  const sentAt: string = parts.find(([name]: string[]) => name === "t")?.[1] ?? "";
  if (!/^[0-9]+$/.test(sentAt) || Math.abs(now - Number(sentAt)) > LATEST_SECONDS) return false;
  const wanted: Buffer = createHmac("sha256", secret).update(`${sentAt}.`).update(body).digest();
  return parts.some(([name, hex]: string[]) => {
    const given: Buffer = Buffer.from(name === "v1" ? hex : "", "hex");
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  });
}
