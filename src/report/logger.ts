// winston, and nothing else: which line goes to which stream, and that it is out before the process ends.

import winston from 'winston';
import { type OutputStream, write } from '../world.js';
import { formatLine, type Level, type LogRecord } from './record.js';

export interface Logger {
  log(record: LogRecord): void;
  /** Resolves when both streams have taken everything, or cannot take any more. */
  flush(): Promise<void>;
}

export interface LoggerOptions {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly level: Level;
  formatFor(stream: OutputStream): 'json' | 'text';
}

/** Success goes to stdout; failures, and what is only told at debug, to stderr. */
export function createLogger({ stdout, stderr, level, formatFor }: LoggerOptions): Logger {
  const isSuccess = (info: winston.Logform.TransformableInfo): boolean => info.exit_status === 0;
  const line = (stream: OutputStream) =>
    winston.format.printf((info) => formatLine(info as unknown as LogRecord, formatFor(stream)));
  const transport = (stream: OutputStream, takes: (info: winston.Logform.TransformableInfo) => boolean) =>
    new winston.transports.Stream({
      stream,
      format: winston.format.combine(winston.format((info) => (takes(info) ? info : false))(), line(stream)),
    });
  const logger = winston.createLogger({
    level,
    transports: [transport(stdout, isSuccess), transport(stderr, (info) => !isSuccess(info))],
  });
  return {
    log: (record) => {
      logger.log(record as winston.LogEntry);
    },
    flush: async () => {
      await Promise.all([write(stdout, ''), write(stderr, '')]);
    },
  };
}
