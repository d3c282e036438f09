// Numbers, times and spans as people read them.

export function number(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Such as "1 row" or "1,000 expired rows". */
export function rows(count: number, kind = ''): string {
  return `${number(count)} ${kind}${count === 1 ? 'row' : 'rows'}`;
}

/** Such as "2026-11-25 16:51:58 UTC". */
export function time(instant: Date): string {
  return `${instant.toISOString().slice(0, -5).replace('T', ' ')} UTC`;
}

/** In seconds, each with the unit that its rest is told in. */
const UNITS = [
  { unit: 'd', seconds: 86_400 },
  { unit: 'h', seconds: 3_600 },
  { unit: 'min', seconds: 60 },
  { unit: 's', seconds: 1 },
] as const;

/** What was measured, such as "0.3 s", "12 s" or "2 min 5 s": as exact as it is worth. */
export function took(ms: number): string {
  return ms < 9_950 ? `${Math.max(0.1, Math.round(ms / 100) / 10)} s` : wholeSeconds(ms);
}

/** Such as "4 s" or "2 min 5 s". */
export function wholeSeconds(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const at = UNITS.findIndex((unit) => seconds >= unit.seconds);
  const [largest, next] = UNITS.slice(at);
  if (largest === undefined) return '0 s';
  const whole = `${Math.floor(seconds / largest.seconds)} ${largest.unit}`;
  const rest = next === undefined ? 0 : Math.floor((seconds % largest.seconds) / next.seconds);
  return rest === 0 ? whole : `${whole} ${rest} ${next?.unit}`;
}

/** What was set, such as "30 s", "2 h" or "90 min": exact, in the largest unit that it is a whole number of. */
export function span(ms: number): string {
  const found = UNITS.find(({ seconds }) => ms >= seconds * 1000 && ms % (seconds * 1000) === 0);
  return found === undefined ? `${ms / 1000} s` : `${ms / (found.seconds * 1000)} ${found.unit}`;
}

/** Begins a sentence. */
export function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Ends one, unless it has an end. */
export function ended(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}

/** A sentence as a detail, which neither begins large nor ends with a stop; several stay as they are. */
export function fragment(sentence: string): string {
  if (/\. /.test(sentence)) return sentence;
  // Not the names that have capitals within, or of which the first word is more than a word.
  return sentence.replace(/^[A-Z](?=[a-z]*[ ,:])/, (letter) => letter.toLowerCase()).replace(/\.$/, '');
}
