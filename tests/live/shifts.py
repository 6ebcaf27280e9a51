"""A driver's day as a box knows it: the orders, the route, how they ended; what a phone keeps."""

import random
from typing import Any

from .handheld import LanNameBox
from .server import batch

ON_THE_PHONE = """async () => {
  const db = await new Promise((done, failed) => {
    const asked = indexedDB.open("driver");
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => failed(asked.error);
  });
  const text = (value) => {
    if (value instanceof ArrayBuffer) return new TextDecoder().decode(value);
    if (ArrayBuffer.isView(value)) return new TextDecoder().decode(value);
    if (value instanceof CryptoKey) return value.extractable ? "extractable" : "";
    if (value && typeof value === "object") return Object.values(value).map(text).join(" ");
    return String(value);
  };
  const found = {};
  for (const name of db.objectStoreNames) {
    const store = db.transaction(name).objectStore(name);
    const [keys, values] = await Promise.all(
      [store.getAllKeys(), store.getAll()].map((asked) => new Promise((done) => {
        asked.onsuccess = () => done(asked.result);
      })),
    );
    found[name] = { keys: keys.map(String), text: values.map(text).join(" ") };
  }
  db.close();
  return found;
}"""


def route_of(box: tuple[LanNameBox, str], *orders: dict[str, Any]) -> tuple[str, str, list[str]]:
    """(driver, route, packages): each order for a door of its own."""
    number = random.randrange(10_000, 99_999)
    named = [
        {
            "patient_name": f"Zzcanary Person {number}-{at}",
            "patient_address": f"{number + at} Oak St, Miami, FL 33125",
            "rx_number": f"RX-ZZCANARY{number}{at}",
            "barcode": f"ZZB{number}{at}",
            "copay_amount": None,
            **order,
        }
        for at, order in enumerate(orders)
    ]
    body = {"orders": [{k: v for k, v in each.items() if v is not None} for each in
                       batch(*named)["orders"]]}  # fmt: skip
    with box[0].client(box[1]) as api:
        ids = api.post("/api/webhook/orders", json=body).json()["package_ids"]
        wish = {"name": "Luis Ortega", "capabilities": ["cold_chain", "controlled"]}
        driver_id = api.post("/api/drivers", json=wish).json()["id"]
        made = api.post("/api/routes", json={"driver_id": driver_id, "package_ids": ids})
        assert made.status_code == 201, made.text
        return driver_id, made.json()["id"], ids


def statuses(box: tuple[LanNameBox, str], package_ids: list[str]) -> list[str]:
    with box[0].client(box[1]) as api:
        return [api.get(f"/api/packages/{each}").json()["status"] for each in package_ids]


def events(box: tuple[LanNameBox, str]) -> list[dict[str, Any]]:
    with box[0].client(box[1]) as api:
        found: list[dict[str, Any]] = []
        after = 0
        while page := api.get(f"/api/events?after={after}").json():
            if not page["data"]:
                return found
            found += page["data"]
            after = page["next_after"]
        return found
