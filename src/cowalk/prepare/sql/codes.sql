-- Codes 0.. of the distinct values of a column in the order of the values.
CREATE TABLE $target AS
SELECT id, CAST(row_number() OVER (ORDER BY id) - 1 AS INTEGER) AS code
FROM (SELECT DISTINCT $column AS id FROM $source WHERE $column IS NOT NULL AND $condition) AS found
ORDER BY id
