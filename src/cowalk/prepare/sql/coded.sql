-- The rows that break no rule, every id as a code; -1 = null.
CREATE TABLE coded AS
SELECT j.seq AS seq,
       $user_code AS usr,
       $session_code AS sess,
       i.code AS item,
       $order_code AS ord,
       j.tim AS tim, j.weight AS weight, j.kind AS kind, j.dwell AS dwell
FROM judged AS j
JOIN item_ids AS i ON i.id = j.item
$joins
WHERE j.rule = 0
