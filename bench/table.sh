#!/bin/bash
# ./dev bench --table FILE...: the pairs that bench/peer.sh left in JSONL files, as Markdown.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source bench/common.sh

[[ ${1:-} == --table && $# -ge 2 ]] || die "expected --table FILE..., the --results of ./dev bench --peer"
shift
for file in "$@"; do [[ -r $file && ! -d $file ]] || die "--table: $file cannot be read"; done
need_jq
jq -rs -f bench/table.jq "$@" || die "--table: these are no results of ./dev bench --peer"
