// The one door: every report goes out here, in its form, to its stream, or not at all. winston, and nothing else.
import winston from 'winston';
import { type OutputStream, write } from '../world.js';
import type { Report } from './facts.js';
import { renderLine } from './line.js';
import { createRecord, type Level, levelOf } from './record.js';
import type { Redact } from './redact.js';
import { renderText } from './text.js';

export interface Logger {
  tell(report: Report): void;
  /** Resolves when both streams have taken everything, or cannot take any more. */
  flush(): Promise<void>;
}

export interface LoggerOptions {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly level: Level;
  /** `auto`: text at a terminal, JSON otherwise. */
  readonly format: 'auto' | 'json' | 'text';
  readonly redact: Redact;
}

/** Of a terminal that does not tell its width. */
const COLUMNS = 80;

/** Success goes to stdout; failures, and what is only told at debug, to stderr. */
export function createLogger({ stdout, stderr, env, level, format, redact }: LoggerOptions): Logger {
  const isSuccess = ({ report }: winston.Logform.TransformableInfo): boolean => succeeded(report as Report);
  const render = (report: Report, stream: OutputStream): string => {
    const isText = format === 'auto' ? stream.isTTY === true : format === 'text';
    if (!isText) return renderLine(createRecord(report, redact));
    return renderText(report, redact, { columns: stream.columns || COLUMNS, colour: takesColour(stream, env) });
  };
  const transport = (stream: OutputStream, takes: (info: winston.Logform.TransformableInfo) => boolean) =>
    new winston.transports.Stream({
      stream,
      format: winston.format.combine(
        winston.format((info) => (takes(info) ? info : false))(),
        winston.format.printf(({ report }) => render(report as Report, stream)),
      ),
    });
  const logger = winston.createLogger({
    level,
    transports: [transport(stdout, isSuccess), transport(stderr, (info) => !isSuccess(info))],
  });
  return {
    tell(report) {
      logger.log({ level: levelOf(report), message: '', report });
    },
    async flush() {
      await Promise.all([write(stdout, ''), write(stderr, '')]);
    },
  };
}

function succeeded(report: Report): boolean {
  if (report.kind === 'event') return false;
  return report.kind === 'schedule' || report.ending.exitStatus === 0;
}

function takesColour(stream: OutputStream, { NO_COLOR = '', TERM }: LoggerOptions['env']): boolean {
  return stream.isTTY === true && NO_COLOR === '' && TERM !== 'dumb';
}
