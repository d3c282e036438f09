// No credential leaves the program. What others said (a driver, a server, the system) may quote a known secret; our own
// words do not, and a mask in them would tell what the secret is. Works on single texts, before they are put into JSON.
// Imports nothing of ours.

const MASK = '***';

export type Redact = (text: string) => string;

/** For what others said: masks the given secrets, and the password of a URL. */
export function createRedactor(secrets: readonly string[]): Redact {
  // A message that quotes JSON has the secret in its escaped spelling.
  const spellings = secrets.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)]);
  const longestFirst = [...new Set(spellings)]
    .filter((spelling) => spelling !== '')
    .toSorted((a, b) => b.length - a.length);
  return (text) => {
    const known = longestFirst.reduce((masked, spelling) => masked.replaceAll(spelling, MASK), text);
    return maskUrls(known);
  };
}

/** For our own words, which may quote what was typed: masks the password in anything that looks like a URL. */
export function maskUrls(text: string): string {
  return text.replace(/\S+/g, maskUrlPassword);
}

/** Up to the last `@`, because a password that was not encoded may hold any of `/ # ? @ :`. */
function maskUrlPassword(word: string): string {
  const scheme = word.indexOf('://');
  if (scheme === -1) return word;
  const colon = word.indexOf(':', scheme + 3);
  const at = word.lastIndexOf('@');
  return colon === -1 || at < colon ? word : `${word.slice(0, colon + 1)}${MASK}${word.slice(at)}`;
}
