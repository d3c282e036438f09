// A plain description of a command line, for what is made from it: help, completions and the manual page. Reads no settings.

export interface FlagDescription {
  /** As commander has it: `-n, --dry-run`, `--timeout <duration>`. A value named `<path>` is a path. */
  readonly flags: string;
  readonly help: string;
  /** For the documentation, in Markdown: what the help has no room for. */
  readonly detail?: string;
  /** The heading of the help that it stands under. */
  readonly group?: string;
  /** All values that the flag takes, where they can be counted. */
  readonly choices?: readonly string[];
  readonly default?: string;
  readonly variables?: readonly string[];
}

export interface CommandDescription {
  readonly name: string;
  readonly help: string;
  readonly examples: readonly string[];
  /** What it takes besides flags, as `shell`, what that may be, and all that it may be. */
  readonly argument?: { readonly name: string; readonly help: string; readonly choices: readonly string[] };
  readonly flags: readonly FlagDescription[];
  /** What is to be known of all the flags together. */
  readonly note?: string;
}

export interface CommandLine {
  readonly name: string;
  readonly help: string;
  readonly examples: readonly string[];
  /** Those without a command, such as `-V, --version`. */
  readonly flags: readonly FlagDescription[];
  readonly commands: readonly CommandDescription[];
}

/** The spellings of a flag, `-n` and `--dry-run`, and the name of its value, `duration`. */
export function parseFlags(flags: string): { readonly names: readonly string[]; readonly value: string | undefined } {
  return { names: flags.match(/(?<![^ ,])--?[\w-]+/g) ?? [], value: /<([^>]+)>/.exec(flags)?.[1] };
}

/** Every spelling of every flag. */
export function spellings(flags: readonly FlagDescription[]): readonly string[] {
  return flags.flatMap((flag) => parseFlags(flag.flags).names);
}
