#!/bin/bash
# ./dev bench --peer: deepthin against a llama-bench, on the same GGUF files, in turn: what drifts hits
# both, and the median of the pairs' ratios is what counts. Prints Markdown (bench/table.sh).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source bench/common.sh

# Table 10 of MobileLLM has the last one as its baseline with SwiGLU: wide and shallow.
readonly DEFAULT_MODELS="mobilellm-125m mobilellm-350m \
12x768=mobilellm-125m:n_blocks=12,d_model=768,n_heads=12,n_kv_heads=12,head_dim=64,d_ff=2048,tie_embeddings=false"
readonly DEFAULT_METRICS=decode,prefill,decode-deep
readonly PROMPT=512 GENERATED=128 DEPTH=1024

usage() {
  cat <<HELP
usage: ./dev bench --peer PATH [options]

  --peer PATH       the llama-bench of llama.cpp, ik_llama.cpp or another of the family
  --name NAME       what the table calls it; default: the folders that it lies in
  --peer-args ARGS  options it is given besides, as "-fa 1"
  --isa NAME        hold deepthin to this instruction set, as AVX2; the peer is as it was built
  --models "A B"    presets, specs with overrides or JSON files, with spaces between; NAME=A is A, called
                    NAME. Default: mobilellm-125m, mobilellm-350m and one of 12 blocks that are 768 wide
  --dtypes A,B      of the exported files (f32,f16,bf16,q8_0,q4_0)
  --threads A,B     (1,2)
  --metrics A,B     ($DEFAULT_METRICS)
                    decode: $GENERATED tokens from an empty context on; prefill: a prompt of $PROMPT;
                    decode-deep: $GENERATED tokens from a context of $DEPTH on
  --pairs N         of each (5)
  --results FILE    append each pair to this JSONL file; the table is of all that it holds, so that
                    it can be taken in parts. ./dev bench --table FILE prints it alone
  --files FOLDER    of the exported files, used again where they are whole ($FILES)
HELP
}

