#!/bin/bash
# What `./dev experiment` runs: an experiment, or what is left of it, and then its results file and
# its page, of what has been run by then.
#
#   explorer/experiment/experiment.sh [NAME] [--db FILE] [--runs FOLDER] [ARGS of `experiment run`]
#
# The file and the page of `twins` and `shapes` are kept; those of others go to .cache/.
set -euo pipefail
program=build/release/deepthin
name=twins status=0
if [[ -n ${1:-} && $1 != -* ]]; then name=$1 && shift; fi
database=.cache/$name.db runs='' file=.cache/$name.jsonl page=.cache/$name.md
if [[ $name == twins || $name == shapes ]]; then
  file=results/experiments/$name.jsonl page=docs/experiment-$name.md
fi
while [[ ${1:-} == --db || ${1:-} == --runs ]]; do
  (($# >= 2)) || {
    printf 'experiment: %s lacks its value\n' "$1" >&2
    exit 2
  }
  if [[ $1 == --db ]]; then database=$2; else runs=$2; fi
  shift 2
done
runs=${runs:-$database.runs}
mkdir -p .cache
nice -n 19 "$program" experiment run "$name" --db "$database" --runs "$runs" "$@" || status=$?
# Done, failed in part, or interrupted: there is something to show.
((status == 0 || status == 1 || status == 130)) || exit "$status"
"$program" experiment export "$name" --db "$database" --runs "$runs" --out "$file"
"$program" experiment page "$file" --out "$page"
exit "$status"
