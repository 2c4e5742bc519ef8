-- Schema version 3: models that were trained. An outcome may be 'training', which the CHECK of
-- version 1 refuses; so trial is made anew, and the views that read it.

DROP VIEW v_points;
DROP VIEW v_trials;
DROP VIEW v_answers;

CREATE TABLE trial_new (
  id INTEGER PRIMARY KEY,  -- order of arrival
  key TEXT NOT NULL,  -- content hash of identity
  attempt INTEGER NOT NULL CHECK (attempt >= 1),
  evaluator TEXT NOT NULL,
  started_at TEXT NOT NULL,  -- UTC
  duration_s REAL NOT NULL,
  outcome TEXT NOT NULL CHECK (
    outcome IN ('estimate', 'measurement', 'score', 'training', 'infeasible', 'failure')),
  identity TEXT NOT NULL,  -- JSON: evaluator, version, settings, what of the problem counts; last, since long
  UNIQUE (key, attempt)
) STRICT;
INSERT INTO trial_new (id, key, attempt, evaluator, started_at, duration_s, outcome, identity)
SELECT id, key, attempt, evaluator, started_at, duration_s, outcome, identity FROM trial;
DROP TABLE trial;
ALTER TABLE trial_new RENAME TO trial;

-- A model trained from random weights. Losses are in nats per token.
CREATE TABLE training (
  trial_id INTEGER PRIMARY KEY REFERENCES trial (id) ON DELETE CASCADE,
  host_cpu_model TEXT NOT NULL,
  host_logical_cpus INTEGER NOT NULL,
  host_isa TEXT NOT NULL,
  host_kernel TEXT NOT NULL,
  host_load_average REAL NOT NULL,
  host_build_type TEXT NOT NULL,
  host_commit TEXT NOT NULL,
  model_vocab_size INTEGER NOT NULL,
  model_d_model INTEGER NOT NULL,
  model_n_blocks INTEGER NOT NULL,
  model_n_heads INTEGER NOT NULL,
  model_n_kv_heads INTEGER NOT NULL,
  model_head_dim INTEGER NOT NULL,
  model_d_ff INTEGER NOT NULL,
  model_ffn TEXT NOT NULL,
  model_tie_embeddings INTEGER NOT NULL CHECK (model_tie_embeddings IN (0, 1)),
  model_repeat TEXT NOT NULL,
  model_kv_policy TEXT NOT NULL,
  model_max_seq_len INTEGER NOT NULL,
  model_rope_theta REAL NOT NULL,
  model_norm_eps REAL NOT NULL,
  seed INTEGER NOT NULL,
  learning_rate REAL NOT NULL,  -- the highest
  threads INTEGER NOT NULL,
  steps INTEGER NOT NULL,  -- done
  tokens INTEGER NOT NULL,  -- predicted in these steps
  diverged INTEGER NOT NULL CHECK (diverged IN (0, 1)),
  loss REAL,  -- mean of the last tenth of the steps
  validation_loss REAL,  -- the last
  tokens_per_s REAL,
  model_flop_per_s REAL,
  share_of_peak REAL,
  peak_memory_bytes INTEGER
) STRICT;

-- The loss curve at its validations.
CREATE TABLE training_point (
  trial_id INTEGER NOT NULL REFERENCES training (trial_id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  step INTEGER NOT NULL,  -- steps done
  loss REAL,  -- mean over the steps since the point before
  validation_loss REAL,
  PRIMARY KEY (trial_id, position)
) STRICT, WITHOUT ROWID;

-- The newest trial of each evaluator for each point.
CREATE VIEW v_answers AS
SELECT link.sweep_hash, link.point_index, newest.evaluator, max(newest.id) AS trial_id
FROM point_trial AS link
JOIN trial AS linked ON linked.id = link.trial_id
JOIN trial AS newest ON newest.key = linked.key
GROUP BY link.sweep_hash, link.point_index, newest.evaluator;

CREATE VIEW v_trials AS
SELECT trial.id AS trial_id, trial.evaluator, trial.outcome, trial.attempt,
       trial.attempt = (SELECT max(attempt) FROM trial AS other WHERE other.key = trial.key) AS is_newest,
       trial.started_at, trial.duration_s,
       1e3 * prefill.time_s AS estimated_prefill_ms,
       1e3 * decode.time_s AS estimated_decode_ms,
       1e3 * prefill_samples.median_s AS measured_prefill_ms,
       1e3 * decode_samples.median_s AS measured_decode_ms,
       score.value AS score, score.proxy AS score_proxy,
       training.validation_loss, training.diverged,
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
LEFT JOIN training ON training.trial_id = trial.id
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
       training.validation_loss, training.tokens AS training_tokens, training.diverged,
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
         max(iif(t.outcome = 'training', t.id, NULL)) AS training_id,
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
LEFT JOIN training ON training.trial_id = answer.training_id
LEFT JOIN infeasible ON infeasible.trial_id = answer.infeasible_id
LEFT JOIN failure ON failure.trial_id = answer.failure_id;
