// winston, and nothing else: which line goes to which stream, and that it is out before the process ends.

import type { Writable } from 'node:stream';
import winston from 'winston';
import { formatLine, type Level, type LogRecord } from './report.js';

export interface Logger {
  log(record: LogRecord): void;
  /** Resolves when both streams have taken everything, or cannot take any more. */
  flush(): Promise<void>;
}

export interface LoggerOptions {
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly level: Level;
  readonly format: 'json' | 'text';
}

/** Success goes to stdout; failures, and what is only told at debug, to stderr. */
export function createLogger({ stdout, stderr, level, format }: LoggerOptions): Logger {
  const isSuccess = (info: winston.Logform.TransformableInfo): boolean => info.exit_status === 0;
  const line = winston.format.printf((info) => formatLine(info as unknown as LogRecord, format));
  const transport = (stream: Writable, takes: (info: winston.Logform.TransformableInfo) => boolean) =>
    new winston.transports.Stream({
      stream,
      format: winston.format.combine(winston.format((info) => (takes(info) ? info : false))(), line),
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
      await Promise.all([flushStream(stdout), flushStream(stderr)]);
    },
  };
}

/** A reader that is gone is no reason to fail: the status says what happened. */
export function flushStream(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    stream.on('error', () => resolve());
    stream.write('', () => resolve());
  });
}
