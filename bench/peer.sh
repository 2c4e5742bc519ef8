#!/bin/bash
# ./dev bench --peer: deepthin against a llama-bench, on the same GGUF files, in turn: what drifts hits
# both, and the median of the pairs' ratios is what counts. Prints Markdown.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source bench/common.sh

usage() {
  cat <<'HELP'
usage: ./dev bench --peer PATH [options]

  --peer PATH       the llama-bench of llama.cpp, ik_llama.cpp or another of the family
  --peer-args ARGS  options it is given besides, as "-fa 1"
  --models A,B      presets (mobilellm-125m)
  --dtypes A,B      of the exported files (f32,f16,bf16,q8_0,q4_0)
  --threads A,B     (1,2)
  --rounds N        pairs of each (5)
  --keep FOLDER     put the exported files there, and use those that it has
HELP
}

peer='' peer_args=() models=mobilellm-125m dtypes=f32,f16,bf16,q8_0,q4_0 threads=1,2 rounds=5 keep=''
while (($# > 0)); do
  case $1 in
    --peer) peer=$(want "$@") ;;
    --peer-args) read -ra peer_args <<< "$(want "$@")" ;;
    --models) models=$(want "$@") ;;
    --dtypes) dtypes=$(want "$@") ;;
    --threads) threads=$(want "$@") ;;
    --rounds) rounds=$(count --rounds "$(want "$@")") ;;
    --keep) keep=$(want "$@") ;;
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
command -v jq > /dev/null || die "jq is missing; install it (./dev bench does on Debian)"
peer_help=$("$peer" --help 2>&1 || true)
grep -q -- '--n-prompt' <<< "$peer_help" || die "--peer: $peer does not look like a llama-bench"

readonly PROMPT=512 GENERATED=128 DEPTH=1024
# Decoding at a depth: the options for it, and how its row is found.
depth_args=() depth_filter=''
if grep -q -- '--n-depth' <<< "$peer_help"; then
  depth_args=(-p 0 -n "$GENERATED" -d "$DEPTH")
  depth_filter="select(.n_gen == $GENERATED and .n_depth == $DEPTH)"
elif grep -q -- ' -gp ' <<< "$peer_help"; then
  depth_args=(-p 0 -n 0 -gp "$DEPTH,$GENERATED")
  depth_filter="select(.n_gen == $GENERATED and .n_prompt == $DEPTH)"
else
  say "the peer cannot decode at a depth by itself: leaving that out"
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
files=${keep:-$folder}
mkdir -p "$files"

# peer_run FILE THREADS ARGS...: its rows as JSON.
peer_run() {
  local file=$1 n=$2
  shift 2
  "$peer" -o json -m "$file" -t "$n" -r 1 "$@" "${peer_args[@]}" 2> "$folder/peer.err" ||
    { tail -n 5 "$folder/peer.err" >&2; die "the peer failed on $file"; }
}

# peer_rate FILTER: tokens/s of one row, from standard input.
peer_rate() {
  local rate
  rate=$(jq -r "[.[] | $1 | .avg_ts][0] // empty")
  [[ -n $rate ]] || die "the peer's JSON has no row for: $1"
  printf '%s\n' "$rate"
}

# own_run FILE THREADS ARGS...: the one row as JSON. The peer's KV cache is f16 unless told otherwise.
own_run() {
  local file=$1 n=$2
  shift 2
  "$DEEPTHIN" measure "$file" --json --threads "$n" --repeats 1 --kv f16 "$@" 2> "$folder/own.err" ||
    { tail -n 5 "$folder/own.err" >&2; die "deepthin failed on $file"; }
}

# note WHAT own|peer RATE
note() {
  awk -v rate="$3" 'BEGIN {exit !(rate > 0)}' || die "the $2 rate of $1 is '$3'"
  printf '%s\n' "$3" >> "$folder/$1.$2"
}

# round FILE THREADS: one pair of each kind; notes prefill, decode and depth of own and peer.
round() {
  local own theirs rate
  own=$(own_run "$1" "$2" --prompt "$PROMPT" --generate "$GENERATED")
  theirs=$(peer_run "$1" "$2" -p "$PROMPT" -n "$GENERATED")
  note prefill own "$(jq '.[0].prefill_tokens_per_s' <<< "$own")"
  note decode own "$(jq '.[0].decode_tokens_per_s' <<< "$own")"
  rate=$(peer_rate "select(.n_prompt == $PROMPT and .n_gen == 0)" <<< "$theirs")
  note prefill peer "$rate"
  rate=$(peer_rate "select(.n_prompt == 0 and .n_gen == $GENERATED)" <<< "$theirs")
  note decode peer "$rate"
  ((${#depth_args[@]})) || return 0
  own=$(own_run "$1" "$2" --positions "$DEPTH" --generate "$GENERATED")
  theirs=$(peer_run "$1" "$2" "${depth_args[@]}")
  note "decode at $DEPTH" own "$(jq '.[0].decode_tokens_per_s' <<< "$own")"
  rate=$(peer_rate "$depth_filter" <<< "$theirs")
  note "decode at $DEPTH" peer "$rate"
}

# row MODEL DTYPE THREADS WHAT
row() {
  [[ -s $folder/$4.own ]] || return 0
  paste "$folder/$4.own" "$folder/$4.peer" | awk '{print $1 / $2}' > "$folder/ratios"
  printf '| %s | %s | %s | %s | %.1f | %.1f | **%.3f** | %.3f to %.3f |\n' "$1" "$2" "$3" "$4" \
    "$(median < "$folder/$4.own")" "$(median < "$folder/$4.peer")" "$(median < "$folder/ratios")" \
    "$(least < "$folder/ratios")" "$(greatest < "$folder/ratios")"
  rm -f "$folder/$4.own" "$folder/$4.peer"
}

first=1
for model in ${models//,/ }; do
  for dtype in ${dtypes//,/ }; do
    file=$files/$(basename "$model" .json)-$dtype.gguf
    if [[ ! -s $file ]]; then
      say "exporting $model as $dtype ..."
      "$DEEPTHIN" export "$model" --gguf "$file" --dtype "$dtype" > /dev/null
    fi
    if ((first)); then
      first=0
      heading "deepthin against $(basename "$(dirname "$(dirname "$(dirname "$peer")")")")/$(basename "$peer")"
      printf -- '- peer: commit %s%s\n- %s rounds, deepthin and peer in turn; prompt %s, %s generated tokens, KV cache f16; tokens/s\n\n' \
        "$(peer_run "$file" 1 -p 1 -n 0 | jq -r '.[0].build_commit')" \
        "${peer_args[*]:+, ${peer_args[*]}}" "$rounds" "$PROMPT" "$GENERATED"
      printf '| model | weights | threads | what | deepthin | peer | ratio (median of pairs) | least to greatest |\n'
      printf '|---|---|---|---|---|---|---|---|\n'
    fi
    for n in ${threads//,/ }; do
      for ((i = 1; i <= rounds; ++i)); do
        say "$model $dtype, $n threads: round $i of $rounds"
        round "$file" "$n"
      done
      for what in decode prefill "decode at $DEPTH"; do row "$model" "$dtype" "$n" "$what"; done
    done
    [[ -n $keep ]] || rm -f "$file"
  done
done