peer='' name='' peer_args=() isa='' models=$DEFAULT_MODELS dtypes=f32,f16,bf16,q8_0,q4_0 threads=1,2
metrics=$DEFAULT_METRICS pairs=5 results='' files=$FILES
while (($# > 0)); do
  case $1 in
    --peer) peer=$(want "$@") ;;
    --name) name=$(want "$@") ;;
    --peer-args) read -ra peer_args <<< "$(want "$@")" ;;
    --isa) isa=$(want "$@") ;;
    --models) models=$(want "$@") ;;
    --dtypes) dtypes=$(want "$@") ;;
    --threads) threads=$(want "$@") ;;
    --metrics) metrics=$(want "$@") ;;
    --pairs) pairs=$(count --pairs "$(want "$@")") ;;
    --results) results=$(want "$@") ;;
    --files) files=$(want "$@") ;;
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
[[ -n $peer ]] || die "--peer is missing; expected the path of a llama-bench"
[[ -x $peer && ! -d $peer ]] || die "--peer: $peer is no program that can be run"
need_jq
for n in ${threads//,/ }; do count --threads "$n" > /dev/null; done
for metric in ${metrics//,/ }; do
  [[ ,$DEFAULT_METRICS, == *,"$metric",* ]] || die "--metrics: '$metric' is none of $DEFAULT_METRICS"
done
peer_help=$("$peer" --help 2>&1 || true)
grep -q -- '--n-prompt' <<< "$peer_help" || die "--peer: $peer does not look like a llama-bench"
# .../llama/build-avx2/bin/llama-bench is "llama/build-avx2".
[[ -n $name ]] || name=$(sed -E 's|/llama-bench$||; s|/bin$||; s|.*/([^/]+/[^/]+)$|\1|' <<< "$(realpath "$peer")")

# What each program is to do, and how the peer's row is found among what it prints.
declare -A own_args=(
  [decode]="--positions 0 --generate $GENERATED"
  [prefill]="--prompt $PROMPT --generate 1"
  [decode-deep]="--positions $DEPTH --generate $GENERATED"
) peer_metric_args=(
  [decode]="-p 0 -n $GENERATED"
  [prefill]="-p $PROMPT -n 0"
) own_rate=(
  [decode]=decode_tokens_per_s [prefill]=prefill_tokens_per_s [decode-deep]=decode_tokens_per_s
) peer_row=(
  [decode]=".n_prompt == 0 and .n_gen == $GENERATED"
  [prefill]=".n_prompt == $PROMPT and .n_gen == 0"
)
if grep -q -- '--n-depth' <<< "$peer_help"; then
  peer_metric_args[decode-deep]="-p 0 -n $GENERATED -d $DEPTH"
  peer_row[decode-deep]=".n_gen == $GENERATED and .n_depth == $DEPTH"
elif grep -q -- ' -gp ' <<< "$peer_help"; then
  peer_metric_args[decode-deep]="-p 0 -n 0 -gp $DEPTH,$GENERATED"
  peer_row[decode-deep]=".n_gen == $GENERATED and .n_prompt == $DEPTH"
elif [[ ,$metrics, == *,decode-deep,* ]]; then
  say "the peer cannot decode at a depth by itself: leaving decode-deep out"
  metrics=$(sed 's/decode-deep//; s/,,/,/; s/^,//; s/,$//' <<< "$metrics")
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
[[ -n $results ]] || results=$folder/results.jsonl

# peer_run FILE THREADS METRIC: its row as JSON, in $folder/peer.json.
peer_run() {
  local metric_args
  read -ra metric_args <<< "${peer_metric_args[$3]}"
  "$peer" -o json -m "$1" -t "$2" -r 1 "${metric_args[@]}" "${peer_args[@]}" \
    > "$folder/peer.out" 2> "$folder/peer.err" < /dev/null ||
    { tail -n 5 "$folder/peer.err" >&2; die "the peer failed on $1"; }
  # Text may stand before the array.
  sed -n '/^\[/,$p' "$folder/peer.out" | jq -e "[.[] | select(${peer_row[$3]})][0]" > "$folder/peer.json" ||
    die "the peer's JSON has no row for $3 (${peer_row[$3]})"
}

# own_run FILE THREADS METRIC: the same of ours. The peers' KV cache is f16 unless they are told otherwise.
own_run() {
  local metric_args
  read -ra metric_args <<< "${own_args[$3]}"
  env ${isa:+DEEPTHIN_FORCE_TARGET="$isa"} "$DEEPTHIN" measure "$1" --json --threads "$2" --repeats 1 \
    --kv f16 "${metric_args[@]}" > "$folder/own.out" 2> "$folder/own.err" < /dev/null ||
    { tail -n 5 "$folder/own.err" >&2; die "deepthin failed on $1"; }
  jq -e '.[0]' "$folder/own.out" > "$folder/own.json" || die "deepthin printed no measurement of $1"
}

# note MODEL DTYPE THREADS METRIC: the pair in $folder as one line of the results. Figures that do not
# compare are refused: another KV cache, another number of threads, no rate.
note() {
  jq -cn --slurpfile own "$folder/own.json" --slurpfile peer "$folder/peer.json" --arg model "$1" \
    --arg dtype "$2" --argjson threads "$3" --arg metric "$4" --arg rate "${own_rate[$4]}" \
    --arg name "$name" --arg args "${peer_args[*]}" --arg date "$(date -u +%FT%TZ)" '
    ($own[0]) as $own | ($peer[0]) as $peer | ($own.measurement) as $m |
    if ([$peer.type_k, $peer.type_v, $m.precision.kv] | unique) != ["f16"] then
      error("KV caches differ: \($peer.type_k), \($peer.type_v) of the peer, \($m.precision.kv) of deepthin")
    elif [$peer.n_threads, $m.threads] != [$threads, $threads] then
      error("threads differ: \($peer.n_threads) of the peer, \($m.threads) of deepthin")
    elif ($own[$rate] | type) != "number" or $own[$rate] <= 0 or $peer.avg_ts <= 0 then
      error("no rate: \($peer.avg_ts) of the peer, \($own[$rate]) of deepthin")
    else {
      model: $model, dtype: $dtype, threads: $threads, metric: $metric, kv: $m.precision.kv,
      own_tokens_per_s: $own[$rate], peer_tokens_per_s: $peer.avg_ts,
      own_commit: $m.host.commit, own_isa: $m.host.isa, own_build: $m.host.build_type,
      peer: $name, peer_commit: $peer.build_commit, peer_args: $args,
      host: "\($m.host.cpu_model), \($m.host.logical_cpus) logical CPUs, \($m.host.kernel)",
      load_average: $m.host.load_average, date: $date
    } end' >> "$results" || die "the pair of $1 $2 ($4) does not compare"
}

for named in $models; do
  # "wide=mobilellm-125m:d_model=768" has a name, "mobilellm-125m:d_model=768" has none.
  model=$named label=$named
  if [[ $named =~ ^([A-Za-z0-9._-]+)=(.+)$ ]]; then label=${BASH_REMATCH[1]} model=${BASH_REMATCH[2]}; fi
  for dtype in ${dtypes//,/ }; do
    file=$(exported "$files" "$model" "$dtype")
    for n in ${threads//,/ }; do
      for metric in ${metrics//,/ }; do
        for ((i = 1; i <= pairs; ++i)); do
          say "$label $dtype, $n threads, $metric: pair $i of $pairs"
          # Who is first changes from pair to pair.
          if ((i % 2)); then order=(peer_run own_run); else order=(own_run peer_run); fi
          for run in "${order[@]}"; do "$run" "$file" "$n" "$metric"; done
          note "$label" "$dtype" "$n" "$metric"
        done
      done
    done
  done
done
bench/table.sh --table "$results"
