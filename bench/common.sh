# What the comparisons in this folder share. Sourced, from the root of the repository.
# shellcheck shell=bash

readonly DEEPTHIN=${DEEPTHIN:-build/release/deepthin}

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
