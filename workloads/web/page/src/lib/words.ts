// Numbers and names as people read them.

const units = ['B', 'KB', 'MB', 'GB', 'TB'];

export function bytes(n: number): string {
  let u = 0;
  while (n >= 1000 && u < units.length - 1) {
    n /= 1000;
    u++;
  }
  return `${u === 0 || n >= 100 ? Math.round(n) : n.toFixed(1)} ${units[u]}`;
}

export function count(n: number, one: string, many = one + 's'): string {
  return `${n.toLocaleString('en')} ${n === 1 ? one : many}`;
}

export function ago(then: number, now = Date.now()): string {
  const s = Math.max(0, Math.round((now - then) / 1000));
  if (s < 10) return 'just now';
  if (s < 60) return `${s} seconds ago`;
  const m = Math.round(s / 60);
  if (m < 60) return `${count(m, 'minute')} ago`;
  return new Date(then).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
}

/** typeWord is a file's type in one word. */
export function typeWord(type: string, name: string): string {
  const dot = name.lastIndexOf('.');
  if (dot > 0 && name.length - dot <= 6) return name.slice(dot + 1).toUpperCase();
  return type.split('/')[1]?.toUpperCase() ?? 'FILE';
}
