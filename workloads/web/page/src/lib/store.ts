// The browser's IndexedDB, which page and worker share: the key pair of this browser, and nothing secret beside it.

const name = 'natster';
const table = 'kv';

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const r = indexedDB.open(name, 1);
    r.onupgradeneeded = () => r.result.createObjectStore(table);
    r.onsuccess = () => resolve(r.result);
    r.onerror = () => reject(r.error);
  });
}

async function run<T>(mode: IDBTransactionMode, f: (s: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const db = await open();
  try {
    return await new Promise<T>((resolve, reject) => {
      const t = db.transaction(table, mode);
      const r = f(t.objectStore(table));
      t.oncomplete = () => resolve(r.result);
      t.onabort = () => reject(t.error ?? r.error);
      t.onerror = () => reject(t.error ?? r.error);
    });
  } finally {
    db.close();
  }
}

export const get = <T>(key: string): Promise<T | undefined> => run('readonly', (s) => s.get(key));
export const put = (key: string, value: unknown): Promise<IDBValidKey> => run('readwrite', (s) => s.put(value, key));
export const drop = (key: string): Promise<undefined> => run('readwrite', (s) => s.delete(key));

/** putNew stores value unless the key is there, and returns what is there then: callers that race get the same. */
export async function putNew<T>(key: string, value: T): Promise<T> {
  try {
    await run('readwrite', (s) => s.add(value, key));
  } catch {
    // another caller was faster
  }
  return (await get<T>(key)) ?? value;
}
