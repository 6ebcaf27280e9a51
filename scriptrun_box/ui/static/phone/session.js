// Who is at the phone: locked or open, the shift as last told, and what happens when the phone is lost.

import * as box from "./box.js";
import { makeLock, newDeviceHalf, open, openLock, seal } from "./crypto.js";
import * as kept from "./kept.js";
import { Outbox } from "./outbox.js";
import { standing } from "./shift.js";

export const IDLE_MS = 5 * 60_000;
const REFRESH_MS = 60_000;
const FREE_TRIES = 5; // wrong PINs, before one has to wait
const FIRST_WAIT_MS = 10_000; // doubles with each
const LONGEST_WAIT_MS = 5 * 60_000;
const CLOCK_TOLD_MS = 2 * 60_000;

export class Session {
  constructor(changed) {
    this.changed = changed;
    this.key = null;
    this.credential = "";
    this.told = null; // the shift, as the box told it
    this.draft = null;
    this.aheadMs = 0;
    this.notice = "";
    this.over = false; // the shift was accepted, and nothing is left of it
    this.outbox = new Outbox(this, () => this.news());
    this.touched = Date.now();
    setInterval(() => this.beat(), 5_000);
  }

  get isOpen() {
    return this.key !== null;
  }

  // The shift as it stands right now.
  get shift() {
    return standing(this.told, this.outbox.acts, this.now);
  }

  // By the box's clock, as far as it is known.
  get now() {
    return Date.now() - this.aheadMs;
  }

  touch() {
    this.touched = Date.now();
  }

  // A phone that is added: everything of before is gone.
  static async begin(pin, credential) {
    await kept.forgetEverything();
    const device = await newDeviceHalf();
    const { lock, key } = await makeLock(pin, device);
    await kept.keep("device", device);
    await kept.keep("lock", lock);
    await kept.keep("credential", await seal(key, credential));
  }

  // Milliseconds until a PIN may be tried.
  async waitForPin() {
    const tries = (await kept.word("tries")) ?? { count: 0, until: 0 };
    return Math.min(Math.max(0, tries.until - Date.now()), LONGEST_WAIT_MS);
  }

  // Whether it was the PIN.
  async unlock(pin) {
    const [device, lock] = [await kept.word("device"), await kept.word("lock")];
    const tries = (await kept.word("tries")) ?? { count: 0, until: 0 };
    // Until it is found right: closing the app does not take a wrong try back.
    const count = tries.count + 1;
    const wait = count < FREE_TRIES ? 0 : Math.min(2 ** (count - FREE_TRIES) * FIRST_WAIT_MS, LONGEST_WAIT_MS);
    await kept.keep("tries", { count, until: Date.now() + wait });
    const key = await openLock(pin, lock, device);
    if (key === null) return false;
    await kept.forget("tries");
    this.key = key;
    const draft = await kept.word("draft");
    this.draft = draft ? await open(key, draft) : null;
    this.credential = await open(key, await kept.word("credential"));
    const sealed = await kept.word("shift");
    this.told = sealed ? await open(key, sealed) : null;
    this.aheadMs = this.told?.ahead_ms ?? this.aheadMs;
    this.touch();
    await this.outbox.load();
    this.refresh();
    return true;
  }

  // What is typed at a door outlives the camera app, a call, and the lock.
  async keepDraft(draft) {
    if (!this.isOpen) return;
    this.draft = draft;
    if (draft) await kept.keep("draft", await seal(this.key, draft));
    else await kept.forget("draft");
  }

  lock() {
    if (!this.isOpen) return;
    this.key = null;
    this.draft = null;
    this.credential = "";
    this.told = null;
    this.outbox.close();
    this.changed();
  }

  // Fetch the shift; what the box says there replaces what was here.
  async refresh() {
    const credential = this.credential;
    if (!credential || this.over) return;
    const moment = performance.now();
    try {
      const told = await box.shift(credential);
      if (this.credential !== credential) return; // locked meanwhile
      this.clock(told.now);
      this.outbox.reachable = true;
      if (this.over) return;
      if (this.ending()) {
        await this.news();
        return;
      }
      this.told = { ...told, ahead_ms: this.aheadMs };
      await kept.keep("shift", await seal(this.key, this.told));
      await this.outbox.settle(moment);
    } catch (error) {
      if (await this.refused(error)) return;
      this.outbox.reachable = !(error instanceof box.Unreachable);
    }
    this.refreshedAt = Date.now();
    this.changed();
  }

  // Whether the driver has ended the shift, and what is left is only to be sent.
  ending() {
    const ended = this.outbox.acts.filter((act) => act.words.kind === "shift_end").at(-1);
    const began = this.outbox.acts.filter((act) => act.words.kind === "shift_start").at(-1);
    return Boolean(ended && !(began && began.seq > ended.seq) && (!ended.answer || ended.answer.was === "taken"));
  }

  async news() {
    const accepted = this.outbox.acts.some(
      (act) => act.words.kind === "shift_end" && act.answer?.was === "taken",
    );
    if (accepted && this.ending() && this.outbox.waiting === 0 && this.outbox.odd.length === 0) {
      this.outbox.acts = [];
      this.told = null;
      this.over = true;
      await kept.forgetShift();
    }
    this.changed();
  }

  clock(now) {
    this.aheadMs = Date.now() - now;
  }

  get clockWords() {
    const minutes = Math.round(Math.abs(this.aheadMs) / 60_000);
    if (Math.abs(this.aheadMs) < CLOCK_TOLD_MS) return "";
    return `This phone's clock is ${minutes} min ${this.aheadMs > 0 ? "ahead" : "behind"}: set it to automatic.`;
  }

  // A lost phone wipes itself; whether that happened.
  async refused(error) {
    if (error?.code === "phone_revoked") {
      this.lock();
      await kept.forgetEverything();
      const workers = await navigator.serviceWorker?.getRegistrations?.();
      for (const worker of workers ?? []) await worker.unregister();
      for (const name of await caches.keys()) await caches.delete(name);
      this.wiped = true;
      this.changed();
      return true;
    }
    if (error instanceof box.Refused) this.notice = error.message;
    return false;
  }

  // Every few seconds: lock what nobody touches, and ask whether there is news.
  async beat() {
    if (this.wiped) return;
    if (this.isOpen && Date.now() - this.touched > IDLE_MS) this.lock();
    if (document.visibilityState !== "visible" || Date.now() - (this.refreshedAt ?? 0) < REFRESH_MS) return;
    this.refreshedAt = Date.now();
    if (this.isOpen) {
      await this.refresh();
      return;
    }
    if (!(await kept.word("lock"))) return;
    try {
      await box.here();
    } catch (error) {
      await this.refused(error);
    }
  }
}
