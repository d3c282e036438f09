// Certificates for the tests of TLS, made here: not every machine has a program for it.
import { createSign, generateKeyPairSync, type KeyObject } from 'node:crypto';

export interface Certificate {
  /** PEM. */
  readonly certificate: string;
  /** PEM. */
  readonly key: string;
}

export interface Authority extends Certificate {
  issue(options: IssueOptions): Certificate;
}

export interface IssueOptions {
  readonly name: string;
  /** Of hosts, or IPv4 addresses, that it is good for. */
  readonly hosts: readonly string[];
  /** A day ago; tomorrow unless told otherwise. */
  readonly isExpired?: boolean;
}

const DAY_MS = 86_400_000;
const COMMON_NAME = Buffer.from('0603550403', 'hex');
const BASIC_CONSTRAINTS = Buffer.from('0603551d13', 'hex');
const ALTERNATIVE_NAMES = Buffer.from('0603551d11', 'hex');
const ECDSA_WITH_SHA256 = Buffer.from('300a06082a8648ce3d040302', 'hex');
const TRUE = Buffer.from('0101ff', 'hex');

export function createAuthority(name: string): Authority {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const isAuthority = sequence(BASIC_CONSTRAINTS, TRUE, octets(sequence(TRUE)));
  const own = sign(name, privateKey, { name, publicKey, extension: isAuthority, lastsMs: DAY_MS });
  return {
    certificate: own,
    key: pemOf(privateKey),
    issue({ name: subject, hosts, isExpired = false }) {
      const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const extension = sequence(ALTERNATIVE_NAMES, octets(sequence(...hosts.map(hostName))));
      const lastsMs = isExpired ? -DAY_MS : DAY_MS;
      const certificate = sign(name, privateKey, { name: subject, publicKey: pair.publicKey, extension, lastsMs });
      return { certificate, key: pemOf(pair.privateKey) };
    },
  };
}

interface Subject {
  readonly name: string;
  readonly publicKey: KeyObject;
  readonly extension: Buffer;
  /** From now; it has begun two days ago. */
  readonly lastsMs: number;
}

/** RFC 5280, as far as it is needed here. */
function sign(issuer: string, key: KeyObject, { name, publicKey, extension, lastsMs }: Subject): string {
  const now = Date.now();
  const content = sequence(
    der(0xa0, Buffer.from('020102', 'hex')),
    der(0x02, Buffer.from([1, ...Buffer.from(String(Math.floor(Math.random() * 1e9)))])),
    ECDSA_WITH_SHA256,
    nameOf(issuer),
    sequence(timeOf(now - 2 * DAY_MS), timeOf(now + lastsMs)),
    nameOf(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(extension)),
  );
  const signature = createSign('sha256').update(content).sign(key);
  const certificate = sequence(content, ECDSA_WITH_SHA256, der(0x03, Buffer.from([0]), signature));
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

function pemOf(key: KeyObject): string {
  return String(key.export({ type: 'pkcs8', format: 'pem' }));
}

function nameOf(text: string): Buffer {
  return sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from(text)))));
}

function timeOf(ms: number): Buffer {
  return der(0x17, Buffer.from(`${new Date(ms).toISOString().replace(/\D/g, '').slice(2, 14)}Z`));
}

function hostName(host: string): Buffer {
  const isAddress = /^[\d.]+$/.test(host);
  return isAddress ? der(0x87, Buffer.from(host.split('.').map(Number))) : der(0x82, Buffer.from(host));
}

function octets(content: Buffer): Buffer {
  return der(0x04, content);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, ...parts);
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
