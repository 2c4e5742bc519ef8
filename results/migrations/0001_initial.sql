-- Schema version 1. Every table and column is described in docs/results-schema.md.
-- The columns that belong to a value type are those of its field list (spec/*.h): a test compares them.
-- Numbers are in base units (bytes, seconds, joules); views for people turn some into milliseconds.
-- Enums are texts without a CHECK, so that a new dtype needs no new schema; the reader refuses unknown ones.

CREATE TABLE model (
  hash TEXT NOT NULL PRIMARY KEY,  -- content hash of the ModelSpec
  vocab_size INTEGER NOT NULL,
  d_model INTEGER NOT NULL,
  n_blocks INTEGER NOT NULL,  -- stored; executed_blocks counts repeats
  n_heads INTEGER NOT NULL,
  n_kv_heads INTEGER NOT NULL,
  head_dim INTEGER NOT NULL,
  d_ff INTEGER NOT NULL,
  ffn TEXT NOT NULL,
  tie_embeddings INTEGER NOT NULL CHECK (tie_embeddings IN (0, 1)),
  repeat TEXT NOT NULL,  -- none, immediate:2, repeat_all:2, reverse:2, explicit:0-0-1
  kv_policy TEXT NOT NULL,
  max_seq_len INTEGER NOT NULL,
  rope_theta REAL NOT NULL,
  norm_eps REAL NOT NULL,
  -- Derived; never stored.
  embedding_params INTEGER GENERATED ALWAYS AS (vocab_size * d_model) VIRTUAL,
  head_params INTEGER GENERATED ALWAYS AS (iif(tie_embeddings, 0, vocab_size * d_model)) VIRTUAL,
  decoder_params INTEGER GENERATED ALWAYS AS (
    n_blocks * d_model * (2 * n_heads * head_dim + 2 * n_kv_heads * head_dim
                          + iif(ffn = 'swiglu', 3, 2) * d_ff)) VIRTUAL,
  norm_params INTEGER GENERATED ALWAYS AS ((2 * n_blocks + 1) * d_model) VIRTUAL,
  matrix_params INTEGER GENERATED ALWAYS AS (embedding_params + head_params + decoder_params) VIRTUAL,
  total_params INTEGER GENERATED ALWAYS AS (matrix_params + norm_params) VIRTUAL,
  executed_blocks INTEGER GENERATED ALWAYS AS (
    CASE
      WHEN repeat = 'none' THEN n_blocks
      WHEN repeat LIKE 'explicit:%' THEN 1 + length(repeat) - length(replace(repeat, '-', ''))
      ELSE n_blocks * CAST(substr(repeat, instr(repeat, ':') + 1) AS INTEGER)
    END) VIRTUAL
) STRICT;

CREATE TABLE soc (
  hash TEXT NOT NULL PRIMARY KEY,  -- content hash of the SocSpec
  name TEXT NOT NULL,
  json TEXT NOT NULL  -- the whole SocSpec with the source of each number
) STRICT;

CREATE TABLE problem (
  hash TEXT NOT NULL PRIMARY KEY,  -- content hash of the Problem
  model_hash TEXT NOT NULL REFERENCES model (hash),
  soc_hash TEXT NOT NULL REFERENCES soc (hash),
  precision_weights TEXT NOT NULL,
  precision_embedding TEXT NOT NULL,
  precision_activations TEXT NOT NULL,
  precision_kv TEXT NOT NULL,
  prompt_tokens INTEGER NOT NULL,
  generated_tokens INTEGER NOT NULL,
  batch INTEGER NOT NULL
) STRICT;

CREATE TABLE sweep (
  id INTEGER PRIMARY KEY,  -- order of arrival
  hash TEXT NOT NULL UNIQUE,  -- content hash of the definition
  name TEXT NOT NULL,
  created_at TEXT NOT NULL,  -- UTC
  definition TEXT NOT NULL  -- JSON as it was run
) STRICT;

CREATE TABLE sweep_evaluator (
  sweep_hash TEXT NOT NULL REFERENCES sweep (hash) ON DELETE CASCADE,
  position INTEGER NOT NULL,  -- order in which they run
  evaluator TEXT NOT NULL,
  PRIMARY KEY (sweep_hash, position)
) STRICT, WITHOUT ROWID;

-- A point of a sweep: a problem, or the reason why the combination is none.
CREATE TABLE point (
  sweep_hash TEXT NOT NULL REFERENCES sweep (hash) ON DELETE CASCADE,
  point_index INTEGER NOT NULL,
  label TEXT NOT NULL,
  problem_hash TEXT REFERENCES problem (hash),
  reason TEXT,  -- why it is infeasible
  needed_bytes INTEGER,
  available_bytes INTEGER,
  PRIMARY KEY (sweep_hash, point_index),
  CHECK ((problem_hash IS NULL) <> (reason IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX point_problem ON point (problem_hash);

-- One evaluation. Append-only: trials with equal keys are attempts at one question, the newest counts.
CREATE TABLE trial (
  id INTEGER PRIMARY KEY,  -- order of arrival
  key TEXT NOT NULL,  -- content hash of identity
  attempt INTEGER NOT NULL CHECK (attempt >= 1),
  evaluator TEXT NOT NULL,
  started_at TEXT NOT NULL,  -- UTC
  duration_s REAL NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('estimate', 'measurement', 'score', 'infeasible', 'failure')),
  identity TEXT NOT NULL,  -- JSON: evaluator, version, settings, what of the problem counts; last, since long
  UNIQUE (key, attempt)
) STRICT;

-- Which points of which sweep a trial answers.
CREATE TABLE point_trial (
  sweep_hash TEXT NOT NULL,
  point_index INTEGER NOT NULL,
  trial_id INTEGER NOT NULL REFERENCES trial (id) ON DELETE CASCADE,
  PRIMARY KEY (sweep_hash, point_index, trial_id),
  FOREIGN KEY (sweep_hash, point_index) REFERENCES point (sweep_hash, point_index) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX point_trial_trial ON point_trial (trial_id);

-- Outcomes: one table (or family of tables) for each kind.

CREATE TABLE estimate (
  trial_id INTEGER PRIMARY KEY REFERENCES trial (id) ON DELETE CASCADE,
  model_name TEXT NOT NULL,  -- of the cost model
  model_version TEXT NOT NULL,
  weight_bytes INTEGER NOT NULL,
  peak_memory_bytes INTEGER NOT NULL,
  fits_memory INTEGER NOT NULL CHECK (fits_memory IN (0, 1))
) STRICT;

CREATE TABLE estimate_phase (
  trial_id INTEGER NOT NULL REFERENCES estimate (trial_id) ON DELETE CASCADE,
  phase TEXT NOT NULL CHECK (phase IN ('prefill', 'decode')),
  context_tokens INTEGER NOT NULL,
  time_s REAL NOT NULL,  -- prefill: the prompt; decode: one token
  dram_bytes INTEGER NOT NULL,
  macs INTEGER NOT NULL,
  energy_j REAL,
  limited_by TEXT NOT NULL,
  PRIMARY KEY (trial_id, phase)
) STRICT, WITHOUT ROWID;

CREATE TABLE estimate_operator (
  trial_id INTEGER NOT NULL,
  phase TEXT NOT NULL,
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  executions INTEGER NOT NULL,
  macs INTEGER NOT NULL,
  compute_time_s REAL NOT NULL,
  fixed_time_s REAL NOT NULL,
  time_s REAL NOT NULL,
  limited_by TEXT NOT NULL,
  PRIMARY KEY (trial_id, phase, position),
  FOREIGN KEY (trial_id, phase) REFERENCES estimate_phase (trial_id, phase) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE estimate_traffic (
  trial_id INTEGER NOT NULL,
  phase TEXT NOT NULL,
  operator_position INTEGER NOT NULL,
  position INTEGER NOT NULL,
  level TEXT NOT NULL,
  read_bytes INTEGER NOT NULL,
  written_bytes INTEGER NOT NULL,
  time_s REAL NOT NULL,
  energy_j REAL,
  PRIMARY KEY (trial_id, phase, operator_position, position),
  FOREIGN KEY (trial_id, phase, operator_position)
    REFERENCES estimate_operator (trial_id, phase, position) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE measurement (
  trial_id INTEGER PRIMARY KEY REFERENCES trial (id) ON DELETE CASCADE,
  host_cpu_model TEXT NOT NULL,
  host_logical_cpus INTEGER NOT NULL,
  host_isa TEXT NOT NULL,
  host_kernel TEXT NOT NULL,
  host_load_average REAL NOT NULL,
  host_build_type TEXT NOT NULL,
  host_commit TEXT NOT NULL,
  threads INTEGER NOT NULL,
  prompt_tokens INTEGER NOT NULL,
  generated_tokens INTEGER NOT NULL,
  load_s REAL NOT NULL,
  init_s REAL NOT NULL,
  bytes_touched_per_token INTEGER NOT NULL,
  weight_bytes INTEGER NOT NULL
) STRICT;

-- Raw samples in the order in which they were taken.
CREATE TABLE sample (
  trial_id INTEGER NOT NULL REFERENCES measurement (trial_id) ON DELETE CASCADE,
  phase TEXT NOT NULL CHECK (phase IN ('prefill', 'decode')),
  position INTEGER NOT NULL,
  time_s REAL NOT NULL,  -- prefill: the prompt; decode: one token (mean of the repeat)
  PRIMARY KEY (trial_id, phase, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE score (
  trial_id INTEGER PRIMARY KEY REFERENCES trial (id) ON DELETE CASCADE,
  proxy TEXT NOT NULL,
  version TEXT NOT NULL,
  value REAL NOT NULL,
  standard_error REAL,
  method TEXT NOT NULL,
  in_domain INTEGER NOT NULL CHECK (in_domain IN (0, 1))
) STRICT;

CREATE TABLE infeasible (
  trial_id INTEGER PRIMARY KEY REFERENCES trial (id) ON DELETE CASCADE,
  reason TEXT NOT NULL,
  needed_bytes INTEGER,
  available_bytes INTEGER
) STRICT;

CREATE TABLE failure (
  trial_id INTEGER PRIMARY KEY REFERENCES trial (id) ON DELETE CASCADE,
  message TEXT NOT NULL
) STRICT;

-- Views for people.

-- The newest trial of each evaluator for each point.
CREATE VIEW v_answers AS
SELECT link.sweep_hash, link.point_index, newest.evaluator, max(newest.id) AS trial_id
FROM point_trial AS link
JOIN trial AS linked ON linked.id = link.trial_id
JOIN trial AS newest ON newest.key = linked.key
GROUP BY link.sweep_hash, link.point_index, newest.evaluator;

CREATE VIEW v_sample_median AS
SELECT trial_id, phase, avg(time_s) AS median_s, samples
FROM (SELECT trial_id, phase, time_s,
             row_number() OVER (PARTITION BY trial_id, phase ORDER BY time_s) AS rank,
             count(*) OVER (PARTITION BY trial_id, phase) AS samples
      FROM sample)
WHERE rank IN ((samples + 1) / 2, (samples + 2) / 2)
GROUP BY trial_id, phase;

CREATE VIEW v_trials AS
SELECT trial.id AS trial_id, trial.evaluator, trial.outcome, trial.attempt,
       trial.attempt = (SELECT max(attempt) FROM trial AS other WHERE other.key = trial.key) AS is_newest,
       trial.started_at, trial.duration_s,
       1e3 * prefill.time_s AS estimated_prefill_ms,
       1e3 * decode.time_s AS estimated_decode_ms,
       1e3 * prefill_samples.median_s AS measured_prefill_ms,
       1e3 * decode_samples.median_s AS measured_decode_ms,
       score.value AS score, score.proxy AS score_proxy,
       coalesce(infeasible.reason, failure.message) AS message,
       trial.key
FROM trial
LEFT JOIN estimate_phase AS prefill ON prefill.trial_id = trial.id AND prefill.phase = 'prefill'
LEFT JOIN estimate_phase AS decode ON decode.trial_id = trial.id AND decode.phase = 'decode'
LEFT JOIN v_sample_median AS prefill_samples
  ON prefill_samples.trial_id = trial.id AND prefill_samples.phase = 'prefill'
LEFT JOIN v_sample_median AS decode_samples
  ON decode_samples.trial_id = trial.id AND decode_samples.phase = 'decode'
LEFT JOIN score ON score.trial_id = trial.id
LEFT JOIN infeasible ON infeasible.trial_id = trial.id
LEFT JOIN failure ON failure.trial_id = trial.id;

-- One row for each point; what no trial has answered yet is NULL.
CREATE VIEW v_points AS
SELECT sweep.name AS sweep, point.point_index, point.label,
       model.total_params, model.matrix_params, model.decoder_params,
       model.n_blocks, model.executed_blocks, model.d_model, model.n_heads, model.n_kv_heads, model.d_ff,
       model.tie_embeddings, model.repeat,
       problem.precision_weights, soc.name AS soc,
       problem.prompt_tokens, problem.generated_tokens,
       1e3 * decode_samples.median_s AS measured_decode_ms,
       1e3 * prefill_samples.median_s AS measured_prefill_ms,
       1e3 * decode.time_s AS estimated_decode_ms,
       1e3 * prefill.time_s AS estimated_prefill_ms,
       decode.dram_bytes AS estimated_dram_bytes_per_token,
       decode.energy_j AS estimated_energy_j_per_token,
       estimate.weight_bytes, estimate.peak_memory_bytes, estimate.fits_memory,
       score.value AS score, score.standard_error AS score_standard_error, score.proxy AS score_proxy,
       coalesce(point.reason, infeasible.reason) AS infeasible_because,
       failure.message AS failed_because,
       point.sweep_hash, model.hash AS model_hash
FROM point
JOIN sweep ON sweep.hash = point.sweep_hash
LEFT JOIN problem ON problem.hash = point.problem_hash
LEFT JOIN model ON model.hash = problem.model_hash
LEFT JOIN soc ON soc.hash = problem.soc_hash
LEFT JOIN (
  SELECT v.sweep_hash, v.point_index,
         max(iif(t.outcome = 'estimate', t.id, NULL)) AS estimate_id,
         max(iif(t.outcome = 'measurement', t.id, NULL)) AS measurement_id,
         max(iif(t.outcome = 'score', t.id, NULL)) AS score_id,
         max(iif(t.outcome = 'infeasible', t.id, NULL)) AS infeasible_id,
         max(iif(t.outcome = 'failure', t.id, NULL)) AS failure_id
  FROM v_answers AS v
  JOIN trial AS t ON t.id = v.trial_id
  GROUP BY v.sweep_hash, v.point_index) AS answer
  ON answer.sweep_hash = point.sweep_hash AND answer.point_index = point.point_index
LEFT JOIN estimate ON estimate.trial_id = answer.estimate_id
LEFT JOIN estimate_phase AS decode
  ON decode.trial_id = answer.estimate_id AND decode.phase = 'decode'
LEFT JOIN estimate_phase AS prefill
  ON prefill.trial_id = answer.estimate_id AND prefill.phase = 'prefill'
LEFT JOIN v_sample_median AS decode_samples
  ON decode_samples.trial_id = answer.measurement_id AND decode_samples.phase = 'decode'
LEFT JOIN v_sample_median AS prefill_samples
  ON prefill_samples.trial_id = answer.measurement_id AND prefill_samples.phase = 'prefill'
LEFT JOIN score ON score.trial_id = answer.score_id
LEFT JOIN infeasible ON infeasible.trial_id = answer.infeasible_id
LEFT JOIN failure ON failure.trial_id = answer.failure_id;
