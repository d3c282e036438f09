// What a parser of a setting gives. Imports nothing of ours.

/** `problem` completes a sentence begun with the setting's name, such as "must be a path". It never repeats the raw text. */
export type Parsed<T> = { readonly value: T } | { readonly problem: string };

export type Parser<T> = (raw: string) => Parsed<T>;
