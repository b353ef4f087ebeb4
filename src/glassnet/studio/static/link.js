// A link that holds a run: settings and events as JSON in base64url after "#s=".

export function decodeLink(hash) {
  const found = /^#s=([\w-]+)=*$/.exec(hash);
  if (!found) return null;
  try {
    const raw = atob(found[1].replaceAll("-", "+").replaceAll("_", "/"));
    const { settings, events } = JSON.parse(new TextDecoder().decode(Uint8Array.from(raw, (c) => c.charCodeAt(0))));
    return events === undefined ? { settings } : { settings, events };
  } catch {
    return null; // cut off by a mail program, say: the page then starts as usual
  }
}

export function encodeLink(content) {
  const bytes = new TextEncoder().encode(JSON.stringify(content));
  let raw = "";
  for (const byte of bytes) raw += String.fromCharCode(byte);
  return "#s=" + btoa(raw).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
