# The lines of bench/peer.sh (jq -s) as Markdown: one section for each peer and instruction set of ours.

def median: sort | if length % 2 == 1 then .[length / 2 | floor] else (.[length / 2 - 1] + .[length / 2]) / 2 end;
def geometric_mean: (map(log) | add / length) | exp;
# 1.5 | fixed(2) is "1.50". For numbers that are not negative.
def fixed($digits):
  (. * pow(10; $digits) | round | tostring)
  | ([range(0; $digits + 1 - length)] | map("0") | add // "") + .
  | .[:-$digits] + "." + .[-$digits:];
def row: "| " + join(" | ") + " |";
# Distinct values in the order of their first appearance.
def distinct: reduce .[] as $x ([]; if index([$x]) then . else . + [$x] end);
def metric_name:
  {decode: "decode, 128 tokens", prefill: "prefill of 512", "decode-deep": "decode from 1,024 on"}[.] // .;

# One line of the table from the pairs of one cell. After a change of ours the newest commit counts.
def cell:
  (last.own_commit) as $commit | map(select(.own_commit == $commit))
  | map(.own_tokens_per_s / .peer_tokens_per_s) as $ratios
  | first + {
      pairs: length, ratio: ($ratios | median), least: ($ratios | min), greatest: ($ratios | max),
      own: (map(.own_tokens_per_s) | median), peer_rate: (map(.peer_tokens_per_s) | median)
    };
def cells($keys):
  . as $all | map([.[$keys[]]]) | distinct
  | map(. as $key | $all | map(select([.[$keys[]]] == $key)) | cell);

# Cells that a key tells apart, and "all": geometric means of the ratios.
def means_by_dtype:
  . as $cells | (map(.dtype) | distinct) as $dtypes | (map([.metric, .threads]) | distinct) as $kinds
  | def mean($kept): if ($kept | length) > 0 then $kept | map(.ratio) | geometric_mean | fixed(3) else "" end;
    (["what", "threads"] + $dtypes + ["all"] | row),
    (["---", "---"] + ($dtypes | map("---")) + ["---"] | row),
    ($kinds[] | . as [$metric, $threads]
      | ($cells | map(select(.metric == $metric and .threads == $threads))) as $kept
      | [($metric | metric_name), ($threads | tostring)]
        + ($dtypes | map(. as $dtype | mean($kept | map(select(.dtype == $dtype)))))
        + [mean($kept)] | row),
    (["all", ""] + ($dtypes | map(. as $dtype | mean($cells | map(select(.dtype == $dtype)))))
      + ["**" + mean($cells) + "**"] | row);

def section:
  cells(["model", "dtype", "threads", "metric"]) as $cells | first as $first
  | "## \($first.peer), deepthin with \($first.own_isa)", "",
    "- peer: commit \($first.peer_commit)\(if $first.peer_args != "" then ", \($first.peer_args)" else "" end)",
    "- deepthin: commit \($cells | map(.own_commit) | distinct | join(", ")), \(map(.own_build) | distinct | join(", ")) build",
    "- host: \(map(.host) | distinct | join("; "))",
    "- date: \(map(.date) | min) to \(map(.date) | max); load average \(map(.load_average // 0) | min | fixed(1)) to \(map(.load_average // 0) | max | fixed(1))",
    "- tokens/s, medians; KV cache \(map(.kv) | distinct | join(", ")) on both sides; above 1 deepthin is faster", "",
    (["model", "weights", "threads", "what", "deepthin", "peer", "ratio (median of pairs)", "least to greatest", "pairs"] | row),
    ([range(9)] | map("---") | row),
    ($cells[]
      | [.model, .dtype, (.threads | tostring), (.metric | metric_name), (.own | fixed(1)), (.peer_rate | fixed(1)),
         "**\(.ratio | fixed(3))**", "\(.least | fixed(3)) to \(.greatest | fixed(3))", (.pairs | tostring)] | row),
    "", "Geometric means of the ratios:", "", ($cells | means_by_dtype), "";

if length == 0 or any(.[]; .own_tokens_per_s == null or .peer_tokens_per_s == null) then
  error("no pairs")
else
  "# deepthin beside other engines", "",
  (. as $all | map([.peer, .peer_commit, .peer_args, .own_isa]) | distinct
    | .[] | . as $key | $all | map(select([.peer, .peer_commit, .peer_args, .own_isa] == $key)) | section)
end
