#!/usr/bin/env bash
# run.sh DEEPTHIN [--db FILE] [ARGS of `deepthin experiment run`]: makes or goes on with the shipped
# experiments, in order; a results file and a page of each are of what has been run by then.
set -euo pipefail

deepthin=$1 database=.cache/twins.db
shift
if [[ ${1:-} == --db ]]; then
  database=$2
  shift 2
fi
for name in twins shapes; do
  status=0
  nice -n 19 "$deepthin" experiment run "$name" --db "$database" "$@" || status=$?
  ((status == 0 || status == 1 || status == 130)) || exit "$status"  # 1: some failed; 130: Ctrl-C
  file=results/experiments/$name.jsonl
  "$deepthin" experiment export "$name" --db "$database" --out "$file"
  "$deepthin" experiment page "$file" --out "docs/experiment-$name.md"
  ((status == 0)) || exit "$status"
done
