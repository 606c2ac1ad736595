// A two-layer net (tanh, identity, mean squared error per example) trained in JavaScript by SGD with
// momentum, in float32, which records its run.   node trace.mjs run.safetensors [mistake]
// Mistakes: mean-bias, tanh-of-z, dampened.
import { writeFileSync } from "node:fs";

const [path, mistake] = process.argv.slice(2);
const [nx, nh, ny, m, steps, lr, momentum] = [4, 6, 1, 9, 10, 0.05, 0.9];
const fields = {}, parts = [];
let end = 0;

function put(name, shape, x) {
  const start = end;
  end += x.byteLength;
  fields[name] = { dtype: "F32", shape, data_offsets: [start, end] };
  parts.push(Buffer.from(x.slice().buffer));
}

function save() {
  const configuration = {
    activations: ["tanh", "identity"], loss: "mse_per_example", optimizer: "sgd", options: { lr, momentum },
  };
  fields.__metadata__ = {
    format: "parity-trace/1", layout: "columns", dtype: "float32", steps: String(steps),
    program: "trace.mjs", configuration: JSON.stringify(configuration),
  };
  const header = Buffer.from(JSON.stringify(fields));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  writeFileSync(path, Buffer.concat([length, header, ...parts]));
}

const filled = (rows, columns, f) =>
  Float32Array.from({ length: rows * columns }, (_, i) => f(Math.floor(i / columns), i % columns));
const multiplied = (A, B, rows, inner, columns, at = (i, k) => A[i * inner + k], bt = (k, j) => B[k * columns + j]) =>
  filled(rows, columns, (i, j) => {
    let sum = 0;
    for (let k = 0; k < inner; k++) sum += at(i, k) * bt(k, j);
    return sum;
  });
const summed = (A, rows) =>
  filled(rows, 1, (i) => A.subarray(i * m, (i + 1) * m).reduce((a, b) => a + b, 0) / (mistake === "mean-bias" ? m : 1));

let seed = 7;
const uniform = () => ((seed = (seed * 48271) % 2147483647) / 2147483647) * 2 - 1;
const X = filled(nx, m, uniform), Y = filled(ny, m, uniform);
const W = { W1: filled(nh, nx, uniform), b1: filled(nh, 1, uniform), W2: filled(ny, nh, uniform), b2: filled(ny, 1, uniform) };
const shapes = { W1: [nh, nx], b1: [nh, 1], W2: [ny, nh], b2: [ny, 1] };
const velocity = {};

for (const name in W) put(`initial/${name}`, shapes[name], W[name]);
put("step/0/X", [nx, m], X), put("step/0/Y", [ny, m], Y);

for (let step = 0; step < steps; step++) {
  const product = multiplied(W.W1, X, nh, nx, m);
  const Z1 = product.map((z, i) => z + W.b1[Math.floor(i / m)]);
  const A1 = Z1.map(Math.tanh);
  const A2 = multiplied(W.W2, A1, ny, nh, m).map((z, i) => z + W.b2[Math.floor(i / m)]);
  const loss = Float32Array.of(A2.reduce((sum, a, i) => sum + (a - Y[i]) ** 2, 0) / m);
  const dZ2 = A2.map((a, i) => (2 / m) * (a - Y[i]));
  const dA1 = multiplied(W.W2, dZ2, nh, ny, m, (i, k) => W.W2[k * nh + i]);
  const slope = mistake === "tanh-of-z" ? Z1 : A1;
  const dZ1 = dA1.map((d, i) => d * (1 - slope[i] ** 2));
  const gradients = {
    W1: multiplied(dZ1, X, nh, m, nx, undefined, (k, j) => X[j * m + k]), b1: summed(dZ1, nh),
    W2: multiplied(dZ2, A1, ny, m, nh, undefined, (k, j) => A1[j * m + k]), b2: summed(dZ2, ny),
  };
  const shown = { Z1, A1, A2, dZ2, dA1, dZ1 };
  for (const name in shown) put(`step/${step}/${name}`, [shown[name].length / m, m], shown[name]);
  put(`step/${step}/loss`, [], loss);
  for (const name in W) {
    const g = gradients[name], share = mistake === "dampened" ? 1 - momentum : 1;
    velocity[name] = velocity[name] ? velocity[name].map((v, i) => momentum * v + share * g[i]) : g.slice();
    W[name] = W[name].map((w, i) => w - lr * velocity[name][i]);
    put(`step/${step}/d${name}`, shapes[name], g);
    put(`step/${step}/m.${name}`, shapes[name], velocity[name]);
    put(`step/${step}/${name}`, shapes[name], W[name]);
  }
}
save();
