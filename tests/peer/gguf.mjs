// GGUF files of ours as an independent parser (@huggingface/gguf) reads them: every key, every tensor's
// shape, type and place.
import {statSync} from 'node:fs';
import {GGMLQuantizationType, gguf} from '@huggingface/gguf';
import {deepthin, expect, inFolder} from './program.mjs';

const kTypes = {f32: 'F32', f16: 'F16', bf16: 'BF16', q8_0: 'Q8_0', q4_0: 'Q4_0'};
const kBytesPer32 = {F32: 128, F16: 64, BF16: 64, Q8_0: 34, Q4_0: 18};
const kModel = 'mobilellm-ls-125m:n_blocks=3,vocab_size=640,tie_embeddings=false';

await inFolder(async (folder) => {
  const spec = JSON.parse(deepthin('export', kModel, '--json'));
  for (const [dtype, type] of Object.entries(kTypes)) {
    const path = `${folder}/${dtype}.gguf`;
    deepthin('export', kModel, '--gguf', path, '--dtype', dtype);
    const {metadata, tensorInfos, tensorDataOffset} = await gguf(path, {allowLocalFile: true});
    const key = (name, value) => expect(metadata[name] === value, `${dtype}: ${name} is ${metadata[name]}, not ${value}`);
    key('version', 3);
    key('general.architecture', 'llama');
    key('llama.block_count', spec.n_blocks);
    key('llama.embedding_length', spec.d_model);
    key('llama.feed_forward_length', spec.d_ff);
    key('llama.attention.head_count', spec.n_heads);
    key('llama.attention.head_count_kv', spec.n_kv_heads);
    key('llama.attention.key_length', spec.head_dim);
    key('llama.context_length', spec.max_seq_len);
    key('llama.rope.freq_base', spec.rope_theta);
    key('llama.attention.layer_norm_rms_epsilon', Math.fround(spec.norm_eps));
    key('llama.vocab_size', spec.vocab_size);
    key('deepthin.repeat', spec.repeat);
    expect(tensorInfos.length === 3 + 9 * spec.n_blocks, `${dtype}: ${tensorInfos.length} tensors`);
    const shapes = Object.fromEntries(tensorInfos.map((t) => [t.name, t.shape.map(Number).join('x')]));
    expect(shapes['token_embd.weight'] === `${spec.d_model}x${spec.vocab_size}`, `${dtype}: ${shapes['token_embd.weight']}`);
    expect(shapes['blk.2.ffn_down.weight'] === `${spec.d_ff}x${spec.d_model}`, `${dtype}: ${shapes['blk.2.ffn_down.weight']}`);
    let end = 0;
    for (const t of tensorInfos) {
      const expected = t.shape.length === 1 ? 'F32' : type;
      expect(GGMLQuantizationType[t.dtype] === expected, `${dtype}: ${t.name} is ${GGMLQuantizationType[t.dtype]}`);
      expect(Number(t.offset) === end, `${dtype}: ${t.name} lies at ${t.offset}, not ${end}`);
      const bytes = t.shape.map(Number).reduce((a, b) => a * b) / 32 * kBytesPer32[expected];
      end += Math.ceil(bytes / 32) * 32;
    }
    expect(Number(tensorDataOffset) + end === statSync(path).size, `${dtype}: the file has another size`);
    console.log(`gguf ${dtype}: ${tensorInfos.length} tensors, ${Object.keys(metadata).length} keys`);
  }
});
