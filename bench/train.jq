# The lines of bench/train.sh (jq -s) as Markdown.

def median: sort | if length % 2 == 1 then .[length / 2 | floor] else (.[length / 2 - 1] + .[length / 2]) / 2 end;
# 1.5 | fixed(2) is "1.50". For numbers that are not negative.
def fixed($digits):
  (. * pow(10; $digits) | round | tostring)
  | ([range(0; $digits + 1 - length)] | map("0") | add // "") + .
  | if $digits == 0 then . else .[:-$digits] + "." + .[-$digits:] end;
def row: "| " + join(" | ") + " |";
def distinct: reduce .[] as $x ([]; if index([$x]) then . else . + [$x] end);
def mib: . / 1048576 | fixed(0);

# One line of the table from the pairs of one cell. After a change of ours the newest commit counts.
def cell:
  (last.own_commit) as $commit | map(select(.own_commit == $commit))
  | map(.own_tokens_per_s / .peer_tokens_per_s) as $ratios
  | first + {
      pairs: length, ratio: ($ratios | median), least: ($ratios | min), greatest: ($ratios | max),
      own: (map(.own_tokens_per_s) | median), peer_rate: (map(.peer_tokens_per_s) | median),
      gflop: (map(.own_tokens_per_s * .flop_per_token / 1e9) | median), peak_rate: (map(.peak_flop_per_s / 1e9) | median),
      share: (map(.own_tokens_per_s * .flop_per_token / .peak_flop_per_s) | median)
    };

if length == 0 or any(.[]; .own_tokens_per_s == null or .peak_flop_per_s == null) then
  error("no pairs")
else
  first as $first | . as $all
  | "# Training beside \($first.peer)", "",
    "- deepthin: commit \($all | map(.own_commit) | distinct | join(", ")), \($all | map(.own_isa) | distinct | join(", "))",
    "- host: \($all | map(.host) | distinct | join("; "))",
    "- date: \($all | map(.date) | min) to \($all | map(.date) | max); load average \($all | map(.load_average) | min | fixed(1)) to \($all | map(.load_average) | max | fixed(1))",
    "- a step is \($first.tokens) tokens; medians; above 1 deepthin is faster; the peak is \($first.peak) in that precision", "",
    (["model", "parameters", "products", "threads", "tokens/s", "libtorch", "ratio (median of pairs)", "least to greatest", "pairs",
      "GFLOP/s", "oneDNN", "share", "memory, MiB", "libtorch, MiB"] | row),
    ([range(14)] | map("---") | row),
    ($all | map([.model, .precision, .threads]) | distinct | .[] as $key
      | $all | map(select([.model, .precision, .threads] == $key)) | cell
      | [.model, (.params / 1e6 | fixed(2)) + "M", .precision, (.threads | tostring), (.own | fixed(0)), (.peer_rate | fixed(0)),
         "**\(.ratio | fixed(2))**", "\(.least | fixed(2)) to \(.greatest | fixed(2))", (.pairs | tostring),
         (.gflop | fixed(0)), (.peak_rate | fixed(0)), (.share * 100 | fixed(0)) + " %",
         (.own_peak_memory_bytes | mib), (.peer_peak_memory_bytes | mib)] | row)
end
