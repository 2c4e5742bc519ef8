#!/bin/bash
# ./dev bench --busy MODEL: decoding on two threads, alone and beside a process that spins on one of the
# cores, in turn: what a busy phone does to it. MODEL is a file or preset. Prints Markdown.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source bench/common.sh

model='' measure_args=() rounds=5 threads=2
while (($# > 0)); do
  case $1 in
    --busy) model=$(want "$@") ;;
    --precision) measure_args+=(--precision "$(want "$@")") ;;
    --threads) threads=$(count --threads "$(want "$@")") ;;
    --rounds) rounds=$(count --rounds "$(want "$@")") ;;
    *) die "unknown option $1; expected --busy MODEL [--precision P] [--threads N] [--rounds N]" ;;
  esac
  shift 2
done
[[ -n $model ]] || die "--busy lacks its model"
need_jq
# The first CPU that this process may use.
cpu=$(taskset -pc $$ | sed 's/.*: *\([0-9]*\).*/\1/')

folder=$(mktemp -d)
spinner=''
stop_spinning() {
  [[ -z $spinner ]] || kill "$spinner" 2> /dev/null || true
  spinner=''
}
trap 'stop_spinning; rm -rf "$folder"' EXIT

tokens_per_s() {
  "$DEEPTHIN" measure "$model" --json --threads "$threads" --prompt 64 --generate 64 --repeats 3 \
    "${measure_args[@]}" 2> /dev/null | jq '.[0].decode_tokens_per_s'
}
for ((i = 1; i <= rounds; ++i)); do
  say "round $i of $rounds"
  tokens_per_s >> "$folder/alone"
  taskset -c "$cpu" bash -c 'while :; do :; done' &
  spinner=$!
  tokens_per_s >> "$folder/busy"
  stop_spinning
done
paste "$folder/busy" "$folder/alone" | awk '{print $1 / $2}' > "$folder/ratios"
heading "Decoding beside a busy process"
printf -- '- %s%s, %s threads, CPU %s is busy; %s rounds in turn; tokens/s\n\n' "$model" \
  "${measure_args[*]:+, ${measure_args[*]}}" "$threads" "$cpu" "$rounds"
printf '| alone | busy | ratio (median of pairs) | least to greatest |\n|---|---|---|---|\n'
printf '| %.1f | %.1f | **%.3f** | %.3f to %.3f |\n' "$(median < "$folder/alone")" \
  "$(median < "$folder/busy")" "$(median < "$folder/ratios")" "$(least < "$folder/ratios")" \
  "$(greatest < "$folder/ratios")"
