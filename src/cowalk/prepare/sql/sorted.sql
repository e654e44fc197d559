-- Sorted by (owner, time, order, file and row); the owner is the user, or the session where the user is unknown.
CREATE TABLE sorted AS
SELECT $columns
FROM coded
ORDER BY usr, CASE WHEN usr < 0 THEN sess ELSE -1 END, tim, ord, seq
