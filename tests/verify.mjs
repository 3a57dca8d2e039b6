// What a receiver in JavaScript does, for the tests: a line of JSON in, a line of JSON out, until the input ends.
// In: {"body": base64, "secret": string}. Out: {"body": base64 of JSON.stringify(JSON.parse(body)), "signature": hex},
// where the signature is made over those bytes; or {"refused": why} where JSON.parse does not take the body.
import { createHmac } from "node:crypto";
import { createInterface } from "node:readline";

for await (const line of createInterface({ input: process.stdin })) {
  const { body, secret } = JSON.parse(line);
  let answer;
  try {
    const again = Buffer.from(JSON.stringify(JSON.parse(Buffer.from(body, "base64").toString())));
    const signature = createHmac("sha256", secret).update(again).digest("hex");
    answer = { body: again.toString("base64"), signature };
  } catch (error) {
    answer = { refused: String(error) };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}
