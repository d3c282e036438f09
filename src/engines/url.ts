// What the URLs of all engines have in common. No problem here repeats any part of a URL.
// Read by rules of our own: WHATWG URL moves a raw / ? # of a password into other parts without a word, and its
// error carries the input.

export const UNREADABLE =
  'cannot be read as a URL: special characters in the user name or password must be percent-encoded ' +
  '(# / ? @ : % as %23 %2F %3F %40 %3A %25)';

/** Undefined where an escape is malformed or not UTF-8. */
export function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

export function escaped(text: string): string {
  return text.replace(/[\s#%&?@]/g, encodeURIComponent);
}

export function splitOnce(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}
