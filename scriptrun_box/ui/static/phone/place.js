// Where the phone is: asked for at the door, and told now and then on shift; only the last one is kept.

const EVERY_MS = 2 * 60_000;
const PATIENCE_MS = 10_000;
const FRESH_MS = 60_000;
const WHY = { 1: "not allowed", 2: "not available", 3: "took too long" };

// { place } or { no_place }: a delivery never waits for longer than this.
export function whereNow() {
  return new Promise((done) => {
    if (!navigator.geolocation) {
      done({ no_place: WHY[2] });
      return;
    }
    const found = ({ coords }) =>
      done({ place: { lat: coords.latitude, lng: coords.longitude, accuracy_m: coords.accuracy } });
    const failed = ({ code }) => done({ no_place: WHY[code] ?? WHY[2] });
    const wish = { enableHighAccuracy: true, timeout: PATIENCE_MS, maximumAge: FRESH_MS };
    navigator.geolocation.getCurrentPosition(found, failed, wish);
  });
}

export function watchPlace(session) {
  setInterval(async () => {
    if (!session.isOpen || !session.shift?.driver.on_shift || document.visibilityState !== "visible") return;
    const { place } = await whereNow();
    if (place && session.isOpen) await session.outbox.replace("position", { place });
  }, EVERY_MS);
}
