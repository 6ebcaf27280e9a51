// What is on the phone: one database. But for the lock itself, everything in it is sealed.
//
// words     name → the lock, the phone's half, how often a PIN was wrong, and what is sealed:
//           the credential, the shift, what is typed right now
// acts      in the order they were done: id, from when on it may leave, its answer if there is one
// pictures  by the id of their act

const NAME = "driver";
const STORES = ["words", "acts", "pictures"];

let opened = null;

function database() {
  opened ??= new Promise((done, failed) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore("words");
      asked.result.createObjectStore("acts", { keyPath: "seq", autoIncrement: true });
      asked.result.createObjectStore("pictures", { keyPath: "act_id" });
    };
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => failed(asked.error);
  });
  return opened;
}

// One transaction; it is on the phone once this is over.
async function within(names, mode, work) {
  const db = await database();
  return new Promise((done, failed) => {
    const transaction = db.transaction(names, mode, { durability: "strict" });
    let result;
    transaction.oncomplete = () => done(result instanceof IDBRequest ? result.result : undefined);
    transaction.onabort = () => failed(transaction.error);
    result = work(...[names].flat().map((name) => transaction.objectStore(name)));
  });
}

export const word = (name) => within("words", "readonly", (words) => words.get(name));
export const keep = (name, value) => within("words", "readwrite", (words) => words.put(value, name));
export const forget = (name) => within("words", "readwrite", (words) => words.delete(name));

export const acts = () => within("acts", "readonly", (store) => store.getAll());
export const putAct = (act) => within("acts", "readwrite", (store) => store.put(act));
export const dropAct = (seq) => within("acts", "readwrite", (store) => store.delete(seq));

// An act and its picture come to be together.
export const addAct = (act, picture) =>
  within(["acts", "pictures"], "readwrite", (store, pictures) => {
    if (picture) pictures.put(picture);
    return store.add(act);
  });

export const takeBack = (act) =>
  within(["acts", "pictures"], "readwrite", (store, pictures) => {
    store.delete(act.seq);
    pictures.delete(act.id);
  });

export const pictureIds = () => within("pictures", "readonly", (store) => store.getAllKeys());
export const picture = (id) => within("pictures", "readonly", (store) => store.get(id));
export const dropPicture = (id) => within("pictures", "readwrite", (store) => store.delete(id));

// What a shift leaves: nothing. The lock and the credential stay for tomorrow.
export const forgetShift = () =>
  within(STORES, "readwrite", (words, store, pictures) => {
    for (const name of ["shift", "draft"]) words.delete(name);
    store.clear();
    pictures.clear();
  });

// All of it, the phone's half of the key first.
export const forgetEverything = () =>
  within(STORES, "readwrite", (words, store, pictures) => {
    words.clear();
    store.clear();
    pictures.clear();
  });
