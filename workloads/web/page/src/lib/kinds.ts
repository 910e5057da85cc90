// What the page does with a file, by its type: the one list of what may be shown in the site's own origin.

/** Kind is how a file is shown. */
export type Kind = 'picture' | 'video' | 'audio' | 'pdf' | 'text' | 'other';

// Types that a browser shows without running anything that is in them. Not among them, and never to be: HTML, XHTML,
// SVG, XML.
const inline: Record<string, Kind> = {
  'image/png': 'picture',
  'image/jpeg': 'picture',
  'image/gif': 'picture',
  'image/webp': 'picture',
  'image/avif': 'picture',
  'image/bmp': 'picture',
  'video/mp4': 'video',
  'video/webm': 'video',
  'video/ogg': 'video',
  'video/x-matroska': 'video',
  'video/x-m4v': 'video',
  'video/quicktime': 'video',
  'audio/mpeg': 'audio',
  'audio/mp4': 'audio',
  'audio/x-m4a': 'audio',
  'audio/aac': 'audio',
  'audio/ogg': 'audio',
  'audio/webm': 'audio',
  'audio/flac': 'audio',
  'audio/x-flac': 'audio',
  'audio/wav': 'audio',
  'audio/x-wav': 'audio',
  'audio/vnd.wave': 'audio',
  'application/ogg': 'audio',
  'application/pdf': 'pdf'
};

const texts = new Set([
  'application/json', 'application/toml', 'application/yaml', 'application/x-yaml', 'application/x-subrip'
]);

export function kindOf(type: string): Kind {
  const t = type.toLowerCase().split(';')[0].trim();
  if (Object.hasOwn(inline, t)) return inline[t];
  if (t === 'text/html' || t === 'text/xml' || t === 'text/xsl') return 'other';
  if (t.startsWith('text/') || texts.has(t)) return 'text';
  return 'other';
}

/** servedAs is the type that the worker gives a file, and whether it may be shown: anything else can only be saved. */
export function servedAs(type: string): { type: string; inline: boolean } {
  const t = type.toLowerCase().split(';')[0].trim();
  const kind = kindOf(t);
  if (kind === 'other') return { type: 'application/octet-stream', inline: false };
  if (kind === 'text') return { type: 'text/plain; charset=utf-8', inline: true };
  if (t === 'video/x-matroska') return { type: 'video/webm', inline: true }; // as browsers that play it call it
  if (t === 'video/quicktime' || t === 'video/x-m4v') return { type: 'video/mp4', inline: true };
  return { type: t, inline: true };
}
