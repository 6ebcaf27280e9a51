// Acts on their way: each is on the phone before anything else happens, waits ten seconds in which
// it can be taken back, and is then told until the box has answered. Pictures follow the acts.

import * as box from "./box.js";
import { open, openBytes, seal, sealBytes } from "./crypto.js";
import { newId } from "./dom.js";
import * as kept from "./kept.js";

export const UNDO_MS = 10_000;
const BATCH_CHARS = 400_000; // of one request, below the box's 1 MiB
const BATCH_ACTS = 100;
const PAUSES_MS = [1_000, 2_000, 5_000, 10_000, 20_000, 40_000, 60_000];

export class Outbox {
  // `session` has the key and the credential while the app is open; `changed` is told of news.
  constructor(session, changed) {
    this.session = session;
    this.changed = changed;
    this.acts = []; // with their words, oldest first
    this.pictures = new Set();
    this.reachable = true;
    this.failures = 0;
    this.timer = null;
    this.sending = null;
  }

  async load() {
    this.acts = [];
    for (const row of await kept.acts()) {
      const words = await open(this.session.key, row.sealed);
      if (words) this.acts.push({ ...row, words });
    }
    this.pictures = new Set(await kept.pictureIds());
    this.schedule(0);
  }

  close() {
    clearTimeout(this.timer);
    this.acts = [];
    this.pictures = new Set();
  }

  get waiting() {
    return this.acts.filter((act) => !act.answer).length + this.pictures.size;
  }

  // What did not count, and nobody has looked at.
  get odd() {
    return this.acts.filter((act) => act.answer && act.answer.was !== "taken");
  }

  // Keep an act; it is safe when this is over. `held` gives the driver time to take it back.
  async add(kind, fields = {}, { held = false, photo = null } = {}) {
    const words = { id: newId(), kind, at: Date.now(), ...fields };
    const row = { id: words.id, done_at: words.at, ready_at: held ? words.at + UNDO_MS : 0 };
    row.sealed = await seal(this.session.key, words);
    const picture = photo && {
      act_id: words.id,
      sealed: await sealBytes(this.session.key, await photo.arrayBuffer()),
    };
    row.seq = await kept.addAct(row, picture);
    this.acts.push({ ...row, words });
    if (picture) this.pictures.add(words.id);
    this.changed();
    this.schedule(held ? UNDO_MS + 50 : 0);
    return words.id;
  }

  // The last place counts: an earlier one that was not told yet is not worth telling.
  async replace(kind, fields) {
    for (const act of this.acts.filter((each) => each.words.kind === kind && !each.answer)) {
      await this.drop(act);
    }
    return this.add(kind, fields);
  }

  async undo(id) {
    const act = this.acts.find((each) => each.id === id);
    if (!act || act.answer || act.sent || ready(act)) return false;
    await kept.takeBack(act);
    this.acts = this.acts.filter((each) => each !== act);
    this.pictures.delete(id);
    this.changed();
    return true;
  }

  // The driver has read what did not count.
  async seen() {
    for (const act of this.odd) await this.drop(act);
    this.changed();
  }

  // A shift that was asked for at that moment shows what had been counted before.
  async settle(moment) {
    const done = this.acts.filter(
      (act) => act.answer?.was === "taken" && !this.pictures.has(act.id) && (act.known_at ?? 0) < moment,
    );
    for (const act of done) await this.drop(act);
  }

  async drop(act) {
    await kept.dropAct(act.seq);
    this.acts = this.acts.filter((each) => each !== act);
  }

  schedule(ms) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(), ms);
  }

  // Tell what waits; whoever asks meanwhile waits for the same round.
  send() {
    this.sending ??= this.round().finally(() => {
      this.sending = null;
    });
    return this.sending;
  }

  async round() {
    if (!this.session.key || this.waiting === 0) return;
    const session = this.session.credential;
    try {
      let told = false;
      for (let batch = this.batch(); batch.length; batch = this.batch()) {
        if (!(await this.tell(batch))) break;
        told = true;
      }
      await this.sendPictures();
      this.failures = 0;
      this.reachable = true;
      if (told) await this.session.refresh?.();
    } catch (error) {
      if (this.session.credential !== session) return; // locked meanwhile
      this.reachable = !(error instanceof box.Unreachable);
      if (await this.session.refused?.(error)) return;
      this.failures += 1;
      this.retryAfter = error.retryAfter ?? 0;
    }
    this.changed();
    if (this.waiting > 0 && this.session.key) this.schedule(this.pause());
  }

  // The first acts that may leave, in their order; one that is held holds those behind it.
  batch() {
    const found = [];
    let chars = 0;
    for (const act of this.acts.filter((each) => !each.answer)) {
      chars += JSON.stringify(act.words).length;
      if (!ready(act) || found.length === BATCH_ACTS || (found.length && chars > BATCH_CHARS)) break;
      found.push(act);
    }
    return found;
  }

  // Whether anything was answered for good.
  async tell(batch) {
    for (const act of batch) act.sent = true;
    const { now, results } = await box.tell(this.session.credential, batch.map((act) => act.words));
    this.session.clock?.(now);
    let moved = false;
    for (const answer of results) {
      const act = batch.find((each) => each.id === answer.id);
      if (!act || answer.code === "internal") continue; // it waits, and is told again
      moved = true;
      act.answer = answer;
      act.known_at = performance.now();
      if (answer.was === "taken" && act.words.kind === "position") await this.drop(act);
      else await kept.putAct({ ...bare(act), answer: plain(answer) });
    }
    this.changed();
    return moved;
  }

  async sendPictures() {
    for (const id of this.pictures) {
      const act = this.acts.find((each) => each.id === id);
      if (act && !act.answer) continue; // its act goes first
      const key = this.session.key;
      if (!key) return; // locked meanwhile: they wait
      const row = await kept.picture(id);
      const bytes = row && (await openBytes(key, row.sealed));
      if (row && bytes === null) continue; // never drop what cannot be read right now
      if (bytes) {
        try {
          await box.putPhoto(this.session.credential, id, bytes);
        } catch (error) {
          // What is no picture, or what no act waits for, never will be; all else is tried again.
          if (![400, 404, 413, 415].includes(error.status)) throw error;
          if (this.session.key !== key) return;
        }
      }
      await kept.dropPicture(id);
      this.pictures.delete(id);
      this.changed();
    }
  }

  pause() {
    const held = this.acts.find((act) => !act.answer && !ready(act));
    if (held && this.failures === 0) return Math.max(50, held.ready_at - Date.now() + 50);
    const pause = PAUSES_MS[Math.min(this.failures, PAUSES_MS.length - 1)];
    return Math.max(pause * (0.75 + Math.random() / 2), (this.retryAfter ?? 0) * 1_000);
  }
}

// A clock that was set back must not hold an act for longer than ten seconds from now.
function ready(act) {
  const left = act.ready_at - Date.now();
  if (left > UNDO_MS) act.ready_at = 0;
  return act.ready_at <= Date.now();
}

const bare = ({ seq, id, done_at, ready_at, sealed }) => ({ seq, id, done_at, ready_at, sealed });
const plain = ({ outcome, was, code, sentence, details }) => ({ outcome, was, code, sentence, details });
