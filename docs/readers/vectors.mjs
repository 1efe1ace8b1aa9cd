// Check a textbook sigmoid cross entropy in float64 with the reference values.
// node vectors.mjs sigmoid.csv
import { readFileSync } from "node:fs";

const textbook = (x, z) => Math.max(x, 0) - x * z + Math.log1p(Math.exp(-Math.abs(x)));

/** The number that C writes as -0x1.8p+3, rounded once. */
function number(text) {
  const parts = /^(-?)0x([0-9a-f]+)\.?([0-9a-f]*)p([+-]?\d+)$/.exec(text);
  if (parts === null) return { inf: Infinity, "-inf": -Infinity, nan: NaN }[text];
  const [, sign, whole, part, power] = parts;
  const exponent = Number(power) - 4 * part.length;
  const half = Math.trunc(exponent / 2); // 2 ** exponent alone may be 0
  const size = Number(BigInt(`0x${whole}${part}`)) * 2 ** half * 2 ** (exponent - half);
  return sign ? -size : size;
}

function ulp(exact) {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, Math.abs(exact));
  const field = bits.getUint32(0) >>> 20;
  return 2 ** (Math.max(field, 1) - 1075);
}

const lines = readFileSync(process.argv[2], "ascii").split("\n");
let points = 0, beyond = 0, worst = 0, at = 0;
for (const cells of lines.map((line) => line.split(","))) {
  if (cells[0] !== "float64") continue; // a comment, or another dtype
  const [x, z, smoothing, posWeight, weight, exact] = cells.slice(2, 8).map(number);
  if (smoothing !== 0 || posWeight !== 1 || weight !== 1 || !Number.isFinite(exact)) continue;
  const error = Math.abs(textbook(x, z) - exact) / ulp(exact);
  points += 1;
  beyond += error <= 4 ? 0 : 1; // NaN, too
  if (error > worst) [worst, at] = [error, x];
}
console.log(`${points} losses, ${beyond} off by more than 4 ulp, worst ${worst} at x = ${at}`);
process.exitCode = points === 0 ? 2 : beyond > 0 ? 1 : 0;
