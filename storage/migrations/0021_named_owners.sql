-- Owners are in every conversation without a row; who of them was asked for by name is kept (C-07).
ALTER TABLE conversation ADD COLUMN owners TEXT NOT NULL DEFAULT '[]'; -- JSON array of person ids
