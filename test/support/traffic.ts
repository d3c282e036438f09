// What a run sends to a server, from the login to the QUIT, and what its loss at each of these means.
import { runCommand } from './command.js';
import { successLine } from './lines.js';
import { COMMITTING, type Pattern, QUIT, type ServerProxy } from './proxy.js';

/** `look`: for a live session, when all is committed. */
export type Phase = 'login' | 'probe' | 'work' | 'commit' | 'look' | 'quit';

export interface Sent {
  /** How many have gone before. */
  readonly at: number;
  /** For a person to know it by. */
  readonly text: string;
  readonly phase: Phase;
}

/** Everything that a run with the arguments sends through the proxy. */
export async function recordTraffic(proxy: ServerProxy, args: readonly string[]): Promise<readonly Sent[]> {
  const all: Sent[] = [];
  void proxy.when(
    {
      test(packet) {
        all.push({ at: all.length, text: readable(packet), phase: phaseOf(packet, all.length) });
        return false;
      },
    },
    'before',
    () => {},
  );
  successLine(await runCommand(args));
  return all;
}

/** Matches what is sent after so much else; then `phase` tells what that was, for a slow run may send more than others. */
export function nth(at: number): Pattern & { phase(): Phase } {
  let passed = 0;
  let phase: Phase | undefined;
  return {
    test(packet) {
      if (passed === at) phase = phaseOf(packet, at);
      return passed++ === at;
    },
    phase() {
      if (phase === undefined) throw new Error(`nothing was sent after ${at} others`);
      return phase;
    },
  };
}

function readable(packet: string): string {
  return packet.slice(5).replace(/[^ -~]/g, '.');
}

function phaseOf(packet: string, at: number): Phase {
  // PostgreSQL's answers to what it asks for a password.
  if (at === 0 || packet.startsWith('p\0')) return 'login';
  if (packet.includes('select version() as version')) return 'probe';
  if (QUIT.test(packet)) return 'quit';
  if (COMMITTING.test(packet)) return 'commit';
  if (/ AS value FROM .* LIMIT 1(?!\d)/s.test(packet)) return 'look';
  return 'work';
}
