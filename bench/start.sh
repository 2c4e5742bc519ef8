#!/bin/bash
# ./dev bench --start FILE: from the start of the process to its end after the first token, with the file
# in the page cache, and the most memory that was resident. Prints Markdown.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source bench/common.sh

file='' generate_args=() rounds=20
while (($# > 0)); do
  case $1 in
    --start) file=$(want "$@") ;;
    --tokenizer) generate_args+=(--tokenizer "$(want "$@")") ;;
    --threads) generate_args+=(--threads "$(want "$@")") ;;
    --rounds) rounds=$(count --rounds "$(want "$@")") ;;
    *) die "unknown option $1; expected --start FILE [--tokenizer FILE] [--threads N] [--rounds N]" ;;
  esac
  shift 2
done
[[ -r $file && ! -d $file ]] || die "--start: $file cannot be read"
command -v jq > /dev/null || die "jq is missing; install it (./dev bench does on Debian)"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat "$file" > /dev/null # into the page cache
for ((i = 0; i <= rounds; ++i)); do
  begin=${EPOCHREALTIME/[^0-9]/}
  "$DEEPTHIN" generate --model "$file" "${generate_args[@]}" --temperature 0 -n 1 --json > "$folder/out.json"
  end=${EPOCHREALTIME/[^0-9]/}
  ((i == 0)) && continue # warm-up
  echo $((end - begin)) >> "$folder/us"
  jq '.peak_memory_bytes // empty' "$folder/out.json" >> "$folder/bytes"
done
heading "Start to first token"
printf -- '- %s, %s runs\n\n' "$(basename "$file")" "$rounds"
printf '| process start to its end after one token, ms: median | least | greatest | peak memory MB | file MB |\n|---|---|---|---|---|\n'
printf '| %.1f | %.1f | %.1f | %.1f | %.1f |\n' \
  "$(median < "$folder/us" | awk '{print $1 / 1000}')" "$(least < "$folder/us" | awk '{print $1 / 1000}')" \
  "$(greatest < "$folder/us" | awk '{print $1 / 1000}')" \
  "$(greatest < "$folder/bytes" | awk '{print $1 / 1e6}')" "$(stat -c %s "$file" | awk '{print $1 / 1e6}')"
