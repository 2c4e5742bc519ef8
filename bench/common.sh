# What the comparisons in this folder share. Sourced, from the root of the repository.
# shellcheck shell=bash

readonly DEEPTHIN=${DEEPTHIN:-build/release/deepthin}
# Where exported models are kept.
# shellcheck disable=SC2034
readonly FILES=.cache/bench

say() { printf 'bench: %s\n' "$*" >&2; }
die() {
  say "$*"
  exit 2
}

# want OPTION VALUE...: the value of an option, or an error where the command line ends before it.
want() {
  (($# >= 2)) || die "$1 lacks its value"
  printf '%s\n' "$2"
}

# count OPTION VALUE: a whole number from 1 to 1000.
count() {
  [[ $2 =~ ^[1-9][0-9]{0,2}$|^1000$ ]] || die "$1 is '$2'; expected a number from 1 to 1000"
  printf '%s\n' "$2"
}

need_jq() { command -v jq > /dev/null || die "jq is missing; install it (./dev bench does on Debian)"; }

# heading TITLE: a report's head: figures mean nothing without it.
heading() {
  printf '# %s\n\n- commit: %s\n- date: %s\n- host: %s, %s logical CPUs, %s\n- load average before: %s\n' \
    "$1" "$(git describe --always --dirty=+ --exclude='*' 2> /dev/null || echo unknown)" \
    "$(date -u +%FT%TZ)" "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" \
    "$(nproc)" "$(uname -sr)" "$(cut -d ' ' -f 1-3 /proc/loadavg)"
}

# Filters of numbers, one a line.
median() { sort -g | awk '{v[NR] = $1} END {if (NR) print (v[int((NR + 1) / 2)] + v[int((NR + 2) / 2)]) / 2}'; }
least() { sort -g | head -n 1; }
greatest() { sort -g | tail -n 1; }

# exported FOLDER MODEL DTYPE [OPTION...]: the path of this GGUF file there, exported with these options. One
# that is there already is used where it still has the checksum of its making, and options stayed the same;
# hashing it also brings it into the page cache.
exported() {
  local folder=$1 model=$2 dtype=$3 file made
  shift 3
  made="$model $dtype $*"
  file=$folder/$(basename "$model" .json | tr -c 'A-Za-z0-9.\n-' _)${1:+-with-options}-$dtype.gguf
  if ! [[ -r $file && -r $file.made && $(< "$file.made") == "$made $(sha256sum < "$file")" ]]; then
    say "exporting $model as $dtype ..."
    mkdir -p "$folder"
    rm -f "$file.made"
    "$DEEPTHIN" export "$model" --gguf "$file" --dtype "$dtype" "$@" > /dev/null ||
      die "cannot export $model as $dtype"
    printf '%s\n' "$made $(sha256sum < "$file")" > "$file.made"
  fi
  printf '%s\n' "$file"
}

# vocabulary FILE N: a llama2.c tokenizer of N pieces, as long as words are: special pieces, bytes, then texts.
vocabulary() {
  LC_ALL=C awk -v n="$2" '
    function put(number, i) {  # a 32-bit word, low byte first
      for (i = 0; i < 4; ++i) { printf "%c", number % 256; number = int(number / 256) }
    }
    function piece(text) { put(0); put(length(text)); printf "%s", text }  # score 0
    BEGIN {
      put(16)
      piece("<unk>"); piece("\n<s>\n"); piece("\n</s>\n")
      for (i = 0; i < 256; ++i) piece(sprintf("<0x%02X>", i))
      for (i = 0; i < n - 259; ++i) {
        text = ""
        for (k = i; k >= 0; k = int(k / 26) - 1) text = sprintf("%c", 97 + k % 26) text
        piece(text)
      }
    }' > "$1"
}
