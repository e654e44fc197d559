-- Each row with the number of the first rule that it breaks, 0 where it breaks none.
CREATE VIEW judged AS
SELECT seq, item, usr, sess, tim, ord, weight, kind, dwell,
       CASE $rules ELSE 0 END AS rule
FROM (SELECT $columns FROM $table) AS typed
