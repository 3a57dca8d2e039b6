// Verifies what Ringpost sends, for Node.js 18 or later; no other package is needed. Copy this file.
//
//   import { verify } from "./verify.mjs";
//   const delivery = verify(body, request.headers, process.env.RINGPOST_SECRET);
//
// body: the bytes as they came, a Buffer, before anything parsed them (express: express.raw({ type: "*/*" })); headers:
// an object with names in small letters, as Node has them; secret: the integration's, or several while one is replaced
// by another. Throws a Rejected whose code says why: answer 401 then. What counts is `webhook-signature` (Standard
// Webhooks), which covers the time; { untimed: true } takes `x-signature` alone, as messages of a queue need it.
import { createHmac, timingSafeEqual } from "node:crypto";

export class Rejected extends Error {
  /** @param {string} code @param {string} message */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/**
 * @param {Buffer} body @param {Record<string, string | string[] | undefined>} headers @param {string | string[]} secret
 * @param {{toleranceS?: number, untimed?: boolean, nowS?: number}} [options]
 * @returns {{id: string | undefined, attempt: number | undefined, sequence: number | undefined, replay: number, event: any}}
 */
export function verify(body, headers, secret, { toleranceS = 300, untimed = false, nowS = Date.now() / 1000 } = {}) {
  if (!Buffer.isBuffer(body)) throw new TypeError("verify takes the raw body in a Buffer: read it before anything parses it");
  const secrets = [secret].flat();
  if (!secrets.length || !secrets.every((one) => typeof one === "string" && one)) throw new TypeError("no secret was given, or an empty one");
  const field = (/** @type {string} */ name) => [headers[name]].flat()[0];
  const signature = field("webhook-signature");
  if (signature !== undefined) {
    const [id, timestamp] = [field("webhook-id"), field("webhook-timestamp")];
    if (!id || !timestamp) throw new Rejected("signature_missing", "webhook-id or webhook-timestamp is not there");
    const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
    const right = secrets.map((one) => `v1,${createHmac("sha256", keyOf(one)).update(signed).digest("base64")}`);
    if (!anySame(right, signature.split(" "))) throw new Rejected("signature_wrong", "webhook-signature is not what the secret makes of this body");
    if (!/^\d{1,15}$/.test(timestamp)) throw new Rejected("timestamp_wrong", "webhook-timestamp is no number of seconds");
    if (!untimed && nowS - Number(timestamp) > toleranceS) throw new Rejected("too_old", "it was sent too long ago");
    if (!untimed && Number(timestamp) - nowS > toleranceS) throw new Rejected("too_new", "it was sent in the future: a clock is wrong");
  } else if (untimed && field("x-signature") !== undefined) {
    const right = secrets.map((one) => createHmac("sha256", one).update(body).digest("hex"));
    if (!anySame(right, [/** @type {string} */ (field("x-signature"))])) throw new Rejected("signature_wrong", "x-signature is not what the secret makes of this body");
  } else {
    throw new Rejected("signature_missing", "webhook-signature is not among the headers");
  }
  const number = (/** @type {string} */ name) => /^\d{1,15}$/.test(field(name) ?? "") ? Number(field(name)) : undefined;
  return {
    id: field("webhook-id"), attempt: number("x-ringpost-attempt"), sequence: number("x-ringpost-sequence"),
    replay: number("x-ringpost-replay") ?? 0, event: JSON.parse(body.toString()),
  };
}

/** The key of Standard Webhooks: what follows `whsec_`, decoded. @param {string} secret */
function keyOf(secret) {
  if (!secret.startsWith("whsec_")) return Buffer.from(secret);
  const key = Buffer.from(secret.slice(6), "base64");
  if (!key.length || key.toString("base64") !== secret.slice(6)) throw new TypeError("the secret begins with whsec_, but what follows is not base64");
  return key;
}

/** In constant time, whatever is the same. @param {string[]} right @param {string[]} given */
function anySame(right, given) {
  let same = false;
  for (const one of right) for (const other of given) {
    const [a, b] = [Buffer.from(one), Buffer.from(other)];
    if (a.length === b.length && timingSafeEqual(a, b)) same = true;
  }
  return same;
}
