// Talking to the box. Every answer is one of: it came, the box refused, or nobody answered.

export class Refused extends Error {
  constructor(status, body, retryAfter) {
    super(body.error ?? "The box could not take this.");
    this.status = status;
    this.code = body.code ?? "";
    this.retryAfter = retryAfter;
  }
}

export class Unreachable extends Error {}

const PATIENCE_MS = 20_000;
const PICTURE_PATIENCE_MS = 120_000;

async function ask(path, { key, ...wish }, patience = PATIENCE_MS) {
  const headers = { Accept: "application/json", ...wish.headers };
  if (key) headers["X-Phone-Key"] = key;
  let answer;
  let body;
  try {
    const signal = AbortSignal.timeout(patience);
    answer = await fetch(path, { ...wish, headers, signal, cache: "no-store", credentials: "same-origin" });
    body = await answer.json();
  } catch {
    throw new Unreachable("The box cannot be reached right now.");
  }
  if (!answer.ok) {
    throw new Refused(answer.status, body, Number(answer.headers.get("Retry-After")) || 0);
  }
  return body;
}

const JSON_HEADERS = { "Content-Type": "application/json" };

export const join = (path, key) =>
  ask(path, { method: "POST", body: new URLSearchParams({ key }) });

export const here = () => ask("/phone/here", { method: "POST" });

export const shift = (key) => ask("/phone/shift", { key });

export const tell = (key, acts) =>
  ask("/phone/acts", {
    key,
    method: "POST",
    headers: JSON_HEADERS,
    body: JSON.stringify({ sent_at: Date.now(), acts }),
  });

export const putPhoto = (key, actId, bytes) =>
  ask(
    `/phone/pictures/${actId}/photo`,
    { key, method: "PUT", headers: { "Content-Type": "image/jpeg" }, body: bytes },
    PICTURE_PATIENCE_MS,
  );
