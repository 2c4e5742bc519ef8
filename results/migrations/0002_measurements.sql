-- Schema version 2: measurements say which formats were executed, and keep the time of each token.
-- What was measured before was executed in f32.

ALTER TABLE measurement ADD COLUMN precision_weights TEXT NOT NULL DEFAULT 'f32';
ALTER TABLE measurement ADD COLUMN precision_embedding TEXT NOT NULL DEFAULT 'f32';
ALTER TABLE measurement ADD COLUMN precision_activations TEXT NOT NULL DEFAULT 'f32';
ALTER TABLE measurement ADD COLUMN precision_kv TEXT NOT NULL DEFAULT 'f32';
ALTER TABLE measurement ADD COLUMN file_bytes INTEGER;  -- of the model's file, where there was one
ALTER TABLE measurement ADD COLUMN peak_memory_bytes INTEGER;  -- resident, of the process

-- Times of single tokens, in the order in which they were taken: repeat by repeat.
CREATE TABLE token_sample (
  trial_id INTEGER NOT NULL REFERENCES measurement (trial_id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  time_s REAL NOT NULL,
  PRIMARY KEY (trial_id, position)
) STRICT, WITHOUT ROWID;
