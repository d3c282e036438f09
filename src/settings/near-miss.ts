// Names that are close to a setting's and are none. A variable of such a name would be ignored: with
// SESSION_CLEANUP_DRYRUN=true a run would delete.
import { compact, nearestName } from '../nearest.js';
import { flagName, SETTING_NAMES, SETTINGS, type SettingName } from './settings.js';

// What Kubernetes sets in a pod for each service whose name begins so: session-cleanup, session-cleanup-db.
const OF_KUBERNETES =
  /^[A-Z0-9_]+_(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)$/;

// Words that people take for the setting's, where ignoring them could do harm.
const OTHER_WORDS: Readonly<Partial<Record<SettingName, string>>> = {
  dbUrl: 'url uri dsn db-dsn database-url database-uri',
  dbUrlFile: 'url-file database-url-file',
  expiresColumn: 'column expiry-column expiration-column expires-at expires-at-column',
  expiresFormat: 'expiry-format expiration-format column-format',
  timeZone: 'tz',
  olderThan: 'older age max-age min-age grace grace-period lifetime max-lifetime',
  where: 'condition filter',
  maxDelete: 'limit max-rows max-deleted delete-limit',
  dryRun: 'dry noop no-op simulate simulation preview',
  batchSize: 'batch chunk-size',
  maxLag: 'lag replica-lag max-replica-lag',
};

// Words that people put before or behind the setting's: TABLE_NAME, TIMEOUT_SECONDS, ENABLE_DRY_RUN.
const DECORATION =
  /^(?:enable|is|use|session|sessions)-|-(?:name|value|ms|s|secs?|seconds?|mins?|minutes?|rows?|mode|only|enabled|flag|clause)$/;

/** The setting that a flag or variable most likely means, by its name without dashes in front or the prefix. */
export function nearestSetting(name: string): SettingName | undefined {
  const words = name.toLowerCase().replaceAll('_', '-');
  return nearestUndecorated(words) ?? nearestUndecorated(words.replace(DECORATION, ''));
}

function nearestUndecorated(words: string): SettingName | undefined {
  const synonymous = SETTING_NAMES.find((name) =>
    OTHER_WORDS[name]?.split(' ').some((other) => compact(other) === compact(words)),
  );
  const nearest = nearestName(words, SETTING_NAMES.map(wordsOf));
  return synonymous ?? SETTING_NAMES.find((name) => wordsOf(name) === nearest);
}

function wordsOf(name: SettingName): string {
  return flagName(SETTINGS[name].flags).slice(2);
}

/** A problem for each variable that is set, is close to one of ours, and is none. Any other variable is left alone. */
export function misspeltVariables(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  const known = new Set(SETTING_NAMES.flatMap((name) => SETTINGS[name].variables));
  return Object.keys(env).flatMap((variable) => {
    if (env[variable] === undefined || env[variable] === '' || known.has(variable)) return [];
    const rest = restOf(variable);
    const setting = rest === undefined || OF_KUBERNETES.test(variable) ? undefined : nearestSetting(rest);
    return setting === undefined ? [] : [`${variable} is unknown; did you mean ${SETTINGS[setting].variables[0]}?`];
  });
}

/** What follows our prefix, however that is written; undefined for a name that does not have it, or cannot be shown. */
function restOf(variable: string): string | undefined {
  if (!/^[A-Za-z0-9_-]+$/.test(variable)) return undefined;
  return /^sessions?[-_]?clean[-_]?up[-_]?(.+)$/i.exec(variable)?.[1];
}
