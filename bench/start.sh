#!/bin/bash
# ./dev bench --start MODEL: from the start of the process to its end after the first token, with the file
# in the page cache, and the most memory that was resident. MODEL is a file with a vocabulary, or a preset,
# which is exported with one of as many pieces as it takes. Prints Markdown.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source bench/common.sh

model='' generate_args=() dtypes=q8_0,q4_0 rounds=20 files=$FILES
while (($# > 0)); do
  case $1 in
    --start) model=$(want "$@") ;;
    --dtypes) dtypes=$(want "$@") ;;
    --tokenizer) generate_args+=(--tokenizer "$(want "$@")") ;;
    --threads) generate_args+=(--threads "$(want "$@")") ;;
    --rounds) rounds=$(count --rounds "$(want "$@")") ;;
    --files) files=$(want "$@") ;;
    *) die "unknown option $1; expected --start MODEL [--dtypes A,B] [--tokenizer FILE] [--threads N] [--rounds N] [--files FOLDER]" ;;
  esac
  shift 2
done
[[ -n $model && ! -d $model ]] || die "--start: expected a model file or a preset, not '$model'"
need_jq

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
started=()
if [[ -f $model && $model != *.json ]]; then
  started=("$model")
else
  pieces=$("$DEEPTHIN" export "$model" --json | jq -e .vocab_size) || die "--start: $model is no model"
  mkdir -p "$files"
  vocabulary "$files/vocabulary-$pieces.bin" "$pieces"
  for dtype in ${dtypes//,/ }; do
    started+=("$(exported "$files" "$model" "$dtype" --tokenizer "$files/vocabulary-$pieces.bin")")
  done
fi

# micros_of COMMAND...: what it took, its output to $folder/out.json.
micros_of() {
  local begin=${EPOCHREALTIME/[^0-9]/}
  "$@" > "$folder/out.json" || die "failed: $*"
  echo $((${EPOCHREALTIME/[^0-9]/} - begin))
}

# in_ms and in_mb: filters of one number.
in_ms() { awk '{printf "%.1f", $1 / 1000}'; }
in_mb() { awk '{printf "%.1f", $1 / 1e6}'; }

for file in "${started[@]}"; do cat "$file" > /dev/null; done # into the page cache
for ((i = 0; i <= rounds; ++i)); do
  for f in "${!started[@]}"; do # in turn
    us=$(micros_of "$DEEPTHIN" generate --model "${started[f]}" "${generate_args[@]}" --temperature 0 -n 1 --json)
    ((i == 0)) && continue # warm-up
    echo "$us" >> "$folder/$f.us"
    jq '.time_to_first_token_s * 1e6' "$folder/out.json" >> "$folder/$f.token_us"
    jq '.peak_memory_bytes // empty' "$folder/out.json" >> "$folder/$f.bytes"
  done
done
heading "Start to first token"
printf -- '- %s runs of each, in turn; whole process: from its start to its end after one token\n\n' "$rounds"
printf '| file | whole process, ms: median | least | greatest | of it the first token, ms: median | peak memory MB | file MB |\n|---|---|---|---|---|---|---|\n'
for f in "${!started[@]}"; do
  printf '| %s | %s | %s | %s | %s | %s | %s |\n' "$(basename "${started[f]}")" \
    "$(median < "$folder/$f.us" | in_ms)" "$(least < "$folder/$f.us" | in_ms)" \
    "$(greatest < "$folder/$f.us" | in_ms)" "$(median < "$folder/$f.token_us" | in_ms)" \
    "$(greatest < "$folder/$f.bytes" | in_mb)" "$(stat -c %s "${started[f]}" | in_mb)"
done
