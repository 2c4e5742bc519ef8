#!/bin/bash
# ./dev bench train: our trainer against libtorch, in turn, from the same first weights on the same
# batches: what drifts hits both, and the median of the pairs' ratios is what counts. First our
# gradients are held against libtorch's autograd; the rate of oneDNN's products of large matrices is
# measured beside each cell. Prints Markdown (bench/train.jq).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source bench/common.sh

readonly PROGRAMS=build/torch/tests/peer/torch
readonly SEQUENCES=8 LENGTH=256

usage() {
  cat <<HELP
usage: ./dev bench train [options]

  --models "A B"    2M, 20M (both), or JSON files of specs
  --precisions A,B  of the products (f32,bf16); bf16 is libtorch's autocast
  --threads N       (all logical CPUs)
  --steps N         that are timed in each run, of $SEQUENCES x $LENGTH tokens (5)
  --pairs N         of each (5)
  --results FILE    append each pair to this JSONL file; the table is of all that it holds
  --table FILE      only the table of what --results left
HELP
}

models="2M 20M" precisions=f32,bf16 threads=$(nproc) steps=5 pairs=5 results='' table=''
while (($# > 0)); do
  case $1 in
    --models) models=$(want "$@") ;;
    --precisions) precisions=$(want "$@") ;;
    --threads) threads=$(count --threads "$(want "$@")") ;;
    --steps) steps=$(count --steps "$(want "$@")") ;;
    --pairs) pairs=$(count --pairs "$(want "$@")") ;;
    --results) results=$(want "$@") ;;
    --table) table=$(want "$@") ;;
    --help | -h)
      usage
      exit 0
      ;;
    *)
      usage >&2
      die "unknown option $1"
      ;;
  esac
  shift 2
done
need_jq
print_table() { jq -rs -f bench/train.jq "$1" || die "--table: these are no results of ./dev bench train"; }
if [[ -n $table ]]; then
  [[ -r $table && ! -d $table ]] || die "--table: $table cannot be read"
  print_table "$table"
  exit 0
fi
for precision in ${precisions//,/ }; do
  [[ $precision == f32 || $precision == bf16 ]] || die "--precisions: '$precision' is neither f32 nor bf16"
done

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# Before the results are written, which may lie in this repository.
commit=$(git describe --always --dirty=+ --exclude='*' 2> /dev/null || echo unknown)
[[ -n $results ]] || results=$folder/results.jsonl

# spec VOCABULARY D_MODEL BLOCKS HEADS KV_HEADS D_FF: with heads of 32.
spec() {
  jq -n --argjson vocab "$1" --argjson d "$2" --argjson blocks "$3" --argjson heads "$4" --argjson kv "$5" \
    --argjson ff "$6" --argjson length "$LENGTH" '{vocab_size: $vocab, d_model: $d, n_blocks: $blocks,
      n_heads: $heads, n_kv_heads: $kv, head_dim: 32, d_ff: $ff, ffn: "swiglu",
      tie_embeddings: true, repeat: "none", max_seq_len: $length}'
}
spec 4096 128 12 4 2 320 > "$folder/2M.json"   # 2.06M decoder parameters
spec 4096 512 6 16 8 1344 > "$folder/20M.json" # 17.1M, and 2.1M of the embedding

# run PROGRAM SPEC PRECISION: its line of JSON, in $folder/PROGRAM.json.
run() {
  env OMP_NUM_THREADS="$threads" OPENBLAS_NUM_THREADS="$threads" "$PROGRAMS/$1" "$2" "$SEQUENCES" "$LENGTH" \
    "$steps" "$threads" "$3" > "$folder/$1.json" 2> "$folder/error" < /dev/null ||
    { tail -n 5 "$folder/error" >&2; die "$1 failed on $2 ($3)"; }
}

# note MODEL PRECISION: the pair in $folder as one line of the results. Runs that did not do the same are
# refused: the first losses come from the same weights and batch, and differ by rounding alone.
note() {
  jq -cn --slurpfile own "$folder/train_with_deepthin.json" --slurpfile peer "$folder/train_with_torch.json" \
    --slurpfile peak "$folder/peak.json" --arg model "$1" --arg precision "$2" --argjson threads "$threads" \
    --argjson steps "$steps" --argjson tokens "$((SEQUENCES * LENGTH))" \
    --arg commit "$commit" \
    --arg host "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) logical CPUs, $(uname -sr)" \
    --arg load "$(cut -d ' ' -f 1 /proc/loadavg)" --arg date "$(date -u +%FT%TZ)" '
    ($own[0]) as $own | ($peer[0]) as $peer | ($peak[0]) as $peak |
    (if $precision == "f32" then 1e-4 else 2e-2 end) as $allowed |
    if (($own.first_loss - $peer.first_loss) | fabs) > $allowed then
      error("first losses differ: \($own.first_loss) of deepthin, \($peer.first_loss) of the peer")
    else {
      model: $model, params: $own.params, precision: $precision, threads: $threads, tokens: $tokens, steps: $steps,
      own_tokens_per_s: $own.tokens_per_s, peer_tokens_per_s: $peer.tokens_per_s,
      flop_per_token: $own.flop_per_token, peak_flop_per_s: $peak[$precision + "_flop_per_s"],
      own_peak_memory_bytes: $own.peak_memory_bytes, peer_peak_memory_bytes: $peer.peak_memory_bytes,
      own_last_loss: $own.last_loss, peer_last_loss: $peer.last_loss,
      own_commit: $commit, own_isa: $own.isa, peer: $peer.engine, peak: "\($peak.engine), \($peak.size)^3",
      host: $host, load_average: ($load | tonumber), date: $date
    } end' >> "$results" || die "the pair of $1 ($2) does not compare"
}

say "gradients against libtorch's autograd ..."
"$PROGRAMS/torch_gradient_test" --gtest_brief=1 > "$folder/gradients" 2>&1 < /dev/null ||
  { tail -n 30 "$folder/gradients" >&2; die "our gradients are not libtorch's"; }
for model in $models; do
  file=$folder/$model.json label=$model
  if [[ $model != 2M && $model != 20M ]]; then file=$model label=$(basename "$model" .json); fi
  for precision in ${precisions//,/ }; do
    for ((i = 1; i <= pairs; ++i)); do
      say "$label $precision: pair $i of $pairs"
      env OMP_NUM_THREADS="$threads" "$PROGRAMS/onednn_rate" "$threads" > "$folder/peak.json" || die "onednn_rate failed"
      # Who is first changes from pair to pair.
      if ((i % 2)); then order=(train_with_torch train_with_deepthin); else order=(train_with_deepthin train_with_torch); fi
      for program in "${order[@]}"; do run "$program" "$file" "$precision"; done
      note "$label" "$precision"
    done
  done
done
print_table "$results"
