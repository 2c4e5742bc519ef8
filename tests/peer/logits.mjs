// Logits of ours beside llama.cpp's (node-llama-cpp) on the same GGUF files, by format. llama.cpp gives
// probabilities, so that logits are compared up to their mean. It multiplies weights of 16 bits with
// activations of 16 bits and quantised ones with activations of 8 bits: hence the bounds. In f32, with K
// and V in f32, too, nothing is left but the order of sums.
import {writeFileSync} from 'node:fs';
import {LlamaLogLevel, getLlama} from 'node-llama-cpp';
import {deepthin, expect, inFolder} from './program.mjs';

const kVocab = 4096;
const kModel = `${process.env.PEER_MODEL ?? 'mobilellm-125m:n_blocks=6'},vocab_size=${kVocab}`;
const kTokens = [1, 17, 400, 2000, 3, 77, 1234, 5, 999, 42];
// Otherwise K and V are rounded to f16, which alone makes 1e-3.
const kPlainAttention = {flashAttention: false, experimentalKvCacheKeyType: 'F32', experimentalKvCacheValueType: 'F32'};
const kMostRms = {f32: 1e-5, f16: 4e-3, bf16: 2e-2, q8_0: 6e-2, q4_0: 6e-2};

// node-llama-cpp needs a vocabulary: one in llama2.c's format, the marks, the bytes, then any texts.
function tokenizerFile(folder) {
  const pieces = ['<unk>', '\n<s>\n', '\n</s>\n'];
  for (let b = 0; b < 256; ++b) pieces.push(`<0x${b.toString(16).toUpperCase().padStart(2, '0')}>`);
  while (pieces.length < kVocab) pieces.push(`p${pieces.length}`);
  const head = (score, length) => {
    const bytes = Buffer.alloc(8);
    bytes.writeFloatLE(score, 0);
    bytes.writeInt32LE(length, 4);
    return bytes;
  };
  const longest = Buffer.alloc(4);
  longest.writeInt32LE(16);
  const path = `${folder}/tokenizer.bin`;
  writeFileSync(path, Buffer.concat([longest, ...pieces.flatMap((p, i) => [head(-i, p.length), Buffer.from(p)])]));
  return path;
}

const centred = (numbers) => {
  const mean = numbers.reduce((a, b) => a + b) / numbers.length;
  return numbers.map((x) => x - mean);
};
const rms = (numbers) => Math.sqrt(numbers.reduce((sum, x) => sum + x * x, 0) / numbers.length);

const llama = await getLlama({gpu: false, build: 'never', logLevel: LlamaLogLevel.error});

async function theirs(path) {
  const model = await llama.loadModel({modelPath: path});
  const context = await model.createContext({contextSize: 256, threads: 1, ...kPlainAttention});
  const next = {generateNext: {probabilities: true}};
  const input = kTokens.map((token, i) => (i === kTokens.length - 1 ? [token, next] : token));
  const {probabilities} = (await context.getSequence().controlledEvaluate(input)).at(-1).next;
  const logits = new Array(probabilities.size);
  for (const [token, p] of probabilities) logits[token] = Math.log(p);
  await model.dispose();
  return centred(logits);
}

await inFolder(async (folder) => {
  const tokenizer = tokenizerFile(folder);
  for (const [dtype, most] of Object.entries(kMostRms)) {
    const path = `${folder}/${dtype}.gguf`;
    deepthin('export', kModel, '--gguf', path, '--dtype', dtype, '--tokenizer', tokenizer);
    const ours = centred(JSON.parse(deepthin('eval', 'logits', path, '--tokens', kTokens.join(), '--json')).logits);
    const other = await theirs(path);
    const scale = rms(other);
    const differences = ours.map((x, i) => x - other[i]);
    const error = rms(differences) / scale;
    const largest = Math.max(...differences.map(Math.abs)) / scale;
    console.log(`logits ${dtype}: relative error rms ${error.toExponential(1)}, largest ${largest.toExponential(1)}`);
    expect(error < most, `${dtype}: rms ${error}, at most ${most}`);
  }
});
process.exit(process.exitCode ?? 0);
